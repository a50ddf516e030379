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


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseScore:
    """One case.

    Attributes:
        agreements: One an organ that both speak of.
        swapped_ml: Volume of each predicted organ that lies in the reference of its partner on the other
            side, in mL; 0 if left is left.
    """

    agreements: tuple[OrganAgreement, ...]
    swapped_ml: Mapping[str, float]


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
    entire = _only(reference, [name for name in reference.organs if name not in slices])
    found = compare_case(case_id, predicted, entire)
    for name, part in slices.items():
        cut = compare_case(case_id, _cut(predicted, part), _only(_cut(reference, part), [name]))
        found += [replace(one, surface_dice=None) for one in cut]
    return CaseScore(agreements=tuple(found), swapped_ml=_swapped_ml(predicted, reference))


def total(cases: Sequence[CaseScore]) -> Score:
    """Put the cases of a column together."""
    swapped: dict[str, float] = {}
    for one in cases:
        for name, volume_ml in one.swapped_ml.items():
            swapped[name] = max(volume_ml, swapped.get(name, 0.0))
    summary = summarised(agreement for one in cases for agreement in one.agreements)
    return Score(summary=summary, swapped_ml=swapped)


def _only(masks: MaskSet, organs: Sequence[str]) -> MaskSet:
    return MaskSet(masks.codes, masks.sets, tuple(organs), masks.geometry)


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
