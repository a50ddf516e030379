"""Which late round can be had without mending anything? One of organs that were chosen.

In:  cohorts of a first round.
Out: cohorts of the organs that the networks got right by themselves, with few of those that they got wrong.
     Networks doubt and differ in them as they really do; but organs that they never get right are few.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce

import numpy as np

from effort.cohort import LATE_NUMBER
from effort.reader import Cohort
from omentum.records import CaseScore

__all__ = ["N_CHOSEN", "chosen_cohorts"]

N_CHOSEN = 12
"""How many are drawn; they share their patients and the organs that are right."""


def chosen_cohorts(first: Sequence[Cohort], wrong_share: float) -> list[Cohort]:
    """Draw from all patients together, so that some organs are wrong in each draw.

    Args:
        first: Cohorts of a first round; no patient is in two.
        wrong_share: Share of the chosen organs that hold an error.
    """
    together = reduce(_joined, first)
    wrong = sorted(key for key, row in together.rows.items() if row.regions_ml)
    right = together.rows.keys() - set(wrong)
    n_wrong = max(1, round(len(right) * wrong_share / (1.0 - wrong_share)))
    orders = (np.random.default_rng(seed).permutation(len(wrong)).tolist() for seed in range(N_CHOSEN))
    return [_of_organs(together, right | {wrong[place] for place in order[:n_wrong]}) for order in orders]


def _joined(one: Cohort, other: Cohort) -> Cohort:
    return Cohort(
        expected=(*one.expected, *other.expected),
        published=(*one.published, *other.published),
        rows={**one.rows, **other.rows},
    )


def _of_organs(cohort: Cohort, keys: set[tuple[str, str]]) -> Cohort:
    return Cohort(
        expected=tuple(_with_organs(one, keys) for one in cohort.expected),
        published=tuple(_with_organs(one, keys) for one in cohort.published),
        rows={key: cohort.rows[key] for key in sorted(keys)},
        round_number=LATE_NUMBER,
    )


def _with_organs(case: CaseScore, keys: set[tuple[str, str]]) -> CaseScore:
    """Leave out the other organs; attention of a case is that of its organs."""
    organs = tuple(one for one in case.organs if (case.case_id, one.organ) in keys)
    voxels = sum(one.attention_voxels for one in organs)
    is_known = any(one.error_ml is not None for one in case.organs)
    score = sum(one.error_ml or 0.0 for one in organs) if is_known else float(voxels)
    return replace(case, organs=organs, score=score)
