"""A coarse grid that knows, for each node in the scanner's space, its place in the patient.

Places are in the *atlas*: x to the right hand, y to the front, z to the head, in mm from the first lumbar
vertebra of an average adult.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from omentum.phantoms.interpolate import FloatArray, lattice_noise
from omentum.phantoms.shapes import Points, capsule, smooth_path
from omentum.volumes.boxes import box_shape, shifted, whole
from omentum.volumes.geometry import Box

__all__ = ["ENDS_MM", "FAR_MM", "STEP_MM", "Space", "make_space", "stream"]

STEP_MM = 4.0
"""From one coarse node to the next."""
FAR_MM = 30.0
"""Distance given to nodes that are well outside a tube."""

ENDS_MM = np.array([[-224.0, -148.0, -232.0], [224.0, 236.0, 236.0]])
"""Lowest and highest corner of the coarse grid in the scanner's space, where not said otherwise."""
_MARGIN_MM = 10.0


def stream(seed: int, name: str) -> np.random.Generator:
    """Give a stream of random numbers of its own to each part, so that a change in one leaves the others."""
    return np.random.default_rng((seed, zlib.crc32(name.encode())))


@dataclass(frozen=True, slots=True, eq=False)
class Space:
    """A coarse grid over the trunk.

    Attributes:
        seed: Of the patient.
        points: Atlas coordinates of every node, three arrays `(x, y, z)`.
        to_scanner: 3 x 3, from atlas to scanner mm, without the displacement.
        reach_mm: Greatest displacement.
        fine: Noise with grains of a node or two, standard deviation about 1.
        broad: Noise with a period of about 30 mm.
        origin_mm: Place of the first node in the scanner's space.
    """

    seed: int
    points: Points
    to_scanner: npt.NDArray[np.float64]
    reach_mm: float
    fine: FloatArray
    broad: FloatArray
    origin_mm: npt.NDArray[np.float64]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Nodes along each axis."""
        x, y, z = self.points[0].shape
        return x, y, z

    def node_mm(self, axis: int) -> npt.NDArray[np.float64]:
        """Give the places of the nodes along one of the scanner's axes."""
        return np.asarray(self.origin_mm[axis] + STEP_MM * np.arange(self.shape[axis]), dtype=np.float64)

    @property
    def everywhere(self) -> Box:
        """The box of the whole grid."""
        return whole(self.shape)

    def box(self, low_mm: npt.ArrayLike, high_mm: npt.ArrayLike) -> Box:
        """Find the nodes that may lie between two atlas corners, with a margin."""
        ends = np.stack([np.asarray(low_mm, dtype=np.float64), np.asarray(high_mm, dtype=np.float64)])
        corners = np.array(
            [[ends[i, 0], ends[j, 1], ends[k, 2]] for i in (0, 1) for j in (0, 1) for k in (0, 1)]
        )
        seen = corners @ self.to_scanner.T
        reach = self.reach_mm + _MARGIN_MM
        first = np.floor((seen.min(0) - reach - self.origin_mm) / STEP_MM).astype(int)
        last = np.ceil((seen.max(0) + reach - self.origin_mm) / STEP_MM).astype(int) + 1
        x, y, z = (
            slice(int(np.clip(f, 0, n - 2)), int(np.clip(e, 2, n)))
            for f, e, n in zip(first, last, self.shape, strict=True)
        )
        return x, y, z

    def at(self, box: Box) -> Points:
        """Give the atlas coordinates of a box's nodes."""
        x, y, z = self.points
        return x[box], y[box], z[box]

    def noise(self, rng: np.random.Generator, box: Box, *, broad: bool = True) -> FloatArray:
        """Cut noise for a box from a random place, so that organs do not share it."""
        source = self.broad if broad else self.fine
        sides = [part.stop - part.start for part in box]
        starts = [int(rng.integers(0, n - side + 1)) for n, side in zip(self.shape, sides, strict=True)]
        x, y, z = (slice(start, start + side) for start, side in zip(starts, sides, strict=True))
        return source[x, y, z]

    def tube(
        self, knots: npt.ArrayLike, *, flat: Sequence[float] = (1.0, 1.0, 1.0), piece_mm: float = 9.0
    ) -> tuple[Box, FloatArray]:
        """Measure the distance to a tube along a smooth curve through knots `(x, y, z, radius)`.

        Args:
            knots: In atlas mm, shape `(n, 4)`.
            flat: How much narrower than its radius it is along each axis.
            piece_mm: Length of the straight pieces that stand for the curve.
        """
        path = smooth_path(knots, piece_mm)
        widest = path[:, 3].max()
        box = self.box((path[:, :3] - widest).min(0).tolist(), (path[:, :3] + widest).max(0).tolist())
        distance = np.full(box_shape(box), FAR_MM, dtype=np.float32)
        scale = np.array([*flat, 1.0])
        for start, end in pairwise(path):
            self._add_piece(distance, box, start * scale, end * scale, scale)
        return box, distance

    def _add_piece(
        self,
        distance: FloatArray,
        box: Box,
        start: npt.NDArray[np.float64],
        end: npt.NDArray[np.float64],
        scale: npt.NDArray[np.float64],
    ) -> None:
        radius = max(start[3], end[3])
        ends = np.stack([start, end])[:, :3]
        low, high = (ends.min(0) - radius) / scale[:3], (ends.max(0) + radius) / scale[:3]
        near = self.box(low.tolist(), high.tolist())
        x, y, z = (slice(max(n.start, b.start), min(n.stop, b.stop)) for n, b in zip(near, box, strict=True))
        if x.start >= x.stop or y.start >= y.stop or z.start >= z.stop:
            return
        points = self.at((x, y, z))
        if (scale != 1.0).any():
            a, b, c = (axis * np.float32(factor) for axis, factor in zip(points, scale[:3], strict=True))
            points = a, b, c
        view = distance[shifted((x, y, z), box, sign=-1)]
        np.minimum(view, capsule(points, start.tolist(), end.tolist()), out=view)


