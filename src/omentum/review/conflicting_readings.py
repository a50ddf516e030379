"""Find the revision that a new one contradicts; independent readings of a task are compared by Dice."""

from functools import partial

from omentum.project.conflicts import conflict_of, readings_of_others
from omentum.project.project import Project
from omentum.project.reading_agreement import agreement_of, agrees
from omentum.project.standing import CaseFacts
from omentum.records import Revision, Task

__all__ = ["contradicted", "measure_agreement"]


def contradicted(project: Project, facts: CaseFacts, new: Revision, task: Task | None) -> int | None:
    """Give the number of the revision that a new one contradicts; `None` where it may stand.

    Args:
        project: The project.
        facts: Of the case, without the new revision.
        new: The new revision; its file is in place.
        task: The task that it is for.
    """
    other = conflict_of(
        new,
        facts.revisions_of(new.organ),
        facts.decisions_of(new.organ),
        is_blinded=_is_blinded(task),
        agrees=partial(agrees, project, facts.case),
    )
    return None if other is None else other.number


def measure_agreement(project: Project, facts: CaseFacts, new: Revision, task: Task | None) -> None:
    """Measure how far a new reading agrees with those of others, before the database waits for it."""
    if _is_blinded(task):
        for other in readings_of_others(new, facts.revisions_of(new.organ)):
            agreement_of(project, facts.case, new, other)


def _is_blinded(task: Task | None) -> bool:
    return task is not None and task.n_readings > 1
