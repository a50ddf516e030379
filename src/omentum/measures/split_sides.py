"""Split a mask of both kidneys, lungs or adrenal glands into right and left, by the affine."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from omentum.measures.components import pieces_of
from omentum.volumes.boxes import bounding_box
from omentum.volumes.geometry import Geometry

__all__ = ["Sides", "body_middle_mm", "split_sides"]

Mask = npt.NDArray[np.bool_]

LEAST_APART_MM = 20.0
"""Two pieces whose middles are nearer than this, across the body, do not define the midline."""
LEAST_SHARE = 1 / 8
"""A piece that is smaller than this share of the largest is a fragment."""
LEAST_ACROSS = 0.15
"""A piece with so much of it on either side of the midline is both organs, grown together."""
_BODY_HU = -200
_BODY_STEP_MM = 6.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sides:
    """Both parts of a mask; together they are the mask, and they do not overlap.

    Attributes:
        right: The patient's right `(x, y, z)`.
        left: The patient's left.
        midline_mm: Where they were told apart, along R (rising to the patient's right).
        was_joined: Whether a piece went across, so that it was cut where it is thinnest.
    """

    right: Mask
    left: Mask
    midline_mm: float
    was_joined: bool


def body_middle_mm(hu: npt.NDArray[Any], geometry: Geometry) -> float | None:
    """Measure where the middle of the body is along R, in mm; `None` where the CT is all air.

    One voxel every few millimetres is read, which is enough for a mean over the whole body.
    """
    steps = tuple(slice(None, None, max(1, round(_BODY_STEP_MM / edge))) for edge in geometry.spacing_mm)
    body = hu[steps] > _BODY_HU
    if not body.any():
        return None
    index = [np.arange(side)[part] for side, part in zip(geometry.shape, steps, strict=True)]
    means = [
        float(np.count_nonzero(body, axis=tuple({0, 1, 2} - {axis})) @ places) / np.count_nonzero(body)
        for axis, places in enumerate(index)
    ]
    return float(geometry.to_mm(means)[0])


def split_sides(mask: Mask, geometry: Geometry, *, middle_mm: float | None = None) -> Sides:
    """Split a mask of both sides into the right and the left one.

    The midline is half way between the two large pieces, where they lie on either side of the body's middle;
    else it is the middle itself. Each piece goes to the side that its own middle is on, so fragments go with
    their organ; a piece that is large on both sides is cut where it is thinnest.

    Args:
        mask: Both sides `(x, y, z)`.
        geometry: Its grid.
        middle_mm: Middle of the body along R, as `body_middle_mm` gives it; that of the grid where not said.

    Example:
        >>> mask = np.zeros((60, 4, 4), dtype=bool)
        >>> mask[5:15], mask[45:55] = True, True
        >>> rising_to_the_left = Geometry(mask.shape, np.diag([-1.0, 1.0, 1.0, 1.0]))
        >>> bool(split_sides(mask, rising_to_the_left).right[10, 0, 0])
        True
    """
    middle = float(geometry.corners_mm[:, 0].mean()) if middle_mm is None else middle_mm
    right = np.zeros_like(mask)
    box = bounding_box(mask)
    if box is None:
        return Sides(right=right, left=right.copy(), midline_mm=middle, was_joined=False)
    part, grid = mask[box], geometry.cropped(box)
    numbers = pieces_of(part).numbers[part].astype(np.int64)
    across_mm = _across_mm(part, grid)
    sizes = np.bincount(numbers)
    means_mm = np.bincount(numbers, weights=across_mm) / np.maximum(sizes, 1)
    midline = _midline_mm(sizes, means_mm, middle)
    to_right = (means_mm > midline)[numbers]
    share = np.bincount(numbers, weights=across_mm > midline) / np.maximum(sizes, 1)
    joined = np.flatnonzero(
        (np.minimum(share, 1 - share) >= LEAST_ACROSS) & (sizes >= LEAST_SHARE * sizes.max())
    ).tolist()
    joined = [number for number in joined if number and _is_wide(across_mm[numbers == number])]
    for number in joined:
        own = numbers == number
        to_right[own] = across_mm[own] > _thinnest_mm(across_mm[own], midline, min(grid.spacing_mm))
    halves = np.zeros_like(part)
    halves[part] = to_right
    if joined:
        halves = _without_crumbs(part, halves)
    right[box] = halves
    return Sides(right=right, left=mask & ~right, midline_mm=midline, was_joined=bool(joined))


def _across_mm(mask: Mask, geometry: Geometry) -> npt.NDArray[np.float64]:
    """Give the place along R of each voxel of a mask, in the order of `array[mask]`."""
    x, y, z = (np.arange(side) * step for side, step in zip(mask.shape, geometry.affine[0, :3], strict=True))
    grid = x[:, None, None] + y[None, :, None] + z[None, None, :]
    return np.asarray(grid[mask] + geometry.affine[0, 3])


def _midline_mm(sizes: npt.NDArray[np.int64], means_mm: npt.NDArray[np.float64], middle_mm: float) -> float:
    """Take the middle between the two largest pieces, if they are two organs and not parts of one."""
    order = np.argsort(-sizes[1:], kind="stable")[:2] + 1
    if len(order) < 2 or sizes[order[1]] < LEAST_SHARE * sizes[order[0]]:
        return middle_mm
    low, high = sorted(means_mm[order].tolist())
    if high - low < LEAST_APART_MM or not low < middle_mm < high:
        return middle_mm
    return float(low + high) / 2


def _is_wide(across_mm: npt.NDArray[np.float64]) -> bool:
    """Tell whether a piece is as wide as two organs side by side."""
    return float(np.ptp(across_mm)) > 2 * LEAST_APART_MM


def _thinnest_mm(across_mm: npt.NDArray[np.float64], midline_mm: float, step_mm: float) -> float:
    """Find the plane across R in which a piece has least voxels, between the middles of its halves."""
    low = float(across_mm[across_mm <= midline_mm].mean())
    high = float(across_mm[across_mm > midline_mm].mean())
    edges = np.arange(low, high + step_mm, step_mm)
    if len(edges) < 3:
        return midline_mm
    counts, _ = np.histogram(across_mm, bins=edges)
    thinnest = np.flatnonzero(counts == counts.min())
    centres = (edges[:-1] + edges[1:]) / 2
    return float(centres[thinnest[np.abs(centres[thinnest] - midline_mm).argmin()]])


def _without_crumbs(mask: Mask, right: Mask) -> Mask:
    """Give small pieces of a side that touch the other side back to it."""
    result = right.copy()
    whole = pieces_of(mask).numbers
    for side, is_right in ((right, True), (mask & ~right, False)):
        pieces = pieces_of(side)
        joined_as = np.zeros(len(pieces.n_voxels), dtype=np.int64)
        joined_as[pieces.numbers[side]] = whole[side]
        by_size = np.array(pieces.by_size, dtype=np.int64)
        _, largest = np.unique(joined_as[by_size], return_index=True)
        result[pieces.mask(np.delete(by_size, largest).tolist())] = not is_right
    return result
