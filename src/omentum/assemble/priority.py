"""Which mask of an organ goes into a release?

In:  what is known of one case: its original label, the revisions, a prediction, people's decisions.
Out: for each organ that any of them knows, the one that counts. No voxel is read.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from omentum.assemble.licences import DataSet
from omentum.records import Case, MaskSource, Prediction, Revision
from omentum.volumes.labels import organs_named

__all__ = ["CaseInputs", "Choice", "choose", "latest_revisions"]

_FROM_BOTTOM_TO_TOP = (MaskSource.PREDICTED, MaskSource.REVISED, MaskSource.ORIGINAL)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseInputs:
    """What is known of the organs of one case."""

    case: Case
    revisions: tuple[Revision, ...] = ()
    """All of this case; of several for one organ the latest counts."""
    prediction: Prediction | None = None
    revised_over_original: frozenset[str] = frozenset()
    """Organs for which somebody decided that the revision is better than the original label."""
    data_set: DataSet = field(default_factory=DataSet)
    """What the case is of."""
    flags: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Plausibility rules that the mask of an organ breaks, in words; of organs that were looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The mask of one organ that counts."""

    organ: str
    source: MaskSource
    revision: Revision | None = None
    """The latest one of this organ, also where it does not count."""


def latest_revisions(inputs: CaseInputs) -> dict[str, Revision]:
    """Find the revision of each organ that was made last, by round and then by time."""
    ordered = sorted(inputs.revisions, key=lambda one: (one.round_number, one.time))
    return {one.organ: one for one in ordered}


def choose(inputs: CaseInputs) -> tuple[Choice, ...]:
    """Choose a mask for each organ: original, else revised, else predicted.

    A revision of an original label counts only where `revised_over_original` says so.

    Returns:
        In the order in which a combined map is painted, later over earlier: what was predicted, what
        was revised, what is original; each by rising index. So no guess covers what a person drew.

    Source:
        Qu et al. 2023, arXiv:2305.09666: original before revised before predicted.
    """
    revised = latest_revisions(inputs)
    predicted = inputs.prediction.organs if inputs.prediction else ()
    known = organs_named([*inputs.case.original_organs, *revised, *predicted])
    choices = [
        Choice(organ=row.name, source=_source(inputs, row.name, revised), revision=revised.get(row.name))
        for row in known
    ]
    return tuple(sorted(choices, key=lambda one: _FROM_BOTTOM_TO_TOP.index(one.source)))


def _source(inputs: CaseInputs, organ_name: str, revised: dict[str, Revision]) -> MaskSource:
    is_original = organ_name in inputs.case.original_organs
    if organ_name in revised and (not is_original or organ_name in inputs.revised_over_original):
        return MaskSource.REVISED
    return MaskSource.ORIGINAL if is_original else MaskSource.PREDICTED
