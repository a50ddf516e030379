"""List, request, assign and skip tasks."""

from collections.abc import Collection
from dataclasses import dataclass

from omentum.errors import ReviewError
from omentum.project.dealing import deal_tasks
from omentum.project.project import Project
from omentum.project.standing import facts_of_case
from omentum.records import WHOLE_CT, Task, TaskKind, TaskState
from omentum.records.audit_log import PROGRAM
from omentum.review.shown_masks import shown_sha256
from omentum.store.leases import Lease
from omentum.store.tasks import pool_of
from omentum.volumes.labels import organ

__all__ = [
    "ANY_TASK",
    "ListedTask",
    "TaskFilter",
    "assign",
    "list_tasks",
    "request",
    "required_task",
    "skip",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFilter:
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


ANY_TASK = TaskFilter()


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedTask:
    """A task with the leases on it."""

    task: Task
    leases: tuple[Lease, ...] = ()
    """Who has it; those whose time is over are left out."""


def list_tasks(project: Project) -> list[ListedTask]:
    """Give the tasks of the current round by rank, after those of earlier rounds that are not finished.

    Those are tasks that readers still have, or whose readings disagree.
    """
    store = project.store
    number = store.rounds.current().number
    tasks = [*store.tasks.out_before(number), *store.tasks.of_round(number)]
    out = {one: store.leases.all(pool_of(one)) for one in {task.round_number for task in tasks}}
    return [ListedTask(task=task, leases=out[task.round_number].get(str(task.number), ())) for task in tasks]


def required_task(project: Project, number: int) -> Task:
    """Find a task; there being none raises `ReviewError`."""
    task = project.store.tasks.get(number)
    if task is None:
        raise ReviewError(f"there is no task {number}; `omentum review list` shows them")
    return task


def skip(project: Project, numbers: Collection[int], why: str, *, by: str = PROGRAM) -> None:
    """Leave tasks out, with a reason; `by` is the pseudonym of who does.

    Raises:
        ReviewError: There is no such task, or no reason.
    """
    if not why.strip():
        raise ReviewError("a task is skipped for a reason; say it with --why")
    project.store.tasks.set_state(numbers, TaskState.SKIPPED, reason=why, by=by)


def assign(
    project: Project, reader: str | None, only: TaskFilter, numbers: Collection[int] = ()
) -> list[Task]:
    """Let only one reader have tasks that are open, or anyone again where `reader` is `None`.

    Args:
        project: The project.
        reader: Who.
        only: Of which cases and organ.
        numbers: Only of these; of all where none is named.

    Raises:
        ReviewError: No open task is one of these.
    """
    current = project.store.rounds.current().number
    tasks = [
        task
        for task in project.store.tasks.of_round(current)
        if task.state.is_open and only.takes(task) and (not numbers or task.number in numbers)
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
    open_tasks = [one for one in project.store.tasks.open_of(case_id, name) if one.round_number == number]
    before = [one for one in open_tasks if not one.is_catch]
    with project.store.together():
        _end_trials(project, case_id, name)
        task = before[0] if before else _new_task(project, case_id, name, n_readings, why)
        assert task.number is not None
        if n_readings > task.n_readings:
            project.store.tasks.want_readings(task.number, n_readings)
        if reader is not None:
            project.store.tasks.reserve([task.number], reader)
        deal_tasks(project)
    return project.store.tasks.get(task.number) or task


def _end_trials(project: Project, case_id: str, name: str) -> None:
    """End the catch trials of a case that no one has, and those of an organ that somebody asks for."""
    trials = [one for one in project.store.tasks.of_case(case_id) if one.is_catch and one.state.is_open]
    ended = [one.number for one in trials if one.organ == name or one.state is TaskState.QUEUED]
    project.store.tasks.set_state([one for one in ended if one is not None], TaskState.SKIPPED)


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
