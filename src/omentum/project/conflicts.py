"""Decide whether a revision contradicts one that its reader had not seen, as a late revision may."""

from collections.abc import Callable, Iterable, Sequence

from omentum.project.standing import standing_revision
from omentum.records import Decision, Revision

__all__ = ["conflict_of", "open_conflicts", "readings_of_others"]


def conflict_of(
    new: Revision,
    revisions: Sequence[Revision],
    decisions: Sequence[Decision],
    *,
    is_blinded: bool = False,
    agrees: Callable[[Revision, Revision], bool] = lambda a, b: a.sha256 == b.sha256,
) -> Revision | None:
    """Find the revision that a new one contradicts without having seen it; `None` where it may stand.

    Args:
        new: The revision that is submitted.
        revisions: Of the organ so far, in the order of submission.
        decisions: About the organ so far.
        is_blinded: Whether the readings of the task are independent, so that each is compared with the last
            reading of every other reader.
        agrees: Tells whether two independent readings are so alike that no one has to decide between them.
    """
    stands = standing_revision(revisions, decisions)
    if stands is None or new.sha256 == stands.sha256:
        return None
    if decisions and decisions[-1].revision_number is not None:
        return stands
    accepted = [one for one in revisions if one.conflicts_with is None]
    of_others = [one for one in accepted if one.reader != new.reader and one.sha256 != new.sha256]
    if is_blinded:
        readings = readings_of_others(new, revisions)
        differing = [one for one in readings if not agrees(one, new)]
        if differing:
            return differing[-1]
        of_others = [one for one in of_others if one not in readings]
    seen = [place for place, one in enumerate(accepted) if one.sha256 == new.base_sha256]
    unseen = accepted[seen[-1] + 1 :] if seen else accepted
    changes = [one for one in unseen if one in of_others and one.betters]
    return changes[-1] if changes else None


def readings_of_others(new: Revision, revisions: Iterable[Revision]) -> list[Revision]:
    """Give the last reading of each other reader of the same task, in the order of submission."""
    of_task = (one for one in revisions if one.task_number == new.task_number and one.reader != new.reader)
    return sorted({one.reader: one for one in of_task}.values(), key=lambda one: one.number or 0)


def open_conflicts(revisions: Iterable[Revision], decisions: Iterable[Decision]) -> list[Revision]:
    """Give the revisions in conflict that no person has decided about since."""
    decided = {(one.case_id, one.organ): one.time for one in decisions}
    return [
        one
        for one in revisions
        if one.conflicts_with is not None and (one.key not in decided or decided[one.key] < one.time)
    ]
