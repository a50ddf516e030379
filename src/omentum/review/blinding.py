"""Hide that a task is read by several readers, until it is decided: each sees it as if nobody else did.

What one of them is shown depends on that reader alone: the task is queued before the reader claims it,
claimed while the reader has it, and done afterwards.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from omentum.project.project import Project
from omentum.project.standing import facts_of_case
from omentum.records import Revision, Task, TaskState
from omentum.review.history import why_held_back

if TYPE_CHECKING:
    from omentum.review.hand_in import HandInResult

__all__ = ["as_seen_by", "counts_as_seen", "is_blinded", "results_as_seen"]

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
    state = TaskState.CLAIMED if has_it else TaskState.DONE if has_read else TaskState.QUEUED
    return replace(task, n_readings=1, state=state)


def counts_as_seen(
    counts: Mapping[TaskState, int], of_several: Mapping[TaskState, int]
) -> dict[TaskState, int]:
    """Count tasks by state as readers may see them: one of several readers is done when that one has read.

    Args:
        counts: Of all tasks, by state.
        of_several: Of those among them that several readers read.

    Example:
        >>> counts_as_seen({TaskState.SUBMITTED: 2, TaskState.DONE: 1}, {TaskState.SUBMITTED: 2})
        {<TaskState.SUBMITTED: 'submitted'>: 0, <TaskState.DONE: 'done'>: 3}
    """
    seen = dict(counts)
    for state in (TaskState.SUBMITTED, TaskState.IN_ADJUDICATION):
        n = of_several.get(state, 0)
        if n:
            seen[state] = seen.get(state, 0) - n
            seen[TaskState.DONE] = seen.get(TaskState.DONE, 0) + n
    return seen


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
