"""Keep what a person decides: which mask of an organ stands, and which finding is no error."""

from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime

from omentum.choices import OWNER
from omentum.errors import ConfigError, ReviewError
from omentum.project.conflicts import open_conflicts
from omentum.project.ct_findings import ct_findings_of
from omentum.project.project import Project
from omentum.project.standing import (
    CaseFacts,
    facts_of_case,
    standing_case,
    standing_revision,
)
from omentum.records import (
    WHOLE_CT,
    Confirmation,
    Decision,
    DecisionKind,
    MaskFinding,
    MaskSource,
    Revision,
)
from omentum.review.task_states import settle_tasks
from omentum.volumes.labels import organ

__all__ = [
    "adjudicate",
    "comment",
    "confirm",
    "decided_already",
    "decision_for",
    "keep_decision",
    "prefer",
    "restore",
]


def adjudicate(
    project: Project, case_id: str, organ_name: str, number: int, *, by: str = OWNER, why: str = ""
) -> Decision:
    """Let one revision stand where readings disagree, whatever else there is.

    Args:
        project: The project.
        case_id: The case.
        organ_name: The organ.
        number: Of the revision.
        by: Pseudonym of who decides.
        why: For people.

    Raises:
        UnknownCaseError: There is no such case.
        UnknownOrganError: There is no such organ.
        ReviewError: The organ has no revision of that number.
    """
    facts, name = _asked(project, case_id, organ_name)
    revision = _numbered(facts, name, number)
    return _decided(project, facts, decision_for(revision, DecisionKind.ADJUDICATE, by=by, why=why))


def prefer(
    project: Project,
    case_id: str,
    organ_name: str,
    *,
    number: int | None = None,
    by: str = OWNER,
    why: str = "",
) -> Decision:
    """Let a revision stand over the original label: the last word of readers where no number is given.

    Raises:
        UnknownCaseError: There is no such case.
        UnknownOrganError: There is no such organ.
        ReviewError: The organ has no such revision, or readings disagree and no number is given.
    """
    facts, name = _asked(project, case_id, organ_name)
    revision = _last_word(facts, name) if number is None else _numbered(facts, name, number)
    return _decided(project, facts, decision_for(revision, DecisionKind.PREFER, by=by, why=why))


def restore(
    project: Project,
    case_id: str,
    organ_name: str,
    to: int | MaskSource,
    *,
    by: str = OWNER,
    why: str = "",
) -> Decision:
    """Let an earlier mask stand again: a revision by its number, the original label, or what is predicted.

    Raises:
        UnknownCaseError: There is no such case.
        UnknownOrganError: There is no such organ.
        ReviewError: The organ has no such mask.
    """
    facts, name = _asked(project, case_id, organ_name)
    if isinstance(to, int):
        revision = _numbered(facts, name, to)
        return _decided(project, facts, decision_for(revision, DecisionKind.RESTORE, by=by, why=why))
    has = {
        MaskSource.ORIGINAL: name in facts.case.original_organs,
        MaskSource.PREDICTED: facts.prediction is not None and name in facts.prediction.organs,
        MaskSource.REVISED: False,
    }
    if not has[to]:
        raise ReviewError(
            f"{name} in {case_id} has no {to} mask to go back to; `omentum review history {case_id} {name}` "
            "lists what there is"
        )
    decision = Decision(
        case_id=case_id,
        organ=name,
        kind=DecisionKind.PREFER if to is MaskSource.ORIGINAL else DecisionKind.RESTORE,
        stands=to,
        by=by,
        why=why,
        time=datetime.now(UTC),
    )
    return _decided(project, facts, decision)


def confirm(
    project: Project,
    rule: str,
    case_ids: Collection[str],
    *,
    organs: Collection[str] = (),
    by: str = OWNER,
    why: str = "",
) -> list[Confirmation]:
    """Say of all findings of a rule in some cases that they are no errors.

    Args:
        project: The project.
        rule: Name of the rule.
        case_ids: The cases.
        organs: Only of these, or `WHOLE_CT`; of all where none is named.
        by: Pseudonym of who says so.
        why: For people.

    Returns:
        What was confirmed, by case.

    Raises:
        UnknownCaseError: There is no such case; nothing is confirmed then.
        ConfigError: No case is named.
        ReviewError: No mask in these cases has an open finding of that rule.
    """
    if not case_ids:
        raise ConfigError("--cases", "", "it must name at least one case")
    names = {name if name == WHOLE_CT else organ(name).name for name in organs}
    said: list[Confirmation] = []
    with project.store.together():
        for case_id in case_ids:
            facts = facts_of_case(project, case_id)
            found = (one for one in _open_findings(project, facts) if one.rule == rule)
            chosen = (one for one in found if not names or one.organ in names)
            said += [
                Confirmation(
                    case_id=case_id,
                    organ=one.organ,
                    rule=rule,
                    mask_sha256=one.mask_sha256,
                    by=by,
                    why=why,
                    time=datetime.now(UTC),
                )
                for one in chosen
            ]
        if not said:
            raise ReviewError(
                f"no mask in {', '.join(case_ids)} has an open finding of the rule {rule!r}; "
                "`omentum status` lists them"
            )
        project.store.confirmations.add(said)
        for case_id, name in dict.fromkeys((one.case_id, one.organ) for one in said):
            settle_tasks(project, case_id, name, answered=True)
    return said


