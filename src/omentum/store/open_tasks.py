"""Find the tasks of a round that a reader has or could have, and claim the first: few statements, by index.

What a reader could have is decided where the tasks are, so that a queue of any length costs the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Integer,
    Select,
    String,
    and_,
    bindparam,
    cast,
    func,
    or_,
    select,
    update,
)

from omentum.records import Task, TaskKind, TaskState
from omentum.store.base import UtcTime
from omentum.store.leases import is_for, is_free
from omentum.store.record_table import RecordTable, columns_of
from omentum.store.review_tables import ActivityRow, DecisionRow, LeaseRow, RevisionRow, TaskRow
from omentum.store.tables import CaseRow
from omentum.store.tasks import pool_of

__all__ = ["EVERY_OPEN_TASK", "OpenFilter", "OpenTasks"]

_OPEN: BindParameter[Any] = bindparam(
    "open",
    (TaskState.QUEUED.value, TaskState.CLAIMED.value, TaskState.SUBMITTED.value),
    expanding=True,
    literal_execute=True,  # in the words of the index of open tasks, which is used only then
)
"""States of tasks on which a reader's mask is wanted."""
_DRAWN = (TaskKind.AUDIT.value, TaskKind.HELD_OUT.value)
_ROUND, _NOW = bindparam("round", type_=Integer), bindparam("now", type_=UtcTime)
_POOL, _HOLDER = bindparam("in_pool", type_=String), bindparam("by", type_=String)
_LEASES = LeaseRow.metadata.tables[LeaseRow.__tablename__]
_TAKE = (
    update(_LEASES)
    .where(_LEASES.c.pool == _POOL, _LEASES.c.key == bindparam("of"), _LEASES.c.slot == bindparam("at"))
    .values(holder=_HOLDER, until=bindparam("to", type_=UtcTime))
)


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

    def values(self) -> dict[str, Any]:
        """Give the values that a statement is sent with."""
        lists = {"cases": self.case_ids, "without": self.without, "beside": self.beside_own}
        return {name: list(some) for name, some in lists.items() if some is not None} | {"organ": self.organ}


EVERY_OPEN_TASK = OpenFilter()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shape:
    """What a statement depends on besides the values that it is sent with: it is made once for each shape."""

    of_cases: bool
    of_organ: bool
    without_some: bool
    beside_own: bool
    for_folder: bool
    """Whether the holder is a folder, which gets no catch trial."""


def _shape(holder: str, only: OpenFilter) -> _Shape:
    return _Shape(
        of_cases=bool(only.case_ids),
        of_organ=only.organ is not None,
        without_some=bool(only.without),
        beside_own=only.beside_own is not None,
        for_folder=holder.startswith("folder:"),
    )


class OpenTasks(RecordTable[Task]):
    """The tasks of a round on which a reader's mask is wanted; those of excluded cases are none."""

    record_type, row_type, order = Task, TaskRow, ("rank",)

    def held(self, round_number: int, holder: str, only: OpenFilter = EVERY_OPEN_TASK) -> list[Task]:
        """Give what a reader has, by rank; also expired ones whose slot is still free."""
        asked = _held(_shape(holder, only))
        with self._database.reading() as session:
            return self._records(session.execute(asked, _values(round_number, holder, only)))

    def free(
        self, round_number: int, holder: str, only: OpenFilter = EVERY_OPEN_TASK, *, limit: int | None = None
    ) -> list[Task]:
        """Give what a reader could claim, by rank: never what that reader has or had."""
        shape = _shape(holder, only)
        with self._database.reading() as session:
            values = _values(round_number, holder, only, self._database.now(session))
            found: list[Any] = []
            for asked in _free_in_turn(shape, own_first=only.own_first):
                left = None if limit is None else limit - len(found)
                found += session.execute(asked.limit(left), values)
            return [self._record(row) for row in found]

    def known_trials(self, round_number: int, holder: str) -> set[int]:
        """Give the catch trials of a round whose case a reader has seen, and all of them for a folder."""
        is_known = _is_known_trial(for_folder=_shape(holder, EVERY_OPEN_TASK).for_folder)
        asked = select(TaskRow.number).where(TaskRow.round_number == _ROUND, is_known)
        with self._database.reading() as session:
            return set(session.scalars(asked, _values(round_number, holder, EVERY_OPEN_TASK)))

    def count_free(self, round_number: int, holder: str, only: OpenFilter = EVERY_OPEN_TASK) -> int:
        """Count what a reader could claim."""
        asked = _count_free(_shape(holder, only))
        with self._database.reading() as session:
            values = _values(round_number, holder, only, self._database.now(session))
            return session.scalar(asked, values) or 0

    def claim_first(
        self, round_number: int, holder: str, lasting: timedelta, only: OpenFilter = EVERY_OPEN_TASK
    ) -> int | None:
        """Claim the first task that a reader could have, and give its number; `None` where there is none.

        No two readers get the same slot, and none waits for another: on PostgreSQL a slot that is being
        claimed at this moment is passed over.
        """
        shape = _shape(holder, only)
        with self._database.claiming() as session:
            session.flush()
            now = self._database.now(session)
            values = _values(round_number, holder, only, now)
            for reserved in (True, False) if only.own_first else (False,):
                row = session.execute(_claims(shape, reserved=reserved), values).first()
                if row is not None:
                    session.execute(_TAKE, values | {"of": row.key, "at": row.slot, "to": now + lasting})
                    session.expire_all()
                    return int(row.key)
            return None


