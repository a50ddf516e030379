"""Find the tasks of a round that a reader has or could have, and claim the first: few statements, by index.

What a reader could have is decided where the tasks are, so that a queue of any length costs the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, String, and_, cast, func, or_, select

from omentum.records import Task, TaskState
from omentum.store.leases import is_free
from omentum.store.record_table import RecordTable
from omentum.store.review_tables import LeaseRow, TaskRow
from omentum.store.tables import CaseRow
from omentum.store.tasks import pool_of

__all__ = ["EVERY_OPEN_TASK", "OpenFilter", "OpenTasks"]

_OPEN = (TaskState.QUEUED.value, TaskState.CLAIMED.value, TaskState.SUBMITTED.value)
"""States of tasks on which a reader's mask is wanted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenFilter:
    """Which open tasks are meant."""

    case_ids: tuple[str, ...] = ()
    """Only of these cases; of all where none is named."""
    organ: str | None = None
    """Only of this organ."""
    without: frozenset[int] = frozenset()
    """Numbers of tasks that are not meant."""


EVERY_OPEN_TASK = OpenFilter()


class OpenTasks(RecordTable[Task]):
    """The tasks of a round on which a reader's mask is wanted; those of excluded cases are none."""

    record_type, row_type, order = Task, TaskRow, ("rank",)

    def held(
        self, round_number: int, holder: str, only: OpenFilter = EVERY_OPEN_TASK, *, limit: int | None = None
    ) -> list[Task]:
        """Give what a reader has, by rank; also expired ones whose slot is still free."""
        with self._database.reading() as session:
            keys = session.scalars(_keys_of(round_number, holder).where(~LeaseRow.ended))
            asked = _open(round_number, only).where(TaskRow.number.in_(map(int, keys)))
            return self._records(session.scalars(asked.order_by(TaskRow.rank).limit(limit)))

    def free(
        self, round_number: int, holder: str, only: OpenFilter = EVERY_OPEN_TASK, *, limit: int | None = None
    ) -> list[Task]:
        """Give what a reader could claim, by rank: never what that reader has or had."""
        with self._database.reading() as session:
            asked = _free(round_number, holder, only, self._database.now(session))
            return self._records(session.scalars(asked.order_by(TaskRow.rank).limit(limit)))

    def count_free(self, round_number: int, holder: str, only: OpenFilter = EVERY_OPEN_TASK) -> int:
        """Count what a reader could claim."""
        with self._database.reading() as session:
            asked = _free(round_number, holder, only, self._database.now(session))
            counted = asked.with_only_columns(func.count(), maintain_column_froms=True)
            return session.scalar(counted) or 0

    def claim_first(
        self, round_number: int, holder: str, lasting: timedelta, only: OpenFilter = EVERY_OPEN_TASK
    ) -> int | None:
        """Claim the first task that a reader could have, and give its number; `None` where there is none.

        No two readers get the same slot, and none waits for another: on PostgreSQL a slot that is being
        claimed at this moment is passed over.
        """
        with self._database.claiming() as session:
            now = self._database.now(session)
            asked = (
                select(LeaseRow)
                .join(TaskRow, and_(LeaseRow.pool == pool_of(round_number), LeaseRow.key == _key()))
                .where(*_conditions(round_number, only), _claimable(holder, now))
                .where(_key().not_in(_keys_of(round_number, holder)))
                .order_by(TaskRow.rank, LeaseRow.slot)
                .limit(1)
            )
            row = session.scalar(asked.with_for_update(of=LeaseRow, skip_locked=True))
            if row is None:
                return None
            row.holder, row.until = holder, now + lasting
            return int(row.key)


def _open(round_number: int, only: OpenFilter) -> Select[tuple[TaskRow]]:
    return select(TaskRow).where(*_conditions(round_number, only))


def _free(round_number: int, holder: str, only: OpenFilter, now: datetime) -> Select[tuple[TaskRow]]:
    slots = select(LeaseRow.slot).where(
        LeaseRow.pool == pool_of(round_number), LeaseRow.key == _key(), _claimable(holder, now)
    )
    return _open(round_number, only).where(slots.exists(), _key().not_in(_keys_of(round_number, holder)))


def _conditions(round_number: int, only: OpenFilter) -> Sequence[ColumnElement[bool]]:
    excluded = select(CaseRow.case_id).where(CaseRow.excluded_why.is_not(None))
    found = [
        TaskRow.round_number == round_number,
        TaskRow.state.in_(_OPEN),
        TaskRow.case_id.not_in(excluded),
    ]
    found += [TaskRow.case_id.in_(only.case_ids)] if only.case_ids else []
    found += [TaskRow.organ == only.organ] if only.organ is not None else []
    return found + ([TaskRow.number.not_in(only.without)] if only.without else [])


def _claimable(holder: str, now: datetime) -> ColumnElement[bool]:
    for_holder = or_(LeaseRow.reserved_for.is_(None), LeaseRow.reserved_for == holder)
    return and_(is_free(LeaseRow, now), for_holder)


def _keys_of(round_number: int, holder: str) -> Select[Any]:
    """Select the keys of what a reader has, or had until the end."""
    return select(LeaseRow.key).where(LeaseRow.pool == pool_of(round_number), LeaseRow.holder == holder)


def _key() -> ColumnElement[str]:
    """A task's key among the leases."""
    return cast(TaskRow.number, String)
