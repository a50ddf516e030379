"""List the tasks of a round: how far each is, and who has it until when."""

from dataclasses import dataclass

from omentum.project.project import Project
from omentum.records import Task
from omentum.store.leases import Lease
from omentum.store.tasks import pool_of

__all__ = ["ListedTask", "list_tasks"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedTask:
    """A task with the leases on it."""

    task: Task
    leases: tuple[Lease, ...] = ()
    """Who has it; those whose time is over are left out."""


def list_tasks(project: Project, round_number: int | None = None) -> list[ListedTask]:
    """Give the tasks of a round by rank; of the current one where none is named."""
    number = project.store.rounds.current().number if round_number is None else round_number
    out = project.store.leases.all(pool_of(number))
    return [
        ListedTask(task=task, leases=out.get(str(task.number), ()))
        for task in project.store.tasks.of_round(number)
    ]
