"""Place masks on a CT's grid whose own grid has the same lattice.

Axes may have any order and direction, and the grid may be cropped or padded by whole voxels. Nothing is
resampled: any other grid is refused.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from omentum.errors import GridMismatchError
from omentum.volumes.boxes import BoxedArray, BoxedMask, whole
from omentum.volumes.geometry import SAME_GRID_TOLERANCE_MM, Box, Geometry

__all__ = ["LATTICE_TOLERANCE_VOXELS", "Placement", "full_placement", "lattice_placement", "put_on_grid"]

LATTICE_TOLERANCE_VOXELS = 0.1
"""Greatest distance of a corner from the CT's lattice along any axis, in voxels of the CT."""

_CURE = "save the mask on the CT's own grid, or resample it to that by nearest neighbour"

_EXCHANGED = "save it with the axes (x, y, z) of the CT; arrays of SimpleITK are (z, y, x)"

_Span = tuple[int, int]
"""First voxel and the one after the last, along an axis of the CT; may lie beyond the CT."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """The place of a grid on a CT's lattice.

    Attributes:
        shape: Voxels of the grid along its own axes.
        ct_shape: Voxels of the CT.
        axes: For each axis of the CT, the parallel axis of the grid.
        flipped: For each axis of the CT, whether that axis points the other way.
        start: The CT's index of the grid's first voxel after turning; may be negative.
        off_mm: Greatest distance of a corner from its voxel of the CT.
    """

    shape: tuple[int, int, int]
    ct_shape: tuple[int, int, int]
    axes: tuple[int, int, int]
    flipped: tuple[bool, bool, bool]
    start: tuple[int, int, int]
    off_mm: float

    def spans(self, box: Box) -> tuple[_Span, ...]:
        """Give the place on the CT of a box of the grid."""
        found = []
        for axis, flipped, start in zip(self.axes, self.flipped, self.start, strict=True):
            low, high = box[axis].start, box[axis].stop
            first = start + (self.shape[axis] - high if flipped else low)
            found.append((first, first + high - low))
        return tuple(found)

    def turned(self, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Turn an array from the grid's axes to the CT's; a view."""
        steps = tuple(slice(None, None, -1 if flipped else 1) for flipped in self.flipped)
        return np.asarray(array.transpose(self.axes)[steps])

    @property
    def is_turned(self) -> bool:
        """Whether the grid's axes have another order or direction than the CT's."""
        return self.axes != (0, 1, 2) or any(self.flipped)

    @property
    def covers(self) -> bool:
        """Whether the grid has exactly the voxels of the CT."""
        return self.spans(whole(self.shape)) == tuple((0, side) for side in self.ct_shape)

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences on what is done to bring the grid onto the CT's; empty if they are equal."""
        notes = []
        spans = self.spans(whole(self.shape))
        cropped = any(low < 0 or high > side for (low, high), side in zip(spans, self.ct_shape, strict=True))
        padded = any(low > 0 or high < side for (low, high), side in zip(spans, self.ct_shape, strict=True))
        if cropped or padded:
            done = " and ".join(word for word, is_so in (("cropped", cropped), ("padded", padded)) if is_so)
            size = " x ".join(str(high - low) for low, high in spans)
            notes.append(f"{done} from {size} voxels to the CT's grid")
        if self.off_mm > SAME_GRID_TOLERANCE_MM:
            notes.append(f"a corner lies {self.off_mm:.2g} mm off the CT's grid, within a tenth of a voxel")
        return tuple(notes)


