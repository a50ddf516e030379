"""Find the tasks of a case that a reader has or had, for programs that name cases and not tasks."""

from omentum.errors import MissingError, ReviewError
from omentum.project.project import Project
from omentum.records import Task, TaskKind, TaskState
from omentum.store.tasks import pool_of

__all__ = ["is_held", "own_tasks", "required_own_tasks", "task_to_look_at"]


def own_tasks(project: Project, case_id: str, reader: str) -> list[Task]:
    """Give the tasks of a case that a reader has or had, the last of each organ; those in hand come first.

    Late work is taken: a task counts also when its lease is over. Tasks about a whole CT have no mask.

    Raises:
        UnknownCaseError: There is no such case.
    """
    project.store.cases.get(case_id)
    of_case = [one for one in project.store.tasks.of_case(case_id) if not one.is_of_ct]
    had = {
        number: project.store.leases.had(pool_of(number), reader)
        for number in {one.round_number for one in of_case}
    }
    last: dict[str, Task] = {}
    for one in sorted(of_case, key=lambda one: one.number or 0):
        if str(one.number) in had[one.round_number] and one.state is not TaskState.SKIPPED:
            last[one.organ] = one
    return sorted(last.values(), key=lambda one: (not is_held(project, one, reader), one.rank))


def is_held(project: Project, task: Task, reader: str) -> bool:
    """Tell whether a reader has a task, and has handed nothing in for it yet."""
    held = project.store.leases.held(pool_of(task.round_number), reader)
    return any(one.key == str(task.number) for one in held)


def required_own_tasks(project: Project, case_id: str, reader: str) -> list[Task]:
    """Give the tasks of a case that a reader has or had; there being none raises `ReviewError`."""
    own = own_tasks(project, case_id, reader)
    if not own:
        raise ReviewError(
            f"{reader} has no task of {case_id}; take one with the strategy `omentum` (Next Sample), or "
            "claim it on the review page"
        )
    return own


def task_to_look_at(project: Project, case_id: str, organ_name: str, own: list[Task]) -> Task:
    """Give the task by which masks of an organ are shown: the reader's own of it, else any of the case.

    Args:
        project: The project.
        case_id: The case.
        organ_name: The organ.
        own: The reader's tasks of the case.

    Raises:
        MissingError: The case has no task, so that the review page shows nothing of it either.
    """
    of_case = [one for one in reversed(project.store.tasks.of_case(case_id)) if not one.is_of_ct]
    of_case.sort(key=lambda one: one.kind is TaskKind.CATCH)  # a planted error is shown to its reader alone
    others = [one for one in of_case if one.organ == organ_name]
    of_own = [one for one in own if one.organ == organ_name]
    found = next(iter([*of_own, *own, *others, *of_case]), None)
    if found is None:
        raise MissingError(
            f"{case_id} has no task, and masks are shown by their tasks; ask for one with "
            f"`omentum review request {case_id} ORGAN`"
        )
    return found
