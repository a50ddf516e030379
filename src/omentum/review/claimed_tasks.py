"""Say what a reader may do with a task: answer one that was claimed, give it back, and leave it out."""

from collections.abc import Iterable

from omentum.errors import ClaimedError
from omentum.project.project import Project
from omentum.records import Task, TaskState
from omentum.review.claims import require_independent, taken
from omentum.review.tasks import required_task, skip
from omentum.store.tasks import pool_of

__all__ = ["give_back", "require_claimed", "skip_own"]

_OPEN = (TaskState.QUEUED, TaskState.CLAIMED, TaskState.SUBMITTED)


def require_claimed(project: Project, task: Task, reader: str, *, is_drawn: bool = False) -> None:
    """Refuse an answer of somebody who never claimed the task; a lease that ended still counts.

    Args:
        project: The project.
        task: The task.
        reader: Pseudonym.
        is_drawn: Whether the reader drew a mask. Of a task whose answer is compared with no other, it is
            taken also where another reader has the task by now: work that comes late is welcome.

    Raises:
        ClaimedError: The reader does not have the task, or the reading has to be independent and the
            reader drew the organ elsewhere meanwhile.
    """
    if not _had(project, task, reader):
        if _is_free(project, task, reader):
            raise ClaimedError(
                f"task {task.number} is free, and not {reader}'s; claim it before it is answered"
            )
        if task.is_independent or not is_drawn:
            raise taken(project, task)
    elif not task.is_catch and not _has_read(project, task, reader):
        require_independent(project, task, reader)


def give_back(project: Project, numbers: Iterable[int], holder: str) -> list[int]:
    """Let others have tasks; give the numbers of those that the holder had."""
    given = []
    for number in numbers:
        with project.store.together():
            task = required_task(project, number)
            pool = pool_of(task.round_number)
            if project.store.leases.give_back(pool, str(number), holder):
                given.append(number)
                if task.state is TaskState.CLAIMED and not project.store.leases.all(pool, [str(number)]):
                    is_read = bool(project.store.revisions.of_task(number))
                    state = TaskState.SUBMITTED if is_read else TaskState.QUEUED
                    project.store.tasks.set_state([number], state)
    return given


def skip_own(project: Project, number: int, why: str, *, by: str) -> None:
    """Leave a task out as one of its readers.

    It has to be the reader's own, or free and unread. A task of several readers goes on for the others,
    and another reader may have it instead.

    Raises:
        ReviewError: There is no such task, or no reason.
        ClaimedError: It is another reader's, was read already, waits for an adjudicator, or has ended.
    """
    with project.store.together():
        task = required_task(project, number)
        _require_own(project, task, by)
        if task.n_readings > 1:
            project.store.tasks.left_by(task, by, why)
        else:
            skip(project, [number], why, by=by)


def _require_own(project: Project, task: Task, reader: str) -> None:
    pool, key = pool_of(task.round_number), str(task.number)
    is_held = any(one.key == key for one in project.store.leases.held(pool, reader))
    readers = {one.reader for one in project.store.revisions.of_task(task.number or 0)}
    is_read = bool(readers) if task.n_readings == 1 else reader in readers
    is_unread = not is_read and not _had(project, task, reader) and _is_free(project, task, reader)
    if task.state not in _OPEN or not (is_held or is_unread):
        raise taken(project, task)


def _had(project: Project, task: Task, reader: str) -> bool:
    return str(task.number) in project.store.leases.had(pool_of(task.round_number), reader)


def _is_free(project: Project, task: Task, reader: str) -> bool:
    return str(task.number) in project.store.leases.free(pool_of(task.round_number), reader)


def _has_read(project: Project, task: Task, reader: str) -> bool:
    return any(one.reader == reader for one in project.store.revisions.of_task(task.number or 0))
