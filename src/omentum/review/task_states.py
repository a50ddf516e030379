"""Bring tasks to the state that follows from what was handed in, decided and confirmed."""

from collections.abc import Sequence

from omentum.project.conflicts import open_conflicts
from omentum.project.ct_findings import ct_findings_of
from omentum.project.project import Project
from omentum.project.standing import CaseFacts, facts_of_case, standing_case
from omentum.records import Task, TaskKind, TaskState
from omentum.store.tasks import pool_of

__all__ = ["settle_tasks"]

_WAITING = (TaskState.SUBMITTED, TaskState.IN_ADJUDICATION)


def settle_tasks(
    project: Project, case_id: str, organ_name: str, *, read: Sequence[Task] = (), answered: bool = False
) -> None:
    """Set the state of the tasks of an organ that were read, and of those that wait for a person's word.

    A task is submitted while more readings are wanted; in adjudication while readings of its organ disagree;
    submitted while its mask is held back; and done otherwise. Where readings disagree and no task is in
    adjudication, one is made, once no more readings are wanted.

    Args:
        project: The project.
        case_id: The case.
        organ_name: The organ, or `WHOLE_CT`.
        read: Tasks for which a mask was handed in just now.
        answered: Whether a person answered the findings about it, so that tasks which ask for that are done.
    """
    facts = facts_of_case(project, case_id)
    numbers = {task.number for task in read}
    for task in project.store.tasks.of_case(case_id):
        if task.organ != organ_name or task.number is None or task.is_catch:
            continue
        asks = answered and task.state.is_open and (task.kind is TaskKind.FINDING or task.is_of_ct)
        if task.number in numbers or task.state in _WAITING or asks:
            state = _state(project, facts, task, needs_reading=not asks)
            if state is not task.state:
                project.store.tasks.set_state([task.number], state)
    tasks = project.store.tasks.of_case(case_id)
    if any(_lacks_readings(project, task) for task in tasks if task.organ == organ_name):
        return  # what disagrees is decided when all readings are in
    if open_conflicts(facts.revisions_of(organ_name), facts.decisions_of(organ_name)):
        _put_to_adjudication(project, facts, organ_name)


def _put_to_adjudication(project: Project, facts: CaseFacts, name: str) -> None:
    """Make a task for the person who decides, where there is none: readings may come in without any."""
    tasks = [task for task in project.store.tasks.of_case(facts.case.case_id) if task.organ == name]
    if facts.case.excluded_why is None and all(one.state is not TaskState.IN_ADJUDICATION for one in tasks):
        project.store.tasks.add(
            Task(
                round_number=project.store.rounds.current().number,
                case_id=facts.case.case_id,
                organ=name,
                rank=0,
                attention_ml=0.0,
                kind=TaskKind.REQUESTED,
                state=TaskState.IN_ADJUDICATION,
                network=project.networks[0],
                reason="readings disagree",
            )
        )


def _state(project: Project, facts: CaseFacts, task: Task, *, needs_reading: bool) -> TaskState:
    if task.is_of_ct:
        arrival = project.store.arrivals.of_case(task.case_id)
        return task.state if ct_findings_of(facts, arrival) else TaskState.DONE
    if needs_reading and _lacks_readings(project, task):
        return TaskState.SUBMITTED
    if open_conflicts(facts.revisions_of(task.organ), facts.decisions_of(task.organ)):
        return TaskState.IN_ADJUDICATION
    if any(one.organ == task.organ for one in standing_case(facts).held):
        return TaskState.SUBMITTED if needs_reading else task.state
    return TaskState.DONE


def _lacks_readings(project: Project, task: Task) -> bool:
    """Tell whether a task that is read several times in this round has had fewer readers than it asks for."""
    ended = (TaskState.DONE, TaskState.SKIPPED, TaskState.IN_ADJUDICATION)
    if task.n_readings == 1 or task.state in ended:
        return False
    if task.round_number != project.store.rounds.current().number:  # no one can claim it any more
        return bool(project.store.leases.all(pool_of(task.round_number)).get(str(task.number)))
    readers = {one.reader for one in project.store.revisions.of_task(task.number or 0)}
    return len(readers) < task.n_readings
