"""Find the tasks of a round that a reader has or could have, and claim the first: few statements, by index.

What a reader could have is decided where the tasks are, so that a queue of any length costs the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, String, and_, cast, func, or_, select

from omentum.records import Task, TaskKind, TaskState
from omentum.store.leases import is_for, is_free
from omentum.store.record_table import RecordTable
from omentum.store.review_tables import ActivityRow, DecisionRow, LeaseRow, RevisionRow, TaskRow
from omentum.store.tables import CaseRow
from omentum.store.tasks import pool_of

__all__ = ["EVERY_OPEN_TASK", "OpenFilter", "OpenTasks"]

_OPEN = (TaskState.QUEUED.value, TaskState.CLAIMED.value, TaskState.SUBMITTED.value)
"""States of tasks on which a reader's mask is wanted."""
_DRAWN = (TaskKind.AUDIT.value, TaskKind.HELD_OUT.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenFilter:
    """Which open tasks are meant."""

    case_ids: tuple[str, ...] = ()
    """Only of these cases; of all where none is named."""
    organ: str | None = None
    """Only of this organ."""
    without: frozenset[int] = frozenset()
    """Numbers of tasks that are not meant."""
    beside_own: frozenset[str] | None = None
    """Beside what is reserved for the reader only tasks of these organs; of all where `None`."""
    own_first: bool = False
    """Whether what is reserved for the reader comes before all else."""


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
            asked = _free(round_number, holder, only, self._database.now(session)).order_by(TaskRow.rank)
            if not only.own_first:
                return [self._record(row) for row in session.scalars(asked.limit(limit))]
            own = _slots(round_number).where(LeaseRow.reserved_for == holder).exists()
            first = list(session.scalars(asked.where(own).limit(limit)))
            left = None if limit is None else limit - len(first)
            return [self._record(row) for row in [*first, *session.scalars(asked.where(~own).limit(left))]]

    def known_trials(self, round_number: int, holder: str) -> set[int]:
        """Give the catch trials of a round whose case a reader has seen, and all of them for a folder."""
        asked = select(TaskRow.number).where(TaskRow.round_number == round_number, _is_known_trial(holder))
        with self._database.reading() as session:
            return set(session.scalars(asked))

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
            asked = _claims(round_number, holder, only, now)
            own = asked.where(LeaseRow.reserved_for == holder)
            for some in (own, asked) if only.own_first else (asked,):
                row = session.scalar(some.with_for_update(of=LeaseRow, skip_locked=True))
                if row is not None:
                    row.holder, row.until = holder, now + lasting
                    return int(row.key)
            return None


def _open(round_number: int, only: OpenFilter) -> Select[TaskRow]:
    return select(TaskRow).where(*_conditions(round_number, only))


def _claims(round_number: int, holder: str, only: OpenFilter, now: datetime) -> Select[LeaseRow]:
    """Select the first slot that a holder could have."""
    pool, own = pool_of(round_number), _keys_of(round_number, holder)
    return (
        select(LeaseRow)
        .join(TaskRow, and_(LeaseRow.pool == pool, LeaseRow.key == _key()))
        .where(*_conditions(round_number, only), _claimable(holder, now, only))
        .where(_key().not_in(own), ~_is_own_case(holder))
        .order_by(TaskRow.rank, LeaseRow.slot)
        .limit(1)
    )


def _free(round_number: int, holder: str, only: OpenFilter, now: datetime) -> Select[TaskRow]:
    slots = _slots(round_number).where(_claimable(holder, now, only))
    return _open(round_number, only).where(
        slots.exists(), _key().not_in(_keys_of(round_number, holder)), ~_is_own_case(holder)
    )


def _slots(round_number: int) -> Select[int]:
    return select(LeaseRow.slot).where(LeaseRow.pool == pool_of(round_number), LeaseRow.key == _key())


def _is_own_case(holder: str) -> ColumnElement[bool]:
    """Tell whether a reading is to be independent, and is of an organ that the holder revised before.

    Of a case with a catch trial the holder must not have seen anything.
    """
    revisions = select(RevisionRow.number).where(
        RevisionRow.case_id == TaskRow.case_id,
        RevisionRow.organ == TaskRow.organ,
        RevisionRow.reader == holder,
    )
    is_independent = or_(TaskRow.n_readings > 1, TaskRow.kind.in_(_DRAWN))
    return or_(and_(is_independent, revisions.exists()), _is_known_trial(holder))


def _is_known_trial(holder: str) -> ColumnElement[bool]:
    """Tell whether a task is a catch trial that the holder, or who reads for a folder, may know."""
    is_trial = TaskRow.kind == TaskKind.CATCH.value
    if holder.startswith("folder:"):
        return is_trial
    revised = select(RevisionRow.number).where(
        RevisionRow.case_id == TaskRow.case_id, RevisionRow.reader == holder
    )
    decided = select(DecisionRow.number).where(
        DecisionRow.case_id == TaskRow.case_id, DecisionRow.by == holder
    )
    at_work = select(ActivityRow.number).where(
        ActivityRow.case_id == TaskRow.case_id,
        ActivityRow.reader == holder,
        ActivityRow.task_number != TaskRow.number,
    )
    return and_(is_trial, or_(revised.exists(), decided.exists(), at_work.exists()))


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


def _claimable(holder: str, now: datetime, only: OpenFilter) -> ColumnElement[bool]:
    found = and_(is_free(LeaseRow, now), is_for(LeaseRow, holder))
    if only.beside_own is None:
        return found
    return and_(found, or_(LeaseRow.reserved_for == holder, TaskRow.organ.in_(only.beside_own)))


def _keys_of(round_number: int, holder: str) -> Select[Any]:
    """Select the keys of what a reader has, or had until the end."""
    return select(LeaseRow.key).where(LeaseRow.pool == pool_of(round_number), LeaseRow.holder == holder)


def _key() -> ColumnElement[str]:
    """A task's key among the leases."""
    return cast(TaskRow.number, String)
