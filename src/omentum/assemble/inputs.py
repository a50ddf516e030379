"""Gather what assembly needs of one case: the masks that stand and their lineage. No voxel is read.

Only `omentum.project.standing` decides which mask stands.
"""

from dataclasses import dataclass, field
from pathlib import Path

from omentum.assemble.licences import SourceDataSet
from omentum.errors import UnreadableImageError
from omentum.project.conflicts import open_conflicts
from omentum.project.standing import CaseFacts, standing_case, unconfirmed
from omentum.records import (
    Arrival,
    Case,
    Decision,
    HeldBackMask,
    LabelledCase,
    MaskFinding,
    MaskSource,
    Prediction,
    Revision,
    StandingMask,
)

__all__ = ["CaseInputs", "inputs_of", "require_files"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseInputs:
    """What a case of a release is made from."""

    facts: CaseFacts
    labelled: LabelledCase
    data_set: SourceDataSet = field(default_factory=SourceDataSet)
    """What the case is of."""
    arrival: Arrival | None = None
    """What was seen of the case when it came in; `None` where nothing was kept."""

    @property
    def case(self) -> Case:
        """The case."""
        return self.facts.case

    @property
    def masks(self) -> tuple[StandingMask, ...]:
        """The mask that stands for each organ, in the order in which the combined map is painted."""
        return self.labelled.masks

    @property
    def held(self) -> tuple[HeldBackMask, ...]:
        """Masks that are held back: their organs are unknown in the release."""
        return self.labelled.held

    @property
    def prediction(self) -> Prediction | None:
        """What the network made of it whose predictions are released."""
        return self.facts.prediction

    @property
    def ct_sha256(self) -> str | None:
        """Hash of the CT as it was added; `None` where an older version of the program did not keep it."""
        return None if self.arrival is None else self.arrival.ct_sha256

    @property
    def ct_findings(self) -> tuple[MaskFinding, ...]:
        """What the plausibility rules say of the CT and no person has confirmed, each once."""
        sources = (self.facts.prediction, self.facts.label, self.arrival)
        told = [one for source in sources if source is not None for one in source.findings]
        each = {(one.rule, one.said): one for one in told if one.is_of_ct}
        return unconfirmed(each.values(), self.facts.confirmations)

    @property
    def overruled(self) -> tuple[Revision, ...]:
        """Revisions beside an original label that stands; one with a severe finding says nothing."""
        beside = [one.revision for one in self.masks if one.source is MaskSource.ORIGINAL and one.revision]
        return tuple(
            one
            for one in beside
            if not any(found.holds for found in unconfirmed(one.findings, self.facts.confirmations))
        )

    def decision_of(self, mask: StandingMask) -> Decision | None:
        """Give the decision of a person by which a mask stands; `None` where it stands by the rules."""
        decisions = self.facts.decisions_of(mask.organ)
        return decisions[-1] if decisions and decisions[-1].stands is mask.source else None

    def conflicts_of(self, organ_name: str) -> list[Revision]:
        """Give the revisions of an organ that contradict what stands and wait for a person's decision."""
        waiting = open_conflicts(self.facts.revisions, self.facts.decisions)
        return [one for one in waiting if one.organ == organ_name]


def inputs_of(
    facts: CaseFacts, *, data_set: SourceDataSet | None = None, arrival: Arrival | None = None
) -> CaseInputs:
    """Gather what assembly needs of a case.

    Args:
        facts: All that is known of its masks.
        data_set: What the case is of; unnamed if not said.
        arrival: What was seen of it when it came in.
    """
    return CaseInputs(
        facts=facts, labelled=standing_case(facts), data_set=data_set or SourceDataSet(), arrival=arrival
    )


def require_files(inputs: CaseInputs) -> None:
    """Refuse a case of which a file is gone that its release is made from; none is opened.

    Raises:
        UnreadableImageError: There is no such file.
    """
    paths: list[Path] = [inputs.case.ct_path, *(mask.path for mask in inputs.masks)]
    for path in dict.fromkeys([*paths, *(one.path for one in inputs.overruled)]):
        if not path.is_file():
            cure = "bring it back, or run the step that wrote it again"
            raise UnreadableImageError(path, "there is no such file", cure)
