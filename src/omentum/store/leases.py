"""Lease items that at most one holder may have at a time: readings of tasks, jobs of workers.

Items are offered in a pool, by key, in one or more slots. A claim is atomic on every database: no two
processes get the same slot. Once a lease has expired, others may claim it; its holder may still hand in.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, and_, bindparam, false, func, insert, or_, select
from sqlalchemy.orm import aliased

from omentum.store.reader_tables import PersonRow
from omentum.store.record_table import RecordTable
from omentum.store.review_tables import LeaseRow

__all__ = ["Lease", "Leases", "Offer", "Slot", "is_for", "is_free"]

_TABLE = LeaseRow.metadata.tables[LeaseRow.__tablename__]
_OUT = select(_TABLE).where(
    _TABLE.c.pool == bindparam("in_pool"), _TABLE.c.until > bindparam("now"), ~_TABLE.c.ended
)
_OUT_OF_KEYS = _OUT.where(_TABLE.c.key.in_(bindparam("of", expanding=True)))
"""Made once, as they are sent for each task that is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """An item that can be claimed."""

    key: str
    rank: int
    """Claims take the least rank first."""
    n_slots: int = 1
    """How many holders may have it, each one slot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A slot that a holder has, until a time."""

    key: str
    slot: int
    holder: str
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A slot of an item, no matter who has it."""

    key: str
    slot: int
    reserved_for: str | None
    is_dealt: bool
    """Whether it is reserved by a rule, and not by a person."""
    holder: str | None
    is_out: bool
    """Whether its holder has it now, or had it until the end."""
    is_ended: bool
    """Whether its holder had it until the end."""


class Leases(RecordTable[Lease]):
    """The leases of a project."""

    record_type, row_type, order = Lease, LeaseRow, ("rank", "key", "slot")

    def offer(self, pool: str, offers: Iterable[Offer]) -> None:
        """Offer items; of those on offer already only the rank changes, and slots are added."""
        offers = list(offers)
        with self._database.writing() as session:
            there = {(row.key, row.slot): row for row in session.scalars(_in(pool))}
            new: list[dict[str, Any]] = []
            for one in offers:
                for slot in range(one.n_slots):
                    row = there.get((one.key, slot))
                    if row is None:
                        new.append({"pool": pool, "key": one.key, "slot": slot, "rank": one.rank})
                    else:
                        row.rank = one.rank
            if new:
                session.execute(insert(LeaseRow), new)

    def reserve(self, pool: str, keys: Collection[str], holder: str | None) -> None:
        """Let only one holder claim items that are on offer, or anyone again."""
        self._change(LeaseRow.pool == pool, LeaseRow.key.in_(keys), reserved_for=holder, is_dealt=False)

    def deal(self, pool: str, dealt: Mapping[tuple[str, int], str]) -> None:
        """Reserve slots by rules, each by key and slot, in the place of all that were dealt before.

        Slots that are out or ended stay as they are.
        """
        with self._database.writing() as session:
            now = self._database.now(session)
            for row in session.scalars(_in(pool).where(is_free(LeaseRow, now))):
                reader = dealt.get((row.key, row.slot))
                is_other = reader != row.reserved_for or not row.is_dealt
                if is_other and (reader is not None or row.is_dealt):
                    row.reserved_for, row.is_dealt = reader, reader is not None

    def slots(self, pool: str) -> list[Slot]:
        """Give every slot, by rank."""
        with self._database.reading() as session:
            now = self._database.now(session)
            rows = session.scalars(_in(pool).order_by(LeaseRow.rank, LeaseRow.key, LeaseRow.slot))
            return [
                Slot(
                    key=row.key,
                    slot=row.slot,
                    reserved_for=row.reserved_for,
                    is_dealt=row.is_dealt,
                    holder=row.holder,
                    is_ended=row.ended,
                    is_out=row.ended or (row.until is not None and row.until > now),
                )
                for row in rows
            ]

    def withdraw(self, pool: str, keys: Collection[str]) -> None:
        """Withdraw items, leased or not; readings that have ended stay known."""
        self._delete(LeaseRow.pool == pool, LeaseRow.key.in_(keys), ~LeaseRow.ended)

    def claim(
        self, pool: str, holder: str, n: int, lasting: timedelta, *, keys: Collection[str] | None = None
    ) -> list[Lease]:
        """Claim up to `n` free slots, of each key at most one, and none of a key held before.

        What rules dealt to the holder comes first, then all else by rank.

        Args:
            pool: Where to claim.
            holder: Who claims.
            n: Most slots.
            lasting: Until when, from now by the database's clock.
            keys: Only of these; of all where not said.

        Returns:
            What was claimed. It is fewer than `n` where no more is free.
        """
        with self._database.claiming() as session:
            now = self._database.now(session)
            own = select(LeaseRow.key).where(LeaseRow.pool == pool, LeaseRow.holder == holder)
            free = _in(pool).where(LeaseRow.key.not_in(own), is_free(LeaseRow, now), is_for(LeaseRow, holder))
            free = free.where(_is_first_free(now, holder))
            if keys is not None:
                free = free.where(LeaseRow.key.in_(list(keys)))
            dealt = func.coalesce(and_(LeaseRow.is_dealt, LeaseRow.reserved_for == holder), false())
            free = free.order_by(dealt.desc(), LeaseRow.rank, LeaseRow.key).limit(n)
            taken = list(session.scalars(free.with_for_update(skip_locked=True)))
            for row in taken:
                row.holder, row.until = holder, now + lasting
            return [self._record(row) for row in taken]

    def renew(self, pool: str, key: str, holder: str, lasting: timedelta) -> Lease | None:
        """Extend a lease, also an expired one whose slot is still free; `None` where it is lost."""
        with self._database.claiming() as session:
            row = session.scalar(_held(pool, holder).where(LeaseRow.key == key).with_for_update())
            if row is None:
                return None
            row.until = self._database.now(session) + lasting
            return self._record(row)

    def give_back(self, pool: str, key: str, holder: str) -> bool:
        """Let others claim a slot; tell whether the holder had it."""
        with self._database.claiming() as session:
            row = session.scalars(_held(pool, holder).where(LeaseRow.key == key).with_for_update()).first()
            if row is not None:
                row.holder, row.until = None, None
            return row is not None

    def end(self, pool: str, key: str, holder: str) -> None:
        """Note that a holder is done with a key: one slot of it is never claimed again.

        It is the holder's own; if that lease was lost, a free slot, if there is one.
        """
        with self._database.writing() as session:
            of_key = _in(pool).where(LeaseRow.key == key).order_by(LeaseRow.slot)
            rows = list(session.scalars(of_key.with_for_update()))
            if any(row.ended and row.holder == holder for row in rows):
                return
            open_rows = [row for row in rows if not row.ended]
            own = [row for row in open_rows if row.holder == holder]
            now = self._database.now(session)
            free = [row for row in open_rows if row.holder is None or row.until is None or row.until <= now]
            for row in (own or free)[:1]:
                row.holder, row.ended, row.until = holder, True, None

    def held(self, pool: str, holder: str) -> list[Lease]:
        """Give what a holder has, by rank; expired leases count while their slot is free."""
        with self._database.reading() as session:
            return self._records(session.scalars(_held(pool, holder)))

    def had(self, pool: str, holder: str) -> set[str]:
        """Give the keys that a holder has, or had until the end."""
        asked = select(LeaseRow.key).where(LeaseRow.pool == pool, LeaseRow.holder == holder)
        with self._database.reading() as session:
            return set(session.scalars(asked))

    def all(self, pool: str, keys: Collection[str] | None = None) -> dict[str, tuple[Lease, ...]]:
        """Give every lease that has not ended yet, by key; only of these keys where any are named."""
        found: dict[str, tuple[Lease, ...]] = {}
        with self._database.reading() as session:
            session.flush()
            values: dict[str, Any] = {"in_pool": pool, "now": self._database.now(session)}
            if keys is not None:
                values["of"] = list(keys)
            rows = session.execute(_OUT if keys is None else _OUT_OF_KEYS, values)
            for row in sorted(rows, key=lambda row: (row.rank, row.key, row.slot)):
                found[row.key] = (*found.get(row.key, ()), self._record(row))
        return found

    def free(self, pool: str, holder: str | None = None) -> list[str]:
        """Give the keys of which a slot can be claimed, by rank; where a holder is named, by that one."""
        asked = select(LeaseRow.rank, LeaseRow.key).where(LeaseRow.pool == pool)
        if holder is not None:
            asked = asked.where(is_for(LeaseRow, holder))
        with self._database.reading() as session:
            found = session.execute(asked.where(is_free(LeaseRow, self._database.now(session))))
            return list(dict.fromkeys(key for _, key in sorted((rank, key) for rank, key in found)))

    def reserved(self, pool: str, holder: str) -> set[str]:
        """Give the keys that are reserved for a holder, by a person or by rules."""
        asked = select(LeaseRow.key).where(LeaseRow.pool == pool, LeaseRow.reserved_for == holder)
        with self._database.reading() as session:
            return set(session.scalars(asked))

    def touched(self, pool: str) -> set[str]:
        """Give the keys that have or had a holder, or that a person reserved for one."""
        asked = select(LeaseRow.key).where(LeaseRow.pool == pool)
        with self._database.reading() as session:
            return set(
                session.scalars(
                    asked.where(
                        or_(
                            LeaseRow.holder.is_not(None),
                            and_(LeaseRow.reserved_for.is_not(None), ~LeaseRow.is_dealt),
                        )
                    )
                )
            )


def _in(pool: str) -> Any:
    return select(LeaseRow).where(LeaseRow.pool == pool)


def _held(pool: str, holder: str) -> Any:
    return _in(pool).where(LeaseRow.holder == holder, ~LeaseRow.ended)


def is_free(row: type[LeaseRow], now: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    """Tell whether a slot can be claimed: it has no holder, or the holder's time is over."""
    return and_(~row.ended, or_(row.holder.is_(None), row.until <= now))


def is_for(row: type[LeaseRow], holder: str | BindParameter[str]) -> ColumnElement[bool]:
    """Tell whether a slot is not reserved for somebody else.

    What is reserved for a disabled person is anyone's, and so is what a rule dealt to a reader who had it and
    let the time end.
    """
    disabled = select(PersonRow.name).where(PersonRow.is_disabled)
    is_passed_on = and_(row.is_dealt, row.holder == row.reserved_for)
    return or_(
        row.reserved_for.is_(None),
        row.reserved_for == holder,
        is_passed_on,
        row.reserved_for.in_(disabled),
    )


def _is_first_free(now: datetime, holder: str) -> ColumnElement[bool]:
    """Take one free slot of a key only: the first that the holder may have."""
    other = aliased(LeaseRow)
    before = select(other.slot).where(
        other.pool == LeaseRow.pool,
        other.key == LeaseRow.key,
        other.slot < LeaseRow.slot,
        is_free(other, now),
        is_for(other, holder),
    )
    return ~before.exists()
