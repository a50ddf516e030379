"""Correct the sides of paired organs other than lungs; the first axis points to the patient's right."""

import numpy as np

from omentum.abdomenatlas.postprocess_input import Mask, PostprocessInput, PostprocessResult
from omentum.measures.components import keep_largest, pieces_of
from omentum.measures.morphology import dilated
from omentum.volumes.boxes import BoxedArray, BoxedMask, grown
from omentum.volumes.labels import ORGANS

__all__ = ["sides"]

PAIRS = tuple(
    (row.name, row.partner)
    for row in ORGANS
    if row.partner is not None and row.name.endswith("_left") and row.name != "lung_left"
)
MOST_RATIO = 4
"""Greatest ratio of partners that may be exchanged: a stray speck does not decide sides."""


def sides(case: PostprocessInput) -> PostprocessResult:
    """Exchange partners on the wrong sides; pieces that touch the partner go to it, even all."""
    parts: dict[str, BoxedMask] = {}
    notes: list[str] = []
    for left_name, right_name in PAIRS:
        if not {left_name, right_name} <= case.parts.keys():
            continue
        left, right = case.parts[left_name], case.parts[right_name]
        if _are_crossed(left, right):
            left, right = right, left
            notes.append(f"{left_name} and {right_name} lay on each other's side and were exchanged")
        if np.count_nonzero(left.values) < np.count_nonzero(right.values):
            left, right = _given(left, right, case)
            right, left = _given(right, left, case)
        else:
            right, left = _given(right, left, case)
            left, right = _given(left, right, case)
        parts |= {left_name: left, right_name: right}
    return PostprocessResult(parts, tuple(notes))


def _are_crossed(left: BoxedMask, right: BoxedMask) -> bool:
    """Return whether the left organ's largest piece lies wholly right of the right organ's."""
    (left_box, left_mask), (right_box, right_mask) = _main(left), _main(right)
    smaller, bigger = sorted((np.count_nonzero(left_mask), np.count_nonzero(right_mask)))
    return bool(bigger <= MOST_RATIO * smaller) and left_box[0].start >= right_box[0].stop


def _given(giver: BoxedMask, taker: BoxedMask, case: PostprocessInput) -> tuple[BoxedMask, BoxedMask]:
    """Move pieces that touch the taker's largest piece, are smaller, and have their middle within its width.

    The halves of a horseshoe kidney touch side by side, so they stay.
    """
    if not taker.values.any():
        return giver, taker
    main = _main(taker)
    wide = grown(main.box, 1, case.geometry.shape)
    box, mask = giver
    pieces = pieces_of(mask)
    meets = pieces.counted(BoxedArray(wide, dilated(main.crop(wide))).crop(box)) > 0
    meets &= pieces.n_voxels < np.count_nonzero(main.values)
    given = pieces.mask(
        number
        for number in np.flatnonzero(meets).tolist()
        if main.box[0].start <= box[0].start + _mean_x(pieces.numbers == number) < main.box[0].stop
    )
    if not given.any():
        return giver, taker
    return BoxedArray(box, mask & ~given), taker.union(BoxedArray(box, given))


def _main(part: BoxedMask) -> BoxedMask:
    """Return the largest piece of a mask that has a voxel."""
    found = BoxedArray(part.box, keep_largest(part.values)).tight()
    assert found is not None
    return found


def _mean_x(mask: Mask) -> float:
    return float(np.nonzero(mask)[0].mean())
