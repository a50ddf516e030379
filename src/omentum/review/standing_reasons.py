"""Say in a sentence why a revision does not stand."""

from omentum.project.standing import CaseFacts, standing_case
from omentum.records import HeldMask, LabelledCase, MaskSource, Revision, StandingMask

__all__ = ["why_not_standing"]


def why_not_standing(facts: CaseFacts, revision: Revision) -> str:
    """Say why a revision does not stand, and what lets it stand; empty if it does."""
    labelled = standing_case(facts)
    if facts.case.excluded_why is not None:
        return f"{revision.case_id} is excluded: {facts.case.excluded_why}"
    if held := _of(labelled, revision, is_held=True):
        return _held_back(held, revision.case_id)
    if _of(labelled, revision, is_held=False) is not None:
        return ""
    return _overruled(facts, revision)


def _of(labelled: LabelledCase, revision: Revision, *, is_held: bool) -> StandingMask | HeldMask | None:
    """Find a revision among the masks that stand or are held back."""
    for one in labelled.held if is_held else labelled.masks:
        is_it = one.revision is not None and one.revision.number == revision.number
        if is_it and one.source is MaskSource.REVISED:
            return one
    return None


def _held_back(held: StandingMask | HeldMask, case_id: str) -> str:
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