def _values(round_number: int, holder: str, only: OpenFilter, now: datetime | None = None) -> dict[str, Any]:
    """Give the values that a statement is sent with."""
    named = {"round": round_number, "in_pool": pool_of(round_number), "by": holder, "now": now}
    return named | only.values()


@cache
def _held(shape: _Shape) -> Select[Any]:
    """Select what a reader has; it begins with the leases, which are few."""
    return (
        _open(shape)
        .join(LeaseRow, TaskRow.number == cast(LeaseRow.key, Integer))
        .where(LeaseRow.pool == _POOL, LeaseRow.holder == _HOLDER, ~LeaseRow.ended)
    )


@cache
def _claims(shape: _Shape, *, reserved: bool) -> Select[str, int]:
    """Select the first slot that a holder could have, or the first that is reserved for the holder."""
    own = [LeaseRow.reserved_for == _HOLDER] if reserved else []
    return (
        select(LeaseRow.key, LeaseRow.slot)
        .join(TaskRow, and_(LeaseRow.pool == _POOL, LeaseRow.key == _key()))
        .where(*_conditions(shape), _claimable(shape), *own)
        .where(_key().not_in(_had()), ~_is_own_case(shape))
        .order_by(TaskRow.rank, LeaseRow.slot)
        .limit(1)
        .with_for_update(of=LeaseRow, skip_locked=True)
    )


@cache
def _free_in_turn(shape: _Shape, *, own_first: bool) -> tuple[Select[Any], ...]:
    """Select what a holder could have, by rank; where that comes first, what is reserved before all else."""
    asked = _open(shape).where(_is_free(shape)).order_by(TaskRow.rank)
    own = _slots().where(LeaseRow.reserved_for == _HOLDER).exists()
    return (asked.where(own), asked.where(~own)) if own_first else (asked,)


@cache
def _count_free(shape: _Shape) -> Select[Any]:
    return select(func.count()).select_from(TaskRow).where(*_conditions(shape), _is_free(shape))


def _open(shape: _Shape) -> Select[Any]:
    return select(*columns_of(TaskRow)).where(*_conditions(shape))


def _is_free(shape: _Shape) -> ColumnElement[bool]:
    """Tell whether a holder could have a task."""
    return and_(_slots().where(_claimable(shape)).exists(), _key().not_in(_had()), ~_is_own_case(shape))


def _slots() -> Select[Any]:
    return select(LeaseRow.slot).where(LeaseRow.pool == _POOL, LeaseRow.key == _key())


def _is_own_case(shape: _Shape) -> ColumnElement[bool]:
    """Tell whether a reading is to be independent, and is of an organ that the holder revised before.

    Of a case with a catch trial the holder must not have seen anything.
    """
    revisions = select(RevisionRow.number).where(
        RevisionRow.case_id == TaskRow.case_id,
        RevisionRow.organ == TaskRow.organ,
        RevisionRow.reader == _HOLDER,
    )
    is_independent = or_(TaskRow.n_readings > 1, TaskRow.kind.in_(_DRAWN))
    return or_(and_(is_independent, revisions.exists()), _is_known_trial(for_folder=shape.for_folder))


def _is_known_trial(*, for_folder: bool) -> ColumnElement[bool]:
    """Tell whether a task is a catch trial that the holder, or who reads for a folder, may know."""
    is_trial = TaskRow.kind == TaskKind.CATCH.value
    if for_folder:
        return is_trial
    revised = select(RevisionRow.number).where(
        RevisionRow.case_id == TaskRow.case_id, RevisionRow.reader == _HOLDER
    )
    decided = select(DecisionRow.number).where(
        DecisionRow.case_id == TaskRow.case_id, DecisionRow.by == _HOLDER
    )
    at_work = select(ActivityRow.number).where(
        ActivityRow.case_id == TaskRow.case_id,
        ActivityRow.reader == _HOLDER,
        ActivityRow.task_number != TaskRow.number,
    )
    return and_(is_trial, or_(revised.exists(), decided.exists(), at_work.exists()))


def _conditions(shape: _Shape) -> Sequence[ColumnElement[bool]]:
    excluded = select(CaseRow.case_id).where(CaseRow.excluded_why.is_not(None))
    found = [TaskRow.round_number == _ROUND, TaskRow.state.in_(_OPEN), TaskRow.case_id.not_in(excluded)]
    found += [TaskRow.case_id.in_(bindparam("cases", expanding=True))] if shape.of_cases else []
    found += [TaskRow.organ == bindparam("organ", type_=String)] if shape.of_organ else []
    return found + (
        [TaskRow.number.not_in(bindparam("without", expanding=True))] if shape.without_some else []
    )


def _claimable(shape: _Shape) -> ColumnElement[bool]:
    found = and_(is_free(LeaseRow, _NOW), is_for(LeaseRow, _HOLDER))
    if not shape.beside_own:
        return found
    beside = TaskRow.organ.in_(bindparam("beside", expanding=True))
    return and_(found, or_(LeaseRow.reserved_for == _HOLDER, beside))


def _had() -> Select[Any]:
    """Select the keys of what a reader has, or had until the end."""
    return select(LeaseRow.key).where(LeaseRow.pool == _POOL, LeaseRow.holder == _HOLDER)


def _key() -> ColumnElement[str]:
    """A task's key among the leases."""
    return cast(TaskRow.number, String)
