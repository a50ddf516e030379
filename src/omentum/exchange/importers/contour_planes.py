"""Fill the contours of one plane: pieces, holes, and contours that are stored twice.

In:  closed polygons in voxels of the CT, `(corner, 2)`.
Out: which voxels' centres lie inside, in a box that may reach beyond the CT.

Source:
    DICOM PS3.3, C.8.8.6: a hole is a keyhole of its contour, or a contour of its own combined by exclusive or
    (`CLOSEDPLANAR_XOR`). Many programs store holes as `CLOSED_PLANAR` contours inside another.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from omentum.volumes.lattice import LATTICE_TOLERANCE_VOXELS

__all__ = ["Area", "Contour", "PlaneBox", "box_around", "filled_plane"]

Area = npt.NDArray[np.bool_]
"""Voxels of a plane inside a box, `(u, v)`."""
Points = npt.NDArray[np.float64]
"""Points of a plane in voxels, `(point, 2)`."""

_POINTS_AT_ONCE = 256


class Contour(NamedTuple):
    """A closed polygon.

    Attributes:
        height: Place of its plane across the slices, in slices of the CT.
        corners: Its corners in the plane.
        is_xor: Whether it is combined with the others by exclusive or.
    """

    height: float
    corners: Points
    is_xor: bool = False


class PlaneBox(NamedTuple):
    """A box of voxels in a plane: its first voxel, which may be negative, and its size."""

    low: tuple[int, int]
    shape: tuple[int, int]


def box_around(contours: Sequence[Contour]) -> PlaneBox:
    """Find the box of all voxels whose centres may lie inside a contour."""
    low = np.floor(np.min([one.corners.min(axis=0) for one in contours], axis=0)).astype(int)
    high = np.ceil(np.max([one.corners.max(axis=0) for one in contours], axis=0)).astype(int)
    u, v = (high - low + 1).tolist()
    return PlaneBox((int(low[0]), int(low[1])), (u, v))


def filled_plane(contours: Sequence[Contour], box: PlaneBox) -> tuple[Area, bool]:
    """Fill all contours of a plane.

    A contour inside another is a hole, one inside a hole a piece, and so on. Contours that overlap in part
    are pieces that are joined, and a contour that is stored twice counts once. Those of exclusive or are
    combined by it, with each other and with what the others fill.

    Args:
        contours: Of one plane.
        box: Around all of them.

    Returns:
        The voxels inside, and whether contours overlap in part.
    """
    parity = np.zeros(box.shape, dtype=np.bool_)
    for one in contours:
        if one.is_xor:
            parity ^= _filled(one.corners, box)
    area, overlaps = _nested([one.corners for one in contours if not one.is_xor], box)
    return area ^ parity, overlaps


def _nested(polygons: Sequence[Points], box: PlaneBox) -> tuple[Area, bool]:
    """Combine polygons, the largest first: each adds or removes what is inside, as deep as it lies."""
    area, overlaps = np.zeros(box.shape, dtype=np.bool_), False
    placed: list[tuple[Points, Area]] = []
    for corners in sorted(polygons, key=_area, reverse=True):
        own = _filled(corners, box)
        if not (own & area).any() and not any((own & other).any() for _, other in placed):
            area |= own
        else:
            around, is_repeated, is_crossed = _relations(corners, own, placed)
            overlaps |= is_crossed
            if is_repeated:
                continue
            area = area & ~own if around % 2 else area | own
        placed.append((corners, own))
    return area, overlaps


def _relations(corners: Points, own: Area, placed: Sequence[tuple[Points, Area]]) -> tuple[int, bool, bool]:
    """Count the larger polygons around one; tell whether it repeats one, and whether it crosses one."""
    around, is_crossed = 0, False
    for other, filled in placed:
        if not (own & filled).any():
            continue
        if not _is_inside(corners, other):
            is_crossed = True
        elif _may_repeat(corners, other) and _is_inside(other, corners):
            return around, True, is_crossed
        else:
            around += 1
    return around, False, is_crossed


def _may_repeat(corners: Points, other: Points) -> bool:
    """Tell, quickly, whether a polygon may be another one to a tenth of a voxel."""
    length = np.linalg.norm(np.roll(other, -1, axis=0) - other, axis=1).sum()
    return bool(_area(other) - _area(corners) <= 2 * LATTICE_TOLERANCE_VOXELS * length)


def _is_inside(corners: Points, other: Points) -> bool:
    """Tell whether all of a polygon's line lies in another polygon, to a tenth of a voxel."""
    return all(_is_near(part[~_inside(part, other)], other) for part in _parts(_along(corners)))


