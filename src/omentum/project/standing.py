"""Decide which mask stands for each organ of each case; every stage asks here.

1. An original label beats a revision, which beats a prediction. A person's decision (`prefer`, `adjudicate`,
   `restore`) beats all of them, until the next decision.
2. Among revisions the last one submitted counts. A revision is a conflict, and waits for a decision, if
   another reader had changed the mask meanwhile and its own reader had not seen that.
3. A mask with a severe finding is held back until a person confirms it: the organ is unknown, and no other
   mask takes its place.

Source:
    Qu et al. 2023, arXiv:2305.09666: original before revised before predicted.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from omentum.records import (
    Case,
    Confirmation,
    Decision,
    HeldBackMask,
    LabelledCase,
    LabelVersion,
    MaskFinding,
    MaskSource,
    Prediction,
    Revision,
    StandingMask,
)
from omentum.volumes.labels import organ, organs_named

if TYPE_CHECKING:
    from omentum.project.project import Project

__all__ = [
    "CaseFacts",
    "case_facts",
    "facts_of_case",
    "standing_case",
    "standing_masks",
    "standing_revision",
    "unconfirmed",
]

_OfCase = TypeVar("_OfCase", Revision, Decision, Confirmation)
_FROM_BOTTOM_TO_TOP = (MaskSource.PREDICTED, MaskSource.REVISED, MaskSource.ORIGINAL)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFacts:
    """All that is known of the masks of one case."""

    case: Case
    label: LabelVersion | None = None
    """The current version of its original label."""
    revisions: tuple[Revision, ...] = ()
    """All of this case, in the order of submission."""
    decisions: tuple[Decision, ...] = ()
    """All of this case, in the order in which they were made."""
    confirmations: tuple[Confirmation, ...] = ()
    prediction: Prediction | None = None

    def revisions_of(self, name: str) -> list[Revision]:
        """Give the revisions of an organ."""
        return [one for one in self.revisions if one.organ == name]

    def decisions_of(self, name: str) -> list[Decision]:
        """Give the decisions about an organ."""
        return [one for one in self.decisions if one.organ == name]


def standing_masks(
    project: "Project", *, network: str | None = None, case_ids: Collection[str] | None = None
) -> list[LabelledCase]:
    """Give every case that takes part, with the mask that stands for each organ.

    No file is opened: hashes are those that were kept when the files were written.

    Args:
        project: The project.
        network: Whose predictions stand where there is no revision; the main network's if not given.
        case_ids: Cases by name; all that take part if not given.
    """
    return [standing_case(facts) for facts in case_facts(project, network=network, case_ids=case_ids)]


def case_facts(
    project: "Project", *, network: str | None = None, case_ids: Collection[str] | None = None
) -> list[CaseFacts]:
    """Gather what is known of the masks of each case that takes part; arguments as of `standing_masks`."""
    store, network = project.store, network or project.networks[0]
    if case_ids is None:
        cases, labels = store.cases.all(), store.labels.current()
        predictions = store.predictions.of_network(network)
        revisions, decisions = _by_case(store.revisions.all()), _by_case(store.decisions.all())
        confirmations = _by_case(store.confirmations.all())
    else:
        cases, labels = store.cases.some(case_ids), store.labels.of_cases(case_ids)
        predictions = store.predictions.of_cases(network, case_ids)
        revisions = _by_case(store.revisions.of_cases(case_ids))
        decisions = _by_case(store.decisions.of_cases(case_ids))
        confirmations = _by_case(store.confirmations.of_cases(case_ids))
    return [
        CaseFacts(
            case=case,
            label=labels.get(case.case_id),
            revisions=tuple(revisions.get(case.case_id, ())),
            decisions=tuple(decisions.get(case.case_id, ())),
            confirmations=tuple(confirmations.get(case.case_id, ())),
            prediction=predictions.get(case.case_id),
        )
        for case in cases
    ]


def facts_of_case(project: "Project", case_id: str, *, network: str | None = None) -> CaseFacts:
    """Gather what is known of the masks of one case, also of one that is excluded.

    Raises:
        UnknownCaseError: There is no such case.
    """
    store = project.store
    with store.reading_together():
        labels = store.labels.of_case(case_id)
        return CaseFacts(
            case=store.cases.get(case_id),
            label=labels[-1] if labels else None,
            revisions=tuple(store.revisions.of_case(case_id)),
            decisions=tuple(store.decisions.of_case(case_id)),
            confirmations=tuple(store.confirmations.of_case(case_id)),
            prediction=store.predictions.of_case(case_id).get(network or project.networks[0]),
        )


def standing_case(facts: CaseFacts, names: Collection[str] | None = None) -> LabelledCase:
    """Choose the mask that stands for each organ that any source knows, or for some of them.

    Args:
        facts: Of the case.
        names: Organs that are asked about; all if not given.

    Returns:
        Masks in the order in which a combined map is painted, later over earlier: predicted, revised,
        original, each by rising index; so that no prediction covers a revision. Held masks apart.
    """
    predicted = facts.prediction.organs if facts.prediction else ()
    revised = {one.organ for one in facts.revisions}
    files = _files(facts)
    masks: list[StandingMask] = []
    held: list[HeldBackMask] = []
    known = {*facts.case.original_organs, *revised, *predicted}
    for row in organs_named(known if names is None else known.intersection(names)):
        mask = _standing(facts, row.name, files)
        severe = tuple(one for one in mask.findings if one.holds) if mask is not None else ()
        if mask is not None and severe:
            held.append(
                HeldBackMask(organ=mask.organ, source=mask.source, findings=severe, revision=mask.revision)
            )
        elif mask is not None:
            masks.append(mask)
    masks.sort(key=lambda one: (_FROM_BOTTOM_TO_TOP.index(one.source), organ(one.organ).index))
    return LabelledCase(case=facts.case, masks=tuple(masks), held=tuple(held))


def standing_revision(revisions: Sequence[Revision], decisions: Sequence[Decision]) -> Revision | None:
    """Give the revision of an organ that stands: by a person's decision, else the last one without conflict.

    Args:
        revisions: Of the organ, in the order of submission.
        decisions: About the organ, in the order in which they were made.
    """
    last = decisions[-1] if decisions else None
    if last is not None and last.revision_number is not None:
        return next((one for one in revisions if one.number == last.revision_number), None)
    accepted = [one for one in revisions if one.conflicts_with is None]
    return accepted[-1] if accepted else None


def unconfirmed(
    findings: Iterable[MaskFinding], confirmations: Iterable[Confirmation]
) -> tuple[MaskFinding, ...]:
    """Leave out the findings that a person has confirmed to be no error."""
    found = tuple(findings)
    said = {one.key for one in confirmations} if found else set()
    return tuple(one for one in found if (one.organ, one.rule, one.mask_sha256) not in said)


_File = tuple[Path, str, tuple[MaskFinding, ...]]
"""Path, hash and findings of a file that holds several organs."""


def _files(facts: CaseFacts) -> dict[MaskSource, _File]:
    """Give the files of a case that hold several organs, once for all of them."""
    files: dict[MaskSource, _File] = {}
    label, made = facts.label, facts.prediction
    if facts.case.original_label_path is not None:
        sha256, findings = (label.sha256 or "", label.findings) if label else ("", ())
        files[MaskSource.ORIGINAL] = facts.case.original_label_path, sha256, findings
    if made is not None:
        files[MaskSource.PREDICTED] = made.masks_path, made.masks_sha256 or "", made.findings
    return files


def _standing(facts: CaseFacts, name: str, files: Mapping[MaskSource, _File]) -> StandingMask | None:
    decisions = facts.decisions_of(name) if facts.decisions else []
    revision = standing_revision(facts.revisions_of(name), decisions) if facts.revisions else None
    source = _source(facts, name, revision, decisions)
    if source is None:
        return None
    if source is MaskSource.REVISED:
        assert revision is not None
        path, sha256, findings = revision.path, revision.sha256, revision.findings
    else:
        path, sha256, findings = files[source]
    own = tuple(one for one in findings if one.organ == name)
    return StandingMask(
        organ=name,
        source=source,
        path=path,
        sha256=sha256,
        revision=revision,
        findings=unconfirmed(own, facts.confirmations),
    )


def _source(
    facts: CaseFacts, name: str, revision: Revision | None, decisions: Sequence[Decision]
) -> MaskSource | None:
    """Choose the source that stands; `None` where none has the organ."""
    is_original = name in facts.case.original_organs
    is_predicted = facts.prediction is not None and name in facts.prediction.organs
    there = [MaskSource.ORIGINAL] if is_original else []
    there += [MaskSource.REVISED] if revision is not None else []
    there += [MaskSource.PREDICTED] if is_predicted else []
    if decisions and decisions[-1].stands in there:
        return decisions[-1].stands
    return there[0] if there else None


def _by_case(records: Iterable[_OfCase]) -> dict[str, list[_OfCase]]:
    found: dict[str, list[_OfCase]] = defaultdict(list)
    for one in records:
        found[one.case_id].append(one)
    return found
