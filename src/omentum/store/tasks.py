"""What should experts look at in a round, and how far are they?

In:  the queue of a round (score); what became of its tasks (review).
Out: tasks in the order of their rank. One that an expert has begun is never lost to a new queue.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from omentum.errors import ReviewError
from omentum.records import Task, TaskState
from omentum.store.cases import require_cases
from omentum.store.database import Database
from omentum.store.rounds import require_round
from omentum.store.tables import TaskRow

__all__ = ["Tasks"]


class Tasks:
    """The tasks of all rounds."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def replace(self, round_number: int, tasks: Iterable[Task]) -> list[Task]:
        """Give a round a new queue, and give it back as it is kept.

        Tasks that were exported or done keep that state; those that the new queue leaves out come
        after it, in their old order.

        Raises:
            ProjectError: There is no such round.
            UnknownCaseError: There is no such case.
        """
        tasks = sorted(tasks, key=lambda task: task.rank)
        with self._database.writing() as session:
            require_round(session, round_number)
            require_cases(session, (task.case_id for task in tasks))
            begun = [task for task in _of_round(session, round_number) if task.state != TaskState.QUEUED]
            queue = _joined(round_number, tasks, begun)
            session.execute(delete(TaskRow).where(TaskRow.round_number == round_number))
            if queue:
                session.execute(insert(TaskRow), [_values(task) for task in queue])
        return queue

    def of_round(self, round_number: int, state: TaskState | None = None) -> list[Task]:
        """Give the tasks of a round by rank, or those in one state."""
        with self._database.reading() as session:
            return [task for task in _of_round(session, round_number) if state in (None, task.state)]

    def set_state(self, round_number: int, keys: Iterable[tuple[str, str]], state: TaskState) -> None:
        """Say how far tasks are, each named by its case and organ; all of them or, with an error, none.

        Raises:
            ReviewError: The round has no such task.
        """
        with self._database.writing() as session:
            for case_id, organ in keys:
                row = session.get(TaskRow, (round_number, case_id, organ))
                if row is None:
                    seen = f"round {round_number} has no task for {organ!r} of {case_id!r}"
                    raise ReviewError(f"{seen}; `omentum status` lists them")
                row.state = state.value


def _joined(round_number: int, tasks: list[Task], begun: list[Task]) -> list[Task]:
    states = {(task.case_id, task.organ): task.state for task in begun}
    named = {(task.case_id, task.organ) for task in tasks}
    left_out = [task for task in begun if (task.case_id, task.organ) not in named]
    return [
        replace(
            task,
            round_number=round_number,
            rank=rank,
            state=states.get((task.case_id, task.organ), task.state),
        )
        for rank, task in enumerate([*tasks, *left_out], start=1)
    ]


def _of_round(session: Session, round_number: int) -> list[Task]:
    of_it = select(TaskRow).where(TaskRow.round_number == round_number).order_by(TaskRow.rank)
    return [
        Task(
            round_number=round_number,
            case_id=row.case_id,
            organ=row.organ,
            rank=row.rank,
            attention_ml=row.attention_ml,
            state=TaskState(row.state),
            minutes=row.minutes,
            error_ml=row.error_ml,
            n_spots=row.n_spots,
            reason=row.reason,
            is_audit=row.is_audit,
            is_held_out=row.is_held_out,
        )
        for row in session.scalars(of_it)
    ]


def _values(task: Task) -> dict[str, Any]:
    return {
        "round_number": task.round_number,
        "case_id": task.case_id,
        "organ": task.organ,
        "rank": task.rank,
        "attention_ml": float(task.attention_ml),
        "state": task.state.value,
        "minutes": None if task.minutes is None else float(task.minutes),
        "error_ml": None if task.error_ml is None else float(task.error_ml),
        "n_spots": int(task.n_spots),
        "reason": task.reason,
        "is_audit": task.is_audit,
        "is_held_out": task.is_held_out,
    }
