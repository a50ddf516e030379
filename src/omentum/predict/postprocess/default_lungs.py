"""Tell the lungs apart by place: joined lungs are separated, and a single lung stays.

All voxels of both lungs are taken together. Two large pieces beside each other are the lungs. Otherwise the
largest piece may be both, joined: it is eroded, in mm, until two such pieces remain. If that fails it is one
lung. Smaller pieces go to the side that the network named, unless they are small beside the lung there.
"""

from typing import Any

import edt
import numpy as np
import numpy.typing as npt

from omentum.abdomenatlas.postprocess_input import Mask, PostprocessInput, PostprocessResult
from omentum.measures.components import Pieces, pieces_of
from omentum.volumes.boxes import BoxedArray, grown
from omentum.volumes.geometry import Geometry

__all__ = ["lungs"]

MOST_RATIO = 4
"""Greatest ratio of two pieces that are both lungs; as published."""
LEAST_ML = 1.0
"""Smaller pieces are specks; a lung of specks is emptied if the other lung is not."""
SCRAP_RATIO = 10
"""Further pieces of a lung are removed if they are more times smaller than it."""
DEEPEST_MM = 20.0
"""Greatest erosion that still separates joined lungs reliably."""
NOT_PARTED = "lungs are joined and could not be separated by shape: the network's own border is kept"

Two = tuple[Mask, Mask]
"""Left and right."""


def lungs(case: PostprocessInput) -> PostprocessResult:
    """Separate the lungs by place; a lung of specks alone is emptied."""
    joined = case.joined(("lung_left", "lung_right"))
    if joined is None:
        return PostprocessResult()
    box = grown(joined[0], 1, case.geometry.shape)  # so that the mask's own border counts as a border
    named = case.seen("lung_left", box), case.seen("lung_right", box)
    pieces = pieces_of(joined.crop(box))
    kept = [n for n in pieces.by_size if pieces.n_voxels[n] * case.geometry.voxel_ml >= LEAST_ML]
    if not kept:
        return PostprocessResult()
    notes: tuple[str, ...] = ()
    pair = _pair(pieces, case.geometry)
    if pair is not None:
        two = pieces.mask([pair[0]]), pieces.mask([pair[1]])
    else:
        pair = kept[0], kept[0]
        whole, middle = pieces.mask(kept[:1]), case.geometry.shape[0] // 2 - box[0].start
        two, notes = _told_apart(whole, named, middle, case.geometry)
    rest = [number for number in kept if number not in pair]
    left, right = _with_rest(two, rest, pieces, named)
    return PostprocessResult(
        {"lung_left": BoxedArray(box, left), "lung_right": BoxedArray(box, right)}, notes
    )


def _pair(pieces: Pieces, geometry: Geometry) -> tuple[int, int] | None:
    """Find the left and the right lung: the largest piece, and the next largest that lies beside it."""
    first, *others = pieces.by_size or [0]
    for other in others:
        if not _is_even(pieces.n_voxels[first], pieces.n_voxels[other]):
            return None
        towards_right = _towards_right(pieces.numbers == first, pieces.numbers == other, geometry)
        if towards_right:
            return (first, other) if towards_right > 0 else (other, first)
    return None


def _told_apart(whole: Mask, named: Two, middle: int, geometry: Geometry) -> tuple[Two, tuple[str, ...]]:
    """Split one large piece: both lungs by shape, both by name, or one by the name of most voxels.

    It may be both only if the network named both in it, or if it fills both halves of the grid.
    """
    left, right = whole & named[0], whole & named[1]
    nothing = np.zeros_like(whole)
    n_left, n_right = np.count_nonzero(left), np.count_nonzero(right)
    halves = np.count_nonzero(whole[: max(middle, 0)]), np.count_nonzero(whole[max(middle, 0) :])
    if _is_even(n_left, n_right) or _is_even(*halves):
        parted = _worn_apart(whole, geometry)
        if parted is not None:
            return parted, ()
    if _is_even(n_left, n_right) and (towards_right := _towards_right(left, right, geometry)):
        return (left, right & ~left) if towards_right > 0 else (right, left & ~right), (NOT_PARTED,)
    return ((whole, nothing) if n_left > n_right else (nothing, whole)), ()


def _worn_apart(whole: Mask, geometry: Geometry) -> Two | None:
    """Erode a piece until two lungs remain, then assign each voxel to the nearer; `None` if it fails."""
    depth_mm = edt.edt(whole, anisotropy=geometry.spacing_mm)
    step_mm = max(geometry.spacing_mm)
    for worn_mm in np.arange(step_mm, max(DEEPEST_MM, step_mm) + step_mm / 2, step_mm):
        cores = pieces_of(depth_mm > worn_mm)
        pair = _pair(cores, geometry)
        if pair is not None:
            to_left, to_right = (
                edt.edt(cores.numbers != number, anisotropy=geometry.spacing_mm) for number in pair
            )
            is_left = to_left <= to_right
            return whole & is_left, whole & ~is_left
    return None


def _with_rest(two: Two, rest: list[int], pieces: Pieces, named: Two) -> Two:
    """Add pieces, largest first, to the side that the network named; scraps are left out."""
    votes_left, votes_right = (pieces.counted(mask) for mask in named)
    sizes = [int(np.count_nonzero(mask)) for mask in two]
    added: tuple[list[int], list[int]] = [], []
    for number in rest:
        side = 0 if votes_left[number] > votes_right[number] else 1
        if pieces.n_voxels[number] * SCRAP_RATIO >= sizes[side]:
            sizes[side] = sizes[side] or int(pieces.n_voxels[number])
            added[side].append(number)
    left, right = (mask | pieces.mask(more) if more else mask for mask, more in zip(two, added, strict=True))
    return left, right


def _is_even(first: int | np.integer[Any], second: int | np.integer[Any]) -> bool:
    return bool(max(first, second) <= MOST_RATIO * min(first, second))


def _towards_right(first: Mask, second: Mask, geometry: Geometry) -> float:
    """Measure how far right the second mask's centre lies, in mm; 0 if it is not mainly beside the first."""
    x, y, z = geometry.affine[:3, :3] @ (_centre(second) - _centre(first))
    return float(x) if abs(x) > np.hypot(y, z) else 0.0


def _centre(mask: Mask) -> npt.NDArray[np.float64]:
    """Return the mean index of a mask that has a voxel."""
    along = (np.count_nonzero(mask, axis=axes) for axes in ((1, 2), (0, 2), (0, 1)))
    return np.array([np.average(np.arange(len(counts)), weights=counts) for counts in along])
