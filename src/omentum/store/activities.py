"""Keep the signs that readers are at work, and the time that they amount to; append-only.

The clock is that of the database. The time between two signs of a reader is counted once, for the task of the
second one, so that the sum over tasks is never more than the time that has passed.
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from omentum.records import Task
from omentum.records.activity import Activity
from omentum.store.record_table import RecordTable
from omentum.store.review_tables import ActivityRow

__all__ = ["Activities"]


class Activities(RecordTable[Activity]):
    """The signs of work of a project. None is removed unless its case is erased."""

    record_type, row_type, order = Activity, ActivityRow, ("number",)

    def add(self, task: Task, reader: str, actions: Mapping[str, int], *, idle_after: timedelta) -> Activity:
        """Note that a reader is at work on a task now.

        Args:
            task: As the database has it.
            reader: Pseudonym.
            actions: How often each tool was used since the reader's last sign.
            idle_after: A longer time between two signs was a break, and counts as nothing.
        """
        with self._database.writing() as session:
            now = self._database.now(session)
            row = ActivityRow(
                task_number=task.number,
                case_id=task.case_id,
                organ=task.organ,
                reader=reader,
                seconds=_seconds(_last(session, reader), now, idle_after),
                actions=dict(actions),
                time=now,
            )
            session.add(row)
            session.flush()
            return self._record(row)

    def of_task(self, task_number: int) -> list[Activity]:
        """Give the signs of work on a task, in order."""
        return self._equal(task_number=task_number)

    def seconds(
        self, task_number: int, reader: str, *, since: datetime | None = None, until: datetime | None = None
    ) -> float:
        """Sum up a reader's time at work on a task.

        Args:
            task_number: Of the task.
            reader: Pseudonym.
            since: Only signs after this time.
            until: Only signs until this time.
        """
        asked = select(func.sum(ActivityRow.seconds)).where(
            ActivityRow.task_number == task_number, ActivityRow.reader == reader
        )
        asked = asked if since is None else asked.where(ActivityRow.time > since)
        asked = asked if until is None else asked.where(ActivityRow.time <= until)
        with self._database.reading() as session:
            return float(session.scalar(asked) or 0.0)

    def measured(self) -> set[tuple[int, str]]:
        """Give task and reader wherever time at work was measured."""
        asked = select(ActivityRow.task_number, ActivityRow.reader).where(ActivityRow.seconds > 0).distinct()
        with self._database.reading() as session:
            return {(number, reader) for number, reader in session.execute(asked)}

    def readers_by_case(self, *, without_tasks: Collection[int] = ()) -> dict[str, tuple[str, ...]]:
        """Give who was at work in each case, sorted, by case; work at some tasks does not count."""
        others = ActivityRow.task_number.not_in(list(without_tasks))
        return self._grouped(ActivityRow.case_id, ActivityRow.reader, others)

    def seconds_by_reader(self) -> dict[str, float]:
        """Sum up each reader's time at work, over all tasks, by name."""
        asked = select(ActivityRow.reader, func.sum(ActivityRow.seconds)).group_by(ActivityRow.reader)
        with self._database.reading() as session:
            return dict(sorted((reader, float(total)) for reader, total in session.execute(asked)))


def _last(session: Session, reader: str) -> datetime | None:
    """Give the time of a reader's last sign."""
    return session.scalar(select(func.max(ActivityRow.time)).where(ActivityRow.reader == reader))


def _seconds(last: datetime | None, now: datetime, idle_after: timedelta) -> float:
    """Give the time at work between two signs; a clock that was set back counts as a break."""
    if last is None or not timedelta(0) <= now - last <= idle_after:
        return 0.0
    return (now - last).total_seconds()
