"""Bring tasks to the state that follows from what was handed in, decided and confirmed."""

from collections.abc import Sequence

from omentum.project.conflicts import open_conflicts
from omentum.project.ct_findings import ct_findings_of
from omentum.project.project import Project
from omentum.project.standing import CaseFacts, facts_of_case, standing_case
from omentum.records import Task, TaskKind, TaskState

__all__ = ["settle_tasks"]

_WAITING = (TaskState.SUBMITTED, TaskState.IN_ADJUDICATION)


def settle_tasks(
    project: Project, case_id: str, organ_name: str, *, read: Sequence[Task] = (), answered: bool = False
) -> None:
    """Set the state of the tasks of an organ that were read, and of those that wait for a person's word.

    A task is in adjudication while readings of its organ disagree; submitted while its mask is held back or
    more readings are wanted; and done otherwise. Where readings disagree and no task is in adjudication, one
    is made.

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
        if task.organ != organ_name or task.number is None:
            continue
        asks = answered and task.state.is_open and (task.kind is TaskKind.FINDING or task.is_of_ct)
        if task.number in numbers or task.state in _WAITING or asks:
            state = _state(project, facts, task, needs_reading=not asks)
            if state is not task.state:
                project.store.tasks.set_state([task.number], state)
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
    if open_conflicts(facts.revisions_of(task.organ), facts.decisions_of(task.organ)):
        return TaskState.IN_ADJUDICATION
    if any(one.organ == task.organ for one in standing_case(facts).held):
        return TaskState.SUBMITTED if needs_reading else task.state
    readers = {one.reader for one in project.store.revisions.of_task(task.number or 0)}
    lacks = needs_reading and len(readers) < task.n_readings and task.n_readings > 1
    return TaskState.SUBMITTED if lacks else TaskState.DONE
