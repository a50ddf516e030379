"""Claim tasks for readers; a claim is a lease.

A task has one lease at a time, unless a second reading is wanted.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta

from omentum.project.project import Project
from omentum.project.standing import facts_of_case
from omentum.records import Task, TaskState
from omentum.review.shown_masks import shown_sha256
from omentum.review.tasks import ANY_TASK, TaskFilter, required_task
from omentum.store.tasks import pool_of

__all__ = ["TWO_WEEKS", "claim", "give_back"]

TWO_WEEKS = timedelta(days=14)

_CLAIMABLE = (TaskState.QUEUED, TaskState.CLAIMED, TaskState.SUBMITTED, TaskState.DONE)
"""A task that is done counts as given, and a second reading of it may be asked for."""


def claim(
    project: Project,
    holder: str,
    n: int | None = None,
    *,
    only: TaskFilter = ANY_TASK,
    lasting: timedelta = TWO_WEEKS,
    can_be_shown: Callable[[Task], bool] = lambda _: True,
) -> list[Task]:
    """Give a reader the tasks that they have already, their leases renewed, then new ones by rank.

    Args:
        project: The project.
        holder: Reader, or the folder that holds the tasks.
        n: Most tasks; all where not said.
        only: Which tasks.
        lasting: For how long they are reserved.
        can_be_shown: Tells whether a task can be looked at now; one that cannot is left in the queue.

    Returns:
        By rank. It is fewer than `n` where no more is free.
    """
    number = project.store.rounds.current().number
    leases, pool = project.store.leases, pool_of(number)
    excluded = project.store.cases.excluded()
    tasks = {
        str(task.number): task
        for task in project.store.tasks.of_round(number)
        if task.state in _CLAIMABLE and only.takes(task) and task.case_id not in excluded
    }
    usable = {key for key, task in tasks.items() if can_be_shown(task)}
    most = len(tasks) if n is None else n
    held = [one.key for one in leases.held(pool, holder) if one.key in usable]
    held = [key for key in held if leases.renew(pool, key, holder, lasting)]
    if only.goes_on:
        most = max(most - len(leases.had(pool, holder).difference(held)), len(held))
    keys = held[:most]
    if only.again:
        _open_again(project, holder, [tasks[key] for key in usable], most - len(keys))
    free = [key for key in leases.free(pool) if key in usable]
    if free and most > len(keys):
        keys += [one.key for one in leases.claim(pool, holder, most - len(keys), lasting, keys=free)]
    return sorted((_claimed(project, int(key)) for key in keys), key=lambda task: task.rank)


def give_back(project: Project, numbers: Iterable[int], holder: str) -> list[int]:
    """Let others have tasks; give the numbers of those that the holder had."""
    given = []
    for number in numbers:
        task = required_task(project, number)
        with project.store.together():
            pool = pool_of(task.round_number)
            if project.store.leases.give_back(pool, str(number), holder):
                given.append(number)
                if not project.store.leases.all(pool).get(str(number)):
                    project.store.tasks.set_state([number], TaskState.QUEUED)
    return given


def _open_again(project: Project, holder: str, tasks: Iterable[Task], n: int) -> None:
    """Let up to `n` tasks that others have or had be claimed once more, by somebody who never had them."""
    pool = pool_of(project.store.rounds.current().number)
    free = set(project.store.leases.free(pool))
    had = project.store.leases.had(pool, holder)
    for task in sorted(tasks, key=lambda one: one.rank):
        read_by = {one.reader for one in project.store.revisions.of_task(task.number or 0)}
        if n <= 0 or task.is_of_ct or str(task.number) in had or holder in read_by:
            continue
        n -= 1
        if str(task.number) not in free and task.number is not None:
            with project.store.together():
                project.store.tasks.want_readings(task.number, task.n_readings + 1)
                for reader in sorted(read_by):
                    project.store.leases.end(pool, str(task.number), reader)


def _claimed(project: Project, number: int) -> Task:
    """Note that a task is out, and what its reader is shown; a task that is out already stays as it is."""
    task = required_task(project, number)
    is_new = task.shown_sha256 is None or (task.state is TaskState.QUEUED and task.n_readings == 1)
    if is_new and not task.is_of_ct:
        network = task.network or project.networks[0]
        facts = facts_of_case(project, task.case_id, network=network)
        shown = shown_sha256(project, facts, task.organ)
        task = replace(task, network=network, shown_sha256=shown)
        project.store.tasks.show(number, network=network, shown_sha256=shown)
    if task.state is not TaskState.CLAIMED:
        project.store.tasks.set_state([number], TaskState.CLAIMED)
    return replace(task, state=TaskState.CLAIMED)
