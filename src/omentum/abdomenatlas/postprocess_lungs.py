"""The published separation of the lungs, voxel for voxel, in a form that always ends.

Source: Qu et al. 2023, arXiv:2305.09666, and the files that their code writes.
"""

from dataclasses import dataclass
from typing import Any

import edt
import numpy as np
import numpy.typing as npt

from omentum.abdomenatlas.postprocess_input import Mask, PostprocessInput, PostprocessResult
from omentum.measures.components import Pieces, pieces_of
from omentum.measures.morphology import eroded, filled
from omentum.volumes.boxes import BoxedArray

__all__ = ["LUNGS", "lungs", "odd_slices"]

LUNGS = ("lung_right", "lung_left")
MOST_RATIO = 4.0
"""Greatest ratio of the two lungs."""
FEWER_THAN_TWO = "lungs: both together are one piece or none, so both are left empty, as published"
NOT_SEPARATED = "lungs could not be separated: one is over 4 times larger than the other"


@dataclass(frozen=True, slots=True, eq=False)
class _Pair:
    left: Mask
    right: Mask

    @property
    def bigger(self) -> Mask:
        return self.left if np.count_nonzero(self.left) > np.count_nonzero(self.right) else self.right

    @property
    def is_uneven(self) -> bool:
        smaller, bigger = sorted((np.count_nonzero(self.left), np.count_nonzero(self.right)))
        return bool(bigger > MOST_RATIO * smaller)


def lungs(case: PostprocessInput) -> PostprocessResult:
    """Take the two largest pieces of both lungs together, by side; joined ones are eroded apart."""
    joined = case.joined(LUNGS)
    if joined is None:
        return PostprocessResult(notes=(FEWER_THAN_TWO,) if case.looked_for.intersection(LUNGS) else ())
    box, mask = joined
    pair = _two_largest(mask)
    notes: list[str] = []
    if pair.is_uneven:
        side = _only_side(pair.bigger, box[0].start, case.geometry.shape[0])
        if side == "right":
            pair = _Pair(np.zeros_like(mask), pair.bigger)
        elif side == "left":
            pair = _Pair(pair.bigger, np.zeros_like(mask))
        else:
            pair, notes = _separated(mask, pair)
    if not pair.bigger.any():
        notes.append(FEWER_THAN_TWO)
    return PostprocessResult(
        {"lung_right": BoxedArray(box, pair.right), "lung_left": BoxedArray(box, pair.left)}, tuple(notes)
    )


def odd_slices(area: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Find slices whose area is much larger than around.

    Args:
        area: Voxels of the mask in each slice, from the feet up, shape `(z,)`; empty slices do not count.

    Returns:
        Where the area exceeds the mean of 20 by two standard deviations and that of 7 by 200 voxels.

    Example:
        >>> odd_slices(np.array([0, 300, 300, 300, 300, 300, 300, 900, 300])).nonzero()[0].tolist()
        [7]
    """
    there = np.flatnonzero(area)
    values = area[there].astype(np.float64)
    odd = np.zeros(len(area), dtype=np.bool_)
    for place, value in enumerate(values):
        wide = values[max(place - 10, 0) : place + 10]
        near = values[max(place - 3, 0) : place + 4]
        deviation = wide.std(ddof=1) if len(wide) > 1 else np.nan
        odd[there[place]] = value > wide.mean() + 2 * deviation and value > near.mean() + 200
    return odd


def _two_largest(mask: Mask) -> _Pair:
    """Take the two largest pieces, filled; both empty where there are fewer than two."""
    pieces = pieces_of(mask)
    if len(pieces.by_size) < 2:
        return _Pair(np.zeros_like(mask), np.zeros_like(mask))
    left, right = _by_side(pieces)
    return _Pair(filled(left), filled(right))


def _by_side(pieces: Pieces) -> tuple[Mask, Mask]:
    first, second = (pieces.mask([number]) for number in pieces.by_size[:2])
    return (first, second) if _mean_x(first) < _mean_x(second) else (second, first)


def _mean_x(mask: Mask) -> float:
    return float(np.average(np.arange(len(mask)), weights=mask.sum(axis=(1, 2))))


def _only_side(mask: Mask, first_x: int, n_x: int) -> str | None:
    """Name the half of the grid that holds over four times as much as the other."""
    middle = max(n_x // 2 - first_x, 0)
    low, high = int(np.count_nonzero(mask[:middle])), int(np.count_nonzero(mask[middle:]))
    if (high + 1) / (low + 1) > MOST_RATIO:
        return "right"
    return "left" if (low + 1) / (high + 1) > MOST_RATIO else None


def _separated(mask: Mask, pair: _Pair) -> tuple[_Pair, list[str]]:
    """Remove odd slices, or erode, until the lungs are even; each pass removes voxels, so it ends."""
    plain, n_odd = pair, 0
    failed = False
    while pair.is_uneven and not failed:
        odd = odd_slices(pair.bigger.sum(axis=(0, 1)))
        if odd.any():
            n_odd += int(odd.sum())
            mask = mask & ~odd
            pair = plain = _two_largest(mask)
            continue
        parted = _eroded_apart(pair.bigger)
        failed = parted is None or bool(np.count_nonzero(parted.bigger) >= np.count_nonzero(pair.bigger))
        pair = plain if failed or parted is None else parted
    notes = [f"lungs: odd slices were emptied to separate them, {n_odd} in all"] if n_odd else []
    return pair, [*notes, NOT_SEPARATED] if failed else notes


def _eroded_apart(mask: Mask) -> _Pair | None:
    """Erode until two even pieces remain, then assign each voxel to the nearer; ties are lost."""
    core = eroded(mask)
    while core.any():
        pieces = pieces_of(core)
        if len(pieces.by_size) >= 2:
            left, right = _by_side(pieces)
            if not _Pair(left, right).is_uneven:
                to_left, to_right = edt.edtsq(~left), edt.edtsq(~right)
                return _Pair(filled(mask & (to_left < to_right)), filled(mask & (to_right < to_left)))
        core = eroded(core)
    return None
