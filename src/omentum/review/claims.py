"""Claim tasks for readers; a claim is a lease.

A task has one lease at a time, unless a second reading is wanted.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from omentum.errors import ClaimedError
from omentum.project.project import Project
from omentum.project.standing import facts_of_case
from omentum.records import Task, TaskState
from omentum.review.blinding import is_blinded
from omentum.review.shown_masks import shown_sha256
from omentum.review.tasks import ANY_TASK, TaskFilter, required_task
from omentum.store.leases import Lease
from omentum.store.open_tasks import EVERY_OPEN_TASK, OpenFilter
from omentum.store.tasks import pool_of

__all__ = [
    "HALF_AN_HOUR",
    "TWO_WEEKS",
    "claim",
    "claim_next",
    "claim_task",
    "count_free_tasks",
    "free_tasks",
    "held_tasks",
    "lease_next",
    "note_claimed",
    "renew",
    "require_independent",
    "taken",
]

TWO_WEEKS = timedelta(days=14)
HALF_AN_HOUR = timedelta(minutes=30)
"""For a page that renews it while it is open."""

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
    if most > len(keys):
        usable = _independent(project, holder, {key: tasks[key] for key in usable})
    free = [key for key in leases.free(pool) if key in usable]
    if free and most > len(keys):
        keys += [one.key for one in leases.claim(pool, holder, most - len(keys), lasting, keys=free)]
    return sorted((note_claimed(project, int(key)) for key in keys), key=lambda task: task.rank)


def held_tasks(project: Project, holder: str, *, only: TaskFilter = ANY_TASK) -> list[Task]:
    """Give the open tasks of this round that a reader has, by rank; also expired ones that are still free."""
    return project.store.open_tasks.held(_round(project), holder, _open_filter(only))


def free_tasks(
    project: Project, holder: str, *, only: TaskFilter = ANY_TASK, limit: int | None = None
) -> list[Task]:
    """Give the open tasks of this round that a reader could claim, by rank; the first `limit` of them."""
    meant = _of_rules(project, holder, _open_filter(only))
    return project.store.open_tasks.free(_round(project), holder, meant, limit=limit)


def count_free_tasks(project: Project, holder: str, *, only: TaskFilter = ANY_TASK) -> int:
    """Count the open tasks of this round that a reader could claim."""
    meant = _of_rules(project, holder, _open_filter(only))
    return project.store.open_tasks.count_free(_round(project), holder, meant)


def claim_next(
    project: Project,
    holder: str,
    *,
    only: TaskFilter = ANY_TASK,
    without: Collection[int] = (),
    lasting: timedelta = HALF_AN_HOUR,
) -> Task | None:
    """Claim the next task: the first that the reader has already, else the first that is free.

    Args:
        project: The project.
        holder: Reader.
        only: Which tasks.
        without: Numbers of tasks that are not meant.
        lasting: For how long, from now; a longer lease stays.

    Returns:
        The task; `None` where no more is free.
    """
    number = lease_next(project, holder, only=only, without=without, lasting=lasting)
    return None if number is None else note_claimed(project, number)


def lease_next(
    project: Project, holder: str, *, only: TaskFilter, without: Collection[int], lasting: timedelta
) -> int | None:
    """Lease the next task and give its number: `claim_next`, of which `note_claimed` is left to do."""
    open_tasks, meant = project.store.open_tasks, _open_filter(only, without)
    with project.store.reading_together():
        number, of_rules = _round(project), _of_rules(project, holder, meant)
        held = open_tasks.held(number, holder, meant)
    for task in held:
        if _renewed(project, task, holder, lasting) is not None:
            return task.number
    return open_tasks.claim_first(number, holder, lasting, of_rules)


def claim_task(project: Project, number: int, holder: str, *, lasting: timedelta = HALF_AN_HOUR) -> Task:
    """Claim one task, or renew the reader's lease on it.

    Raises:
        ReviewError: There is no such task.
        ClaimedError: Another reader has it, it is not open, or the holder revised the organ before and the
            reading has to be independent.
    """
    task = required_task(project, number)
    if _renewed(project, task, holder, lasting) is None:
        _require_open(project, task, holder)
        require_independent(project, task, holder)
        pool = pool_of(task.round_number)
        if not project.store.leases.claim(pool, holder, 1, lasting, keys=[str(number)]):
            raise taken(project, task)
    return note_claimed(project, number)


def renew(project: Project, number: int, holder: str, *, lasting: timedelta = HALF_AN_HOUR) -> datetime:
    """Renew a lease, and give its end; a longer one stays as it is.

    Raises:
        ReviewError: There is no such task.
        ClaimedError: The lease has ended, and the task is another reader's or is done.
    """
    task = required_task(project, number)
    until = _renewed(project, task, holder, lasting)
    if until is None:
        raise taken(project, task)
    return until


def _open_again(project: Project, holder: str, tasks: Iterable[Task], n: int) -> None:
    """Let up to `n` tasks that others have or had be claimed once more, by somebody who never had them."""
    pool = pool_of(project.store.rounds.current().number)
    free = set(project.store.leases.free(pool))
    had = project.store.leases.had(pool, holder)
    for task in sorted(tasks, key=lambda one: one.rank):
        read_by = {one.reader for one in project.store.revisions.of_task(task.number or 0)}
        if n <= 0 or task.is_of_ct or task.is_catch or str(task.number) in had or holder in read_by:
            continue
        n -= 1
        if str(task.number) not in free and task.number is not None:
            with project.store.together():
                project.store.tasks.want_readings(task.number, task.n_readings + 1)
                for reader in sorted(read_by):
                    project.store.leases.end(pool, str(task.number), reader)


def note_claimed(project: Project, number: int) -> Task:
    """Note that a task is out, and what its reader is shown; a task that is out already stays as it is."""
    with project.store.reading_together():
        task = required_task(project, number)
        is_new = task.shown_sha256 is None or (task.state is TaskState.QUEUED and task.n_readings == 1)
        if is_new and not task.is_of_ct and not task.is_catch:
            task = _with_shown(project, task)
    if is_new or task.state is not TaskState.CLAIMED:
        project.store.tasks.claimed(task)
    return replace(task, state=TaskState.CLAIMED)


def _with_shown(project: Project, task: Task) -> Task:
    network = task.network or project.networks[0]
    facts = facts_of_case(project, task.case_id, network=network)
    return replace(task, network=network, shown_sha256=shown_sha256(project, facts, task.organ))


def _round(project: Project) -> int:
    return project.store.rounds.current().number


def _open_filter(only: TaskFilter, without: Collection[int] = ()) -> OpenFilter:
    return OpenFilter(case_ids=only.case_ids, organ=only.organ, without=frozenset(without))


def _of_rules(project: Project, holder: str, only: OpenFilter) -> OpenFilter:
    """Narrow a filter for a reader with rules: what was dealt comes first.

    A reader whose rules all name organs gets no task of another organ, unless it is reserved for that reader.
    """
    rules = project.store.assignments.of_reader(holder)
    if not rules:
        return only
    organs = {one.organ for one in rules}
    beside_own = None if None in organs else frozenset(name for name in organs if name is not None)
    return replace(only, own_first=True, beside_own=beside_own)


def _independent(project: Project, holder: str, tasks: Mapping[str, Task]) -> set[str]:
    """Leave out what a reader may not have: see `_of_rules` and `require_independent`."""
    meant = _of_rules(project, holder, EVERY_OPEN_TASK).beside_own
    own = project.store.leases.reserved(pool_of(_round(project)), holder)
    drawn = project.store.revisions.organs_of_reader(holder)
    known = project.store.open_tasks.known_trials(_round(project), holder)
    return {
        key
        for key, task in tasks.items()
        if (meant is None or key in own or task.organ in meant)
        and not (task.is_independent and task.key in drawn)
        and task.number not in known
    }


def require_independent(project: Project, task: Task, holder: str) -> None:
    """Refuse a reader whose own mask a reading would be compared with, or would begin with."""
    if task.is_catch and task.number in project.store.open_tasks.known_trials(task.round_number, holder):
        raise taken(project, task)
    if task.is_independent and task.key in project.store.revisions.organs_of_reader(holder):
        raise ClaimedError(
            f"{holder} revised {task.organ} in {task.case_id} before, so that task {task.number} is for "
            "another reader; take the next one"
        )


def _renewed(project: Project, task: Task, holder: str, lasting: timedelta) -> datetime | None:
    """Extend a lease unless it lasts longer; `None` where the reader has none."""
    leases, pool = project.store.leases, pool_of(task.round_number)
    held = next((one for one in leases.held(pool, holder) if one.key == str(task.number)), None)
    if held is None or held.until > datetime.now(UTC) + lasting:
        return None if held is None else held.until
    renewed = leases.renew(pool, held.key, holder, lasting)
    return None if renewed is None else renewed.until


def _require_open(project: Project, task: Task, holder: str) -> None:
    current = project.store.rounds.current().number
    if task.round_number != current:
        seen = f"task {task.number} is of round {task.round_number}, and round {current} is going on"
        raise ClaimedError(f"{seen}; ask for the organ with `omentum review request`")
    has_read = is_blinded(task) and holder in {
        one.reader for one in project.store.revisions.of_task(task.number or 0)
    }
    if has_read or task.state not in (TaskState.QUEUED, TaskState.CLAIMED, TaskState.SUBMITTED):
        state = TaskState.DONE if is_blinded(task) else task.state
        raise ClaimedError(f"task {task.number} is {state}; ask for it anew with `omentum review request`")


def taken(project: Project, task: Task) -> ClaimedError:
    """Say who has a task, or, of one whose readers must not know of each other, that it is not free."""
    if is_blinded(task):
        return ClaimedError(f"task {task.number} is not free, or was the reader's before; take the next one")
    key = str(task.number)
    others: tuple[Lease, ...] = project.store.leases.all(pool_of(task.round_number), [key]).get(key, ())
    if not others:
        return ClaimedError(
            f"task {task.number} is {task.state}, or was the reader's before; take the next one"
        )
    said = " and ".join(f"{one.holder} until {one.until:%Y-%m-%d %H:%M} UTC" for one in others)
    return ClaimedError(f"task {task.number} is with {said}; take the next one")