def comment(project: Project, number: int, text: str, *, by: str = OWNER) -> Revision:
    """Add a person's words to a revision; no such revision raises `ReviewError`."""
    store = project.store
    with store.together():
        found = store.revisions.get(number)
        if found is None:
            raise ReviewError(f"there is no revision {number}; `omentum review history` lists them")
        joined = "\n".join(filter(None, (found.comment, f"{by}: {text}")))
        store.revisions.keep_comment(number, joined, by=by)
    return replace(found, comment=joined)


def _open_findings(project: Project, facts: CaseFacts) -> list[MaskFinding]:
    """Give what is open about the CT of a case, and about the masks that stand or are held back."""
    labelled = standing_case(facts)
    found = ct_findings_of(facts, project.store.arrivals.of_case(facts.case.case_id))
    of_masks = [one for mask in labelled.masks for one in mask.findings]
    return [*found, *of_masks, *(one for mask in labelled.held for one in mask.findings)]


def _asked(project: Project, case_id: str, organ_name: str) -> tuple[CaseFacts, str]:
    return facts_of_case(project, case_id), organ(organ_name).name


def _last_word(facts: CaseFacts, name: str) -> Revision:
    """Give the revision that stands among those of an organ; readings that disagree raise `ReviewError`."""
    case_id, revisions, decisions = facts.case.case_id, facts.revisions_of(name), facts.decisions_of(name)
    waiting = open_conflicts(revisions, decisions)
    if waiting:
        numbers = {one.number for one in waiting} | {one.conflicts_with for one in waiting}
        known = ", ".join(f"{one.number} of {one.reader}" for one in revisions if one.number in numbers)
        raise ReviewError(
            f"revisions of {name} in {case_id} disagree: {known}; "
            f"decide with `omentum review prefer {case_id} {name} --revision N`"
        )
    revision = standing_revision(revisions, decisions)
    if revision is None:
        raise ReviewError(
            f"no revision of {name} in {case_id} can be preferred; hand one in with `omentum review import`"
        )
    return revision


def _numbered(facts: CaseFacts, name: str, number: int) -> Revision:
    revisions = facts.revisions_of(name)
    found = next((one for one in revisions if one.number == number), None)
    if found is None:
        known = ", ".join(f"{one.number} of {one.reader}" for one in revisions) or "none"
        raise ReviewError(f"{name} in {facts.case.case_id} has no revision {number}; there are: {known}")
    return found


def decision_for(revision: Revision, kind: DecisionKind, *, by: str, why: str) -> Decision:
    """Decide that a revision stands; the decision is not kept yet."""
    return Decision(
        case_id=revision.case_id,
        organ=revision.organ,
        kind=kind,
        revision_number=revision.number,
        by=by,
        why=why,
        time=datetime.now(UTC),
    )


def decided_already(case_id: str, name: str) -> ReviewError:
    """Say that no readings of an organ wait for a decision any more."""
    return ReviewError(f"somebody decided about {name} in {case_id} meanwhile; look at what stands now")


def keep_decision(project: Project, facts: CaseFacts, decision: Decision) -> Decision:
    """Keep a decision, unless it is the one that counts already and nothing has come in since that waits."""
    decisions = facts.decisions_of(decision.organ)
    waits = open_conflicts(facts.revisions_of(decision.organ), decisions)
    if decisions and _says(decisions[-1]) == _says(decision) and not waits:
        return decisions[-1]
    return project.store.decisions.add(decision)


def _decided(project: Project, facts: CaseFacts, decision: Decision) -> Decision:
    """Keep a decision; tasks that waited for it go on."""
    with project.store.together():
        kept = keep_decision(project, facts, decision)
        settle_tasks(project, decision.case_id, decision.organ)
    return kept


def _says(decision: Decision) -> tuple[object, ...]:
    return decision.kind, decision.stands, decision.revision_number