def _is_near(points: Points, corners: Points) -> bool:
    return not points.size or bool((_distance(points, corners) <= LATTICE_TOLERANCE_VOXELS).all())


def _parts(points: Points) -> Iterator[Points]:
    for start in range(0, len(points), _POINTS_AT_ONCE):
        yield points[start : start + _POINTS_AT_ONCE]


def _along(corners: Points) -> Points:
    """Give points along a polygon's line, at most a voxel apart."""
    step = np.roll(corners, -1, axis=0) - corners
    pieces = np.maximum(1, np.ceil(np.linalg.norm(step, axis=1)).astype(np.int64))
    share = (_counted(pieces) / np.repeat(pieces, pieces))[:, None]
    return np.asarray(np.repeat(corners, pieces, axis=0) + share * np.repeat(step, pieces, axis=0))


def _inside(points: Points, corners: Points) -> npt.NDArray[np.bool_]:
    """Tell which points an odd number of edges separates from infinity."""
    (x, y), after = corners.T, np.roll(corners, -1, axis=0).T
    u, v = points[:, :1], points[:, 1:]
    cut = (y <= v) != (after[1] <= v)
    with np.errstate(divide="ignore", invalid="ignore"):
        crossing = x + (v - y) / (after[1] - y) * (after[0] - x)
    return np.asarray((cut & (u < crossing)).sum(axis=1) % 2 == 1)


def _distance(points: Points, corners: Points) -> npt.NDArray[np.float64]:
    """Measure how far points lie from a polygon's line, in voxels."""
    step = np.roll(corners, -1, axis=0) - corners
    length = np.maximum((step**2).sum(axis=1), 1e-12)
    apart = points[:, None, :] - corners
    share = np.clip((apart * step).sum(axis=2) / length, 0.0, 1.0)
    return np.asarray(np.sqrt(((apart - share[..., None] * step) ** 2).sum(axis=2).min(axis=1)))


def _area(corners: Points) -> float:
    (x, y), (next_x, next_y) = corners.T, np.roll(corners, -1, axis=0).T
    return float(abs((x * next_y - next_x * y).sum()) / 2)


def _filled(corners: Points, box: PlaneBox) -> Area:
    """Find the voxels whose centres an odd number of a polygon's edges separates from infinity."""
    (u_low, v_low), (n_u, n_v) = box
    x, y = corners.T
    next_x, next_y = np.roll(corners, -1, axis=0).T
    first = np.ceil(np.minimum(y, next_y)).astype(np.int64)
    n_rows = np.ceil(np.maximum(y, next_y)).astype(np.int64) - first
    edge = np.repeat(np.arange(len(x)), n_rows)
    row = np.repeat(first, n_rows) + _counted(n_rows)
    along = (row - y[edge]) / (next_y[edge] - y[edge])
    column = np.ceil(x[edge] + along * (next_x[edge] - x[edge])).astype(np.int64)
    places = (row - v_low) * (n_u + 1) + column - u_low
    crossed = (np.bincount(places, minlength=n_v * (n_u + 1)) & 1).astype(np.bool_).reshape(n_v, n_u + 1)
    return np.logical_xor.accumulate(crossed, axis=1)[:, :n_u].T


def _counted(numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Count from 0 below each number, one after another.

    Example:
        >>> _counted(np.array([2, 3])).tolist()
        [0, 1, 0, 1, 2]
    """
    return np.arange(int(numbers.sum())) - np.repeat(np.cumsum(numbers) - numbers, numbers)
