"""Is the left kidney on the left? One rule for organs that come in pairs, lungs aside.

In:  a case, whose first axis points to the patient's right.
Out: both partners of each pair, and a note where they were exchanged.
"""

import numpy as np

from omentum.abdomenatlas.postprocess_input import (
    Mask,
    Part,
    PostprocessInput,
    PostprocessResult,
    inside,
    tight,
)
from omentum.measures.components import keep_largest, pieces_of
from omentum.measures.morphology import dilated
from omentum.volumes.boxes import grown, joint_box
from omentum.volumes.labels import ORGANS

__all__ = ["sides"]

PAIRS = tuple(
    (row.name, row.partner)
    for row in ORGANS
    if row.partner is not None and row.name.endswith("_left") and row.name != "lung_left"
)
MOST_RATIO = 4
"""Partners are exchanged only if neither is so many times larger: a stray speck says nothing about sides."""


def sides(case: PostprocessInput) -> PostprocessResult:
    """Partners on the wrong sides are exchanged; pieces that lie with the partner go to it, even all."""
    parts: dict[str, Part] = {}
    notes: list[str] = []
    for left_name, right_name in PAIRS:
        if not {left_name, right_name} <= case.parts.keys():
            continue
        left, right = case.parts[left_name], case.parts[right_name]
        if _are_crossed(left, right):
            left, right = right, left
            notes.append(f"{left_name} and {right_name} lay on each other's side and were exchanged")
        if np.count_nonzero(left[1]) < np.count_nonzero(right[1]):
            left, right = _given(left, right, case)
            right, left = _given(right, left, case)
        else:
            right, left = _given(right, left, case)
            left, right = _given(left, right, case)
        parts |= {left_name: left, right_name: right}
    return PostprocessResult(parts, tuple(notes))


def _are_crossed(left: Part, right: Part) -> bool:
    """Tell whether the largest piece of the left organ lies wholly to the right of that of the right one."""
    (left_box, left_mask), (right_box, right_mask) = _main(left), _main(right)
    smaller, bigger = sorted((np.count_nonzero(left_mask), np.count_nonzero(right_mask)))
    return bool(bigger <= MOST_RATIO * smaller) and left_box[0].start >= right_box[0].stop


def _given(giver: Part, taker: Part, case: PostprocessInput) -> tuple[Part, Part]:
    """Move pieces that touch the taker's largest piece, are smaller, and have their middle within its width.

    Both halves of a horseshoe kidney touch, but side by side, so neither is taken for the other's pole.
    """
    if not taker[1].any():
        return giver, taker
    main_box, main = _main(taker)
    wide = grown(main_box, 1, case.geometry.shape)
    box, mask = giver
    pieces = pieces_of(mask)
    meets = pieces.counted(inside((wide, dilated(inside((main_box, main), wide))), box)) > 0
    meets &= pieces.n_voxels < np.count_nonzero(main)
    given = pieces.mask(
        number
        for number in np.flatnonzero(meets).tolist()
        if main_box[0].start <= box[0].start + _mean_x(pieces.numbers == number) < main_box[0].stop
    )
    if not given.any():
        return giver, taker
    return (box, mask & ~given), _united(taker, (box, given))


def _main(part: Part) -> Part:
    """Give the largest piece of a mask that has a voxel."""
    found = tight((part[0], keep_largest(part[1])))
    assert found is not None
    return found


def _mean_x(mask: Mask) -> float:
    return float(np.nonzero(mask)[0].mean())


def _united(first: Part, second: Part) -> Part:
    box = joint_box([first[0], second[0]])
    assert box is not None
    return box, inside(first, box) | inside(second, box)
