"""Lend tasks to readers, each to one reader unless a second reading is wanted."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from datetime import timedelta

from omentum.errors import ReviewError
from omentum.project.project import Project
from omentum.project.standing import facts_of_case
from omentum.records import WHOLE_CT, Claim, Task, TaskKind, TaskState
from omentum.review.shown import shown_sha256
from omentum.store.leases import Lease
from omentum.store.tasks import pool_of
from omentum.volumes.labels import organ

__all__ = [
    "ANY_TASK",
    "TWO_WEEKS",
    "Asked",
    "assign",
    "claim",
    "give_back",
    "request",
    "required_task",
    "skip",
]

TWO_WEEKS = timedelta(days=14)

_CLAIMABLE = (TaskState.QUEUED, TaskState.CLAIMED, TaskState.SUBMITTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which tasks a reader asks for."""

    case_ids: tuple[str, ...] = ()
    """Only of these cases; of all where none is named."""
    organ: str | None = None
    """Only of this organ, or `WHOLE_CT`."""
    again: bool = False
    """Whether a task that others have or had is given out once more, for a second reading."""

    goes_on: bool = False
    """Whether tasks that the reader has handed in count as given, so that a killed run gives no more."""

    def takes(self, task: Task) -> bool:
        """Tell whether a task is one of these."""
        of_case = not self.case_ids or task.case_id in self.case_ids
        return of_case and self.organ in (None, task.organ)


ANY_TASK = Asked()


def claim(
    project: Project,
    holder: str,
    n: int | None = None,
    *,
    asked: Asked = ANY_TASK,
    lasting: timedelta = TWO_WEEKS,
    can_be_shown: Callable[[Task], bool] = lambda _: True,
) -> list[Claim]:
    """Give a reader the tasks that they have already, their leases renewed, then new ones by rank.

    Args:
        project: The project.
        holder: Reader, or the folder that holds the tasks.
        n: Most tasks; all where not said.
        asked: Which ones.
        lasting: For how long they are reserved.
        can_be_shown: Tells whether a task can be looked at now; one that cannot is left in the queue.

    Returns:
        By rank. It is fewer than `n` where no more is free.
    """
    number = project.store.rounds.current().number
    excluded = project.store.cases.excluded()
    tasks = {
        str(task.number): task
        for task in project.store.tasks.of_round(number)
        if task.state in (*_CLAIMABLE, TaskState.DONE) and asked.takes(task) and task.case_id not in excluded
    }
    usable = {key for key, task in tasks.items() if can_be_shown(task)}
    most = len(tasks) if n is None else n
    held = _renewed(project, holder, number, usable, lasting)
    if asked.goes_on:
        ended = project.store.leases.had(pool_of(number), holder) - {one.key for one in held}
        most = max(most - len(ended), len(held))
    leases = held[:most]
    if asked.again:
        wanted = [tasks[key] for key in tasks if key in usable]
        _open_again(project, holder, wanted, most - len(leases))
    free = [key for key in project.store.leases.free(pool_of(number)) if key in usable]
    if free and most > len(leases):
        new = project.store.leases.claim(pool_of(number), holder, most - len(leases), lasting, keys=free)
        leases = [*leases, *new]
    claims = [_claimed(project, tasks[lease.key], lease) for lease in leases]
    return sorted(claims, key=lambda one: one.task.rank)


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


def skip(project: Project, numbers: Collection[int], why: str) -> None:
    """Leave tasks out, with a reason.

    Raises:
        ReviewError: There is no such task, or no reason.
    """
    if not why.strip():
        raise ReviewError("a task is skipped for a reason; say it with --why")
    project.store.tasks.set_state(numbers, TaskState.SKIPPED, reason=why)


def assign(project: Project, reader: str | None, asked: Asked, numbers: Collection[int] = ()) -> list[Task]:
    """Let only one reader have tasks that are open, or anyone again where `reader` is `None`.

    Args:
        project: The project.
        reader: Who.
        asked: Of which cases and organ.
        numbers: Only of these; of all where none is named.

    Raises:
        ReviewError: No open task is one of these.
    """
    current = project.store.rounds.current().number
    tasks = [
        task
        for task in project.store.tasks.of_round(current)
        if task.state.is_open and asked.takes(task) and (not numbers or task.number in numbers)
    ]
    if not tasks:
        raise ReviewError(
            f"no open task of round {current} is one of these; `omentum review list` shows them"
        )
    project.store.tasks.reserve([task.number for task in tasks if task.number is not None], reader)
    return tasks


