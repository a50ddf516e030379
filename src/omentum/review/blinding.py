"""Hide that a task is read by several readers, until it is decided: each sees it as if no one else did.

What one of them is shown depends on that reader alone: the task is queued before the reader claims it,
claimed while the reader has it, and done afterwards.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from omentum.project.project import Project
from omentum.project.standing import facts_of_case
from omentum.records import Revision, Task, TaskState
from omentum.review.history import why_held_back
from omentum.store.tasks import pool_of

if TYPE_CHECKING:
    from omentum.review.handed_in import HandInResult

__all__ = ["as_seen_by", "counts_as_seen", "is_blinded", "results_as_seen", "seen_states"]

_ENDED = (TaskState.DONE, TaskState.SKIPPED)


def is_blinded(task: Task) -> bool:
    """Tell whether readers of a task must not know of each other yet."""
    return task.n_readings > 1 and task.state not in _ENDED


def as_seen_by(task: Task, reader: str, revisions: Iterable[Revision], *, has_it: bool) -> Task:
    """Describe a task as one of its readers may see it.

    Args:
        task: The task.
        reader: Who looks.
        revisions: Those that were handed in for the task.
        has_it: Whether the reader has the task now.
    """
    if not is_blinded(task):
        return task
    has_read = any(one.reader == reader for one in revisions)
    return replace(task, n_readings=1, state=_seen(has_it=has_it, has_read=has_read))


def counts_as_seen(project: Project, round_number: int, reader: str) -> Counter[TaskState]:
    """Count the tasks of a round by state, blinded ones as this reader sees them."""
    store = project.store
    counts = Counter(store.tasks.counts(round_number))
    blinded = store.tasks.read_by_several(round_number)
    if not blinded:
        return counts
    read, held = store.revisions.tasks_of_reader(reader), _held(project, round_number, reader)
    for number, state in blinded.items():
        counts[state] -= 1
        counts[_seen(has_it=number in held, has_read=number in read)] += 1
    return counts


def seen_states(project: Project, round_number: int, reader: str) -> list[tuple[Task, TaskState]]:
    """Give the blinded tasks of a round, each with the state in which a reader sees it."""
    tasks = project.store.tasks.of_several()
    blinded = [one for one in tasks if one.round_number == round_number and is_blinded(one)]
    read = project.store.revisions.tasks_of_reader(reader) if blinded else set()
    held = _held(project, round_number, reader) if blinded else set()
    return [(one, _seen(has_it=one.number in held, has_read=one.number in read)) for one in blinded]


def _held(project: Project, round_number: int, reader: str) -> set[int]:
    now = datetime.now(UTC)
    leases = project.store.leases.held(pool_of(round_number), reader)
    return {int(one.key) for one in leases if one.until > now}


def _seen(*, has_it: bool, has_read: bool) -> TaskState:
    """Give the state of a blinded task for a reader."""
    return TaskState.CLAIMED if has_it else TaskState.DONE if has_read else TaskState.QUEUED


def results_as_seen(
    project: Project, task: Task, results: Iterable["HandInResult"]
) -> "tuple[HandInResult, ...]":
    """Say what became of masks as their reader may see it: of blinded ones only what holds them back.

    Args:
        project: The project.
        task: As it is after they were handed in.
        results: What became of them.
    """
    if not is_blinded(task):
        return tuple(results)
    facts = facts_of_case(project, task.case_id)
    return tuple(
        replace(one, why_not=why_held_back(facts, one.revision)) if one.revision.organ == task.organ else one
        for one in results
    )
