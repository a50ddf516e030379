"""How well does an entrant do in a column?

In:  predicted and reference masks of one case after another.
Out: means an organ and over all nine; and how much of a paired organ was found on the wrong side.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from omentum.evaluate.agreement import OrganAgreement, compare_case
from omentum.evaluate.summary import Summary, summarised
from omentum.volumes.boxes import whole
from omentum.volumes.labels import organ
from omentum.volumes.masks import MaskSet
from quality.cases import NINE

__all__ = ["CaseScore", "Score", "score_case", "total"]


CaseScore = tuple[list[OrganAgreement], dict[str, float]]
"""Of one case: an agreement for each organ that both speak of; and of each predicted organ the mL that lie
in the reference of its partner on the other side, 0 if left is left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """All cases of a column.

    Attributes:
        summary: Means an organ.
        swapped_ml: As of one case: the most in any.
    """

    summary: Summary
    swapped_ml: Mapping[str, float]

    @property
    def mean_of_nine(self) -> tuple[float, float] | None:
        """Mean Dice and surface Dice; `None` unless all nine organs were compared."""
        dice, surface = self.summary.dice, self.summary.surface_dice
        compared = {one.organ for one in self.summary.organs if one.surface_dice is not None}
        return None if dice is None or surface is None or compared != set(NINE) else (dice, surface)

    def as_json(self) -> dict[str, Any]:
        """Give all figures by name."""
        return {
            "n_cases": self.summary.n_cases,
            "mean_of_nine": self.mean_of_nine,
            "dice": {one.organ: one.dice for one in self.summary.organs},
            "surface_dice": {one.organ: one.surface_dice for one in self.summary.organs},
            "swapped_ml": dict(self.swapped_ml),
        }


def score_case(
    case_id: str, predicted: MaskSet, reference: MaskSet, slices: Mapping[str, slice]
) -> CaseScore:
    """Compare one case with its reference.

    Args:
        case_id: For the records.
        predicted: What an entrant made of it.
        reference: Masks on the same grid.
        slices: Organs that are compared in these slices only. Dice alone: where a mask is cut both
            surfaces agree, which says nothing.
    """
    entire = reference.only([name for name in reference.organs if name not in slices])
    found = compare_case(case_id, predicted, entire)
    for name, part in slices.items():
        cut = compare_case(case_id, _cut(predicted, part), _cut(reference, part).only([name]))
        found += [replace(one, surface_dice=None) for one in cut]
    return found, _swapped_ml(predicted, reference)


def total(cases: Sequence[CaseScore]) -> Score:
    """Put the cases of a column together."""
    summary = summarised(agreement for agreements, _ in cases for agreement in agreements)
    names = {name for _, swapped_ml in cases for name in swapped_ml}
    swapped = {name: max(each.get(name, 0.0) for _, each in cases) for name in sorted(names)}
    return Score(summary=summary, swapped_ml=swapped)


def _cut(masks: MaskSet, part: slice) -> MaskSet:
    x, y, _ = whole(masks.geometry.shape)
    box = x, y, part
    return MaskSet(masks.codes[box], masks.sets, masks.organs, masks.geometry.cropped(box))


def _swapped_ml(predicted: MaskSet, reference: MaskSet) -> dict[str, float]:
    found = {}
    for name in reference.organs:
        partner = organ(name).partner
        if partner is not None and partner in predicted.organs:
            n_shared = np.count_nonzero(predicted.mask(partner) & reference.mask(name))
            found[partner] = float(n_shared) * reference.geometry.voxel_ml
    return found