def request(
    project: Project,
    case_id: str,
    organ_name: str,
    *,
    reader: str | None = None,
    n_readings: int = 1,
    why: str = "",
) -> Task:
    """Ask for a look at an organ, or at a whole CT; an open task of it is given instead of a second one.

    Args:
        project: The project.
        case_id: The case.
        organ_name: The organ, or `WHOLE_CT`.
        reader: The only one who may have it; anyone where `None`.
        n_readings: How many readers are to revise it, none of whom sees the others' masks.
        why: For people.

    Raises:
        UnknownCaseError: There is no such case.
        UnknownOrganError: There is no such organ.
        ReviewError: The case is excluded, or the number of readings is below 1.
    """
    case = project.store.cases.get(case_id)
    name = WHOLE_CT if organ_name == WHOLE_CT else organ(organ_name).name
    if case.excluded_why is not None:
        raise ReviewError(
            f"{case_id} is excluded ({case.excluded_why}); include it with `omentum cases include {case_id}`"
        )
    if n_readings < 1:
        raise ReviewError(f"{n_readings} readings were asked for; give a number from 1")
    number = project.store.rounds.current().number
    before = [one for one in project.store.tasks.open_of(case_id, name) if one.round_number == number]
    with project.store.together():
        task = before[0] if before else _new_task(project, case_id, name, n_readings, why)
        assert task.number is not None
        if n_readings > task.n_readings:
            project.store.tasks.want_readings(task.number, n_readings)
        if reader is not None:
            project.store.tasks.reserve([task.number], reader)
    return project.store.tasks.get(task.number) or task


def required_task(project: Project, number: int) -> Task:
    """Find a task; there being none raises `ReviewError`."""
    task = project.store.tasks.get(number)
    if task is None:
        raise ReviewError(f"there is no task {number}; `omentum review list` shows them")
    return task


def _new_task(project: Project, case_id: str, name: str, n_readings: int, why: str) -> Task:
    network = project.networks[0]
    shown = None
    if name != WHOLE_CT:
        shown = shown_sha256(project, facts_of_case(project, case_id), name)
    return project.store.tasks.add(
        Task(
            round_number=project.store.rounds.current().number,
            case_id=case_id,
            organ=name,
            rank=0,
            attention_ml=0.0,
            kind=TaskKind.REQUESTED,
            network=network,
            shown_sha256=shown,
            n_readings=n_readings,
            reason=why,
        )
    )


def _renewed(
    project: Project, holder: str, number: int, usable: Collection[str], lasting: timedelta
) -> list[Lease]:
    pool = pool_of(number)
    held = [one.key for one in project.store.leases.held(pool, holder) if one.key in usable]
    renewed = [project.store.leases.renew(pool, key, holder, lasting) for key in held]
    return [one for one in renewed if one is not None]


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


def _claimed(project: Project, task: Task, lease: Lease) -> Claim:
    """Note that a task is out, and what its reader is shown; a task that is out already stays as it is."""
    task = required_task(project, _number(task))
    is_new = task.shown_sha256 is None or (task.state is TaskState.QUEUED and task.n_readings == 1)
    if is_new and not task.is_of_ct:
        network = task.network or project.networks[0]
        facts = facts_of_case(project, task.case_id, network=network)
        shown = shown_sha256(project, facts, task.organ)
        task = replace(task, network=network, shown_sha256=shown)
        project.store.tasks.show(_number(task), network=network, shown_sha256=shown)
    if task.state is not TaskState.CLAIMED:
        project.store.tasks.set_state([_number(task)], TaskState.CLAIMED)
    return Claim(
        task=replace(task, state=TaskState.CLAIMED), slot=lease.slot, holder=lease.holder, until=lease.until
    )


def _number(task: Task) -> int:
    """Give the number of a task that the database has."""
    assert task.number is not None
    return task.number
