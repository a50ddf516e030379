"""List all that happened to one organ of one case, and which mask stands and why."""

from dataclasses import dataclass
from datetime import UTC, datetime

from omentum.project.project import Project
from omentum.project.standing import CaseFacts, facts_of_case, standing_case, unconfirmed
from omentum.records import (
    Confirmation,
    Decision,
    HeldBackMask,
    LabelVersion,
    MaskSource,
    Prediction,
    Revision,
    StandingMask,
)
from omentum.review.catch_view import as_shown, trials_hidden_from
from omentum.volumes.labels import organ

__all__ = ["Event", "History", "history", "why_held_back", "why_not_standing"]

_BEFORE_ALL = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened to an organ."""

    time: datetime | None
    """`None` where an older version of the program did not keep it."""
    what: str
    """`original label`, `prediction`, `revision`, `decision` or `confirmation`."""
    by: str
    """Reader, network or data set."""
    said: str
    """In a few words, for people."""
    revision_number: int | None = None
    """Of the revision that it is, or is about."""
    stands: bool = False
    """Whether it is the mask that stands now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The history of an organ."""

    case_id: str
    organ: str
    stands: MaskSource | None
    """Where the mask that stands comes from; `None` where the organ is unknown or held back."""
    why: str
    """Why that one stands, or why none does, in a sentence."""
    events: tuple[Event, ...]
    """In the order in which they happened."""


def history(project: Project, case_id: str, organ_name: str, *, reader: str | None = None) -> History:
    """Gather the history of an organ; no file is opened.

    Args:
        project: The project.
        case_id: The case.
        organ_name: The organ.
        reader: Who asks, and is shown a catch trial as others are; `None` for all that happened.

    Raises:
        UnknownCaseError: There is no such case.
        UnknownOrganError: There is no such organ.
    """
    name = organ(organ_name).name
    facts = facts_of_case(project, case_id)
    trials = [] if reader is None else trials_hidden_from(project, case_id, reader)
    facts = as_shown(facts, trials)
    stands = next((one for one in standing_case(facts).masks if one.organ == name), None)
    source = None if stands is None else stands.source
    revision = stands.revision if stands is not None and source is MaskSource.REVISED else None
    is_trial = any(one.trial.organ == name for one in trials)
    versions = [] if is_trial else project.store.labels.of_case(case_id)
    labels = [one for one in versions if name in one.organs]
    events = [_of_label(one, stands=one is labels[-1] and source is MaskSource.ORIGINAL) for one in labels]
    if facts.prediction is not None and name in facts.prediction.organs:
        events.append(_of_prediction(facts.prediction, stands=source is MaskSource.PREDICTED))
    events += [
        _of_revision(one, stands=revision is not None and revision.number == one.number)
        for one in facts.revisions_of(name)
    ]
    events += [_of_decision(one) for one in facts.decisions_of(name)]
    events += [_of_confirmation(one) for one in facts.confirmations if one.organ == name]
    return History(
        case_id=case_id,
        organ=name,
        stands=source,
        why=_why(facts, name, source, revision),
        events=tuple(sorted(events, key=lambda one: one.time or _BEFORE_ALL)),
    )


def _why(facts: CaseFacts, name: str, source: MaskSource | None, revision: Revision | None) -> str:
    held = next((one for one in standing_case(facts).held if one.organ == name), None)
    if held is not None:
        return f"the {held.source} mask is held back: {'; '.join(one.said for one in held.findings)}"
    decisions = facts.decisions_of(name)
    if decisions and decisions[-1].stands is source:
        last = decisions[-1]
        return f"{last.by} decided it ({last.kind})" + (f": {last.why}" if last.why else "")
    match source:
        case None:
            return "no mask of it is known"
        case MaskSource.ORIGINAL:
            return "an original label stands until a person prefers a revision"
        case MaskSource.REVISED:
            assert revision is not None
            return f"it is the last word of readers, by {revision.reader}"
        case MaskSource.PREDICTED:
            return "no person drew it"


def _of_label(one: LabelVersion, *, stands: bool) -> Event:
    said = f"version {one.number}"
    return Event(time=one.time, what="original label", by=one.source, said=said, stands=stands)


def _of_prediction(one: Prediction, *, stands: bool) -> Event:
    return Event(time=one.time, what="prediction", by=one.network, said=one.origin, stands=stands)


def _of_revision(one: Revision, *, stands: bool) -> Event:
    said = [str(one.says)]
    if one.added_ml is not None and one.removed_ml is not None:
        said.append(f"+{one.added_ml:.1f} mL -{one.removed_ml:.1f} mL")
    if one.conflicts_with is not None:
        said.append(f"conflicts with revision {one.conflicts_with}")
    said += [found.said for found in one.findings]
    said += [one.comment] if one.comment else []
    return Event(
        time=one.time,
        what="revision",
        by=one.reader,
        said=", ".join(said),
        revision_number=one.number,
        stands=stands,
    )


def _of_decision(one: Decision) -> Event:
    stands = str(one.stands) if one.revision_number is None else f"revision {one.revision_number}"
    said = f"{one.kind}: {stands} stands" + (f", {one.why}" if one.why else "")
    return Event(time=one.time, what="decision", by=one.by, said=said, revision_number=one.revision_number)


def _of_confirmation(one: Confirmation) -> Event:
    said = f"{one.rule} is no error" + (f", {one.why}" if one.why else "")
    return Event(time=one.time, what="confirmation", by=one.by, said=said)


def why_not_standing(facts: CaseFacts, revision: Revision) -> str:
    """Say why a revision does not stand, and what lets it stand; empty if it does."""
    if facts.case.excluded_why is not None:
        return f"{revision.case_id} is excluded: {facts.case.excluded_why}"
    labelled = standing_case(facts)
    masks: list[HeldBackMask | StandingMask] = [*labelled.held, *labelled.masks]
    for one in masks:
        is_it = one.revision is not None and one.revision.number == revision.number
        if is_it and one.source is MaskSource.REVISED:
            return _held_back(one, revision.case_id) if isinstance(one, HeldBackMask) else ""
    return _overruled(facts, revision)


def why_held_back(facts: CaseFacts, revision: Revision) -> str:
    """Say which severe findings hold a revision back, whatever others handed in; empty if none does."""
    severe = tuple(one for one in unconfirmed(revision.findings, facts.confirmations) if one.holds)
    if not severe:
        return ""
    held = HeldBackMask(organ=revision.organ, source=MaskSource.REVISED, findings=severe, revision=revision)
    return _held_back(held, revision.case_id)


def _held_back(held: HeldBackMask, case_id: str) -> str:
    said = "; ".join(one.said for one in held.findings)
    rules = sorted({one.rule for one in held.findings})
    how = " and ".join(f"`omentum review confirm --rule {rule} --cases {case_id}`" for rule in rules)
    return f"held back ({said}): correct it, or say that it is right with {how}"


def _overruled(facts: CaseFacts, revision: Revision) -> str:
    name, case_id = revision.organ, revision.case_id
    decisions = facts.decisions_of(name)
    is_decided = any(one.time >= revision.time for one in decisions)
    if revision.conflicts_with is not None and not is_decided:
        other = next((one for one in facts.revisions if one.number == revision.conflicts_with), None)
        by = "" if other is None else f" of {other.reader}"
        how = f"`omentum review adjudicate {case_id} {name} --revision N`"
        return f"conflicts with revision {revision.conflicts_with}{by}; a person decides with {how}"
    if decisions:
        return f"{decisions[-1].by} decided otherwise ({decisions[-1].kind})"
    if name in facts.case.original_organs:
        how = f"`omentum review prefer {case_id} {name}`"
        return f"the original label stands until this revision is preferred with {how}"
    return "another revision came in later"