def lattice_placement(path: Path, own: Geometry, ct: Geometry) -> Placement:
    """Find where a grid lies on a CT's lattice.

    Args:
        path: The mask's file, for the message.
        own: The mask's grid.
        ct: The CT's grid.

    Raises:
        GridMismatchError: Directions or spacing differ, a corner is more than a tenth of a voxel off the
            lattice, its sides are the CT's in another order, or no voxel lies on the CT.
    """
    with np.errstate(all="ignore"):
        to_ct = np.linalg.inv(ct.affine) @ own.affine
        turn = np.rint(to_ct[:3, :3])
        ends = [(0, side - 1) for side in own.shape]
        corners = np.array([(x, y, z) for x in ends[0] for y in ends[1] for z in ends[2]], dtype=np.float64)
        away = corners @ (to_ct[:3, :3] - turn).T + to_ct[:3, 3]
        offset = np.rint(away.mean(axis=0))
        off_voxels = float(np.abs(away - offset).max())
    if not _is_turn(turn):
        raise GridMismatchError(path, _other_lattice(own, ct, "spacing or directions differ"), _CURE)
    if not off_voxels <= LATTICE_TOLERANCE_VOXELS:  # NaN is off, too
        off = f"a corner lies {off_voxels:.3g} voxels off, and {LATTICE_TOLERANCE_VOXELS} is allowed"
        raise GridMismatchError(path, _other_lattice(own, ct, off), _CURE)
    placement = _placement(own, ct, turn, (offset, away))
    spans = placement.spans(whole(own.shape))
    if own.shape != ct.shape and all(low == 0 for low, _ in spans) and _is_exchanged(own, ct, placement):
        seen = f"its sides of {_size(own)} voxels are those of the CT, {_size(ct)}, in another order"
        raise GridMismatchError(path, f"{seen}, and its affine does not say so", _EXCHANGED)
    if any(high <= 0 or low >= side for (low, high), side in zip(spans, ct.shape, strict=True)):
        seen = f"its grid of {_size(own)} voxels has no voxel on the CT's grid of {_size(ct)}"
        raise GridMismatchError(path, seen, "check that it belongs to this CT")
    return placement


def full_placement(path: Path, own: Geometry, ct: Geometry) -> Placement:
    """Find how the axes of a grid lie that must cover exactly the voxels of a CT.

    Raises:
        GridMismatchError: As `lattice_placement`, or the grid is cropped or padded.
    """
    placement = lattice_placement(path, own, ct)
    if not placement.covers:
        first = tuple(low for low, _ in placement.spans(whole(own.shape)))
        seen = f"its grid of {_size(own)} voxels begins at voxel {first} of the CT's grid of {_size(ct)}"
        raise GridMismatchError(path, f"{seen}, and must cover it exactly", _CURE)
    return placement


def put_on_grid(part: BoxedMask, placement: Placement) -> tuple[npt.NDArray[np.bool_], int]:
    """Put a part of a mask, in a box of its own grid, on the CT's grid.

    Returns:
        The mask `(x, y, z)` on the CT's grid, and how many of its voxels lie beyond the CT and are cut.
    """
    mask = np.zeros(placement.ct_shape, dtype=np.bool_, order="F")
    x, y, z = (slice(low, high) for low, high in placement.spans(part.box))
    BoxedArray((x, y, z), placement.turned(part.values)).put(mask)
    return mask, int(np.count_nonzero(part.values)) - int(np.count_nonzero(mask))


def _is_exchanged(own: Geometry, ct: Geometry, placement: Placement) -> bool:
    """Tell whether a grid has the CT's sides, and not along the CT's axes."""
    turned = tuple(own.shape[axis] for axis in placement.axes)
    return turned != ct.shape and sorted(turned) == sorted(ct.shape)


def _is_turn(matrix: npt.NDArray[np.float64]) -> bool:
    """Tell whether a matrix only reorders and flips axes."""
    units = np.abs(matrix)
    return bool(np.isin(units, (0.0, 1.0)).all() and (units.sum(0) == 1).all() and (units.sum(1) == 1).all())


def _placement(
    own: Geometry,
    ct: Geometry,
    turn: npt.NDArray[np.float64],
    shift: tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]],
) -> Placement:
    offset, away = shift
    a, b, c = (int(axis) for axis in np.abs(turn).argmax(axis=1))
    flips = [bool(turn[row, axis] < 0) for row, axis in enumerate((a, b, c))]
    starts = [
        int(offset[row]) - (own.shape[axis] - 1 if flips[row] else 0) for row, axis in enumerate((a, b, c))
    ]
    off_mm = np.linalg.norm((away - offset) @ ct.affine[:3, :3].T, axis=1).max()
    return Placement(
        shape=own.shape,
        ct_shape=ct.shape,
        axes=(a, b, c),
        flipped=(flips[0], flips[1], flips[2]),
        start=(starts[0], starts[1], starts[2]),
        off_mm=float(off_mm),
    )


def _other_lattice(own: Geometry, ct: Geometry, reason: str) -> str:
    return (
        f"its grid of {_size(own)} voxels of {_spacing(own)} mm is neither the CT's, {_size(ct)} of "
        f"{_spacing(ct)} mm, nor on its lattice: {reason}"
    )


def _size(grid: Geometry) -> str:
    return " x ".join(str(side) for side in grid.shape)


def _spacing(grid: Geometry) -> str:
    return " x ".join(f"{side:g}" for side in grid.spacing_mm)