def make_space(
    seed: int,
    to_scanner: npt.NDArray[np.float64],
    warp_mm: float,
    *,
    period_mm: float = 90.0,
    ends_mm: npt.NDArray[np.float64] = ENDS_MM,
) -> Space:
    """Lay the coarse grid and find where in the atlas each node is.

    Args:
        seed: Of the patient.
        to_scanner: 3 x 3, from atlas to scanner mm: the patient's size and posture.
        warp_mm: Typical smooth displacement of the tissue on top of it.
        period_mm: From one independent displacement to the next.
        ends_mm: Lowest and highest corner of the grid in the scanner's space, shape `(2, 3)`.
    """
    rng = stream(seed, "space")
    shape_xyz = np.round((ends_mm[1] - ends_mm[0]) / STEP_MM).astype(int) + 1
    shape = int(shape_xyz[0]), int(shape_xyz[1]), int(shape_xyz[2])
    inverse = np.linalg.inv(to_scanner)
    axes = [
        np.float32(low) + np.float32(STEP_MM) * np.arange(n, dtype=np.float32)
        for low, n in zip(ends_mm[0], shape, strict=True)
    ]
    grid = axes[0][:, None, None], axes[1][None, :, None], axes[2][None, None, :]
    moved = []
    for row in inverse.astype(np.float32):
        shift = lattice_noise(rng, shape, period_mm / STEP_MM)
        shift *= np.float32(warp_mm)
        np.clip(shift, -2.5 * warp_mm, 2.5 * warp_mm, out=shift)
        shift += row[0] * grid[0] + row[1] * grid[1] + row[2] * grid[2]
        moved.append(shift)
    fine = lattice_noise(rng, shape, 1.7)
    broad = lattice_noise(rng, shape, 30.0 / STEP_MM)
    return Space(seed, (moved[0], moved[1], moved[2]), to_scanner, 2.5 * warp_mm, fine, broad, ends_mm[0])
