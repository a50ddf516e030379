"""Claim the jobs of a stage: each goes to one worker at a time, on every database.

A job is an item of a stage, a row of the ledger. A worker has what it claims until its lease ends, by the
database's clock; then others may claim it. No statement here waits for the rows of another worker, nor, on
PostgreSQL, for one who is `writing`, so that a thousand workers can share a ledger.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, func, not_, or_, select, update
from sqlalchemy.orm import Session

from omentum.errors import SharedFileError
from omentum.records.jobs import MOST_ATTEMPTS, JobState, OpenJobs, given_up, worn_out
from omentum.store.job_lists import JobLists
from omentum.store.tables import LedgerRow

__all__ = ["MOST_KEYS", "Claims"]

MOST_KEYS = 500
"""Keys that one statement names at most."""


class Claims(JobLists):
    """The jobs of all stages: offer, claim, renew, give back."""

    def offer(self, stage: str, keys: Sequence[str]) -> dict[str, JobState]:
        """Let workers claim these, in this order; what failed is due again, its attempts counted anew.

        Those that are due, claimed or done stay as they are.

        Returns:
            The state of every job of the stage just before.
        """
        ranks = {key: rank for rank, key in enumerate(keys)}
        states = self.states(stage)
        while new := [key for key in ranks if key not in states]:
            if self._added(stage, {key: ranks[key] for key in new}, len(states)):
                break
            states = self.states(stage)
        failed = sorted(key for key in ranks if states.get(key) is JobState.FAILED)
        for part in _parts(failed, MOST_KEYS):
            again = [*_in(stage, part), LedgerRow.state == JobState.FAILED.value]
            with self._database.claiming() as session:
                self._end_lease(session, JobState.DUE, *again, attempts=0, reason=None)
        return states

    def claim(
        self, stage: str, worker: str, n: int, lasting: timedelta, *, keys: Collection[str] | None = None
    ) -> list[str]:
        """Claim up to `n` jobs: those whose lease has ended first, then those that are due, by rank.

        A job that was begun `MOST_ATTEMPTS` times and whose lease ended each time fails instead.

        Args:
            stage: Whose jobs.
            worker: Who claims, as `worker_name` makes it.
            n: Most jobs.
            lasting: Until when, from now by the database's clock.
            keys: Only of these, `MOST_KEYS` at most; of all where not said.

        Raises:
            SharedFileError: The database is a SQLite file, and a worker of another machine has jobs of it.
        """
        begun = {
            "state": JobState.CLAIMED.value,
            "worker": worker,
            "attempts": LedgerRow.attempts + 1,
            "until": self._database.moment(lasting),
            "not_before": None,
            "started": self._database.moment(),
            "time": self._database.moment(),
        }
        with self._database.claiming() as session:
            if self._database.is_sqlite:
                self._refuse_another_host(session, worker)
            claimed = self._claim_lapsed(session, _in(stage, keys), n, begun)
            if len(claimed) < n:
                due = select(LedgerRow.key).where(*_in(stage, keys), self._is_due())
                due = due.order_by(LedgerRow.rank, LedgerRow.key).limit(n - len(claimed))
                first = due.with_for_update(skip_locked=True).cte("first_due")
                these = [LedgerRow.stage == stage, LedgerRow.key.in_(select(first.c.key))]
                claimed += _changed(session, these, begun)
            return claimed

    def renew(
        self, stage: str, worker: str, lasting: timedelta, *, keys: Collection[str] | None = None
    ) -> set[str]:
        """Extend the leases of a worker, also those that ended without anyone claiming the job.

        Args:
            stage: Whose jobs.
            worker: Who has them.
            lasting: Until when, from now by the database's clock.
            keys: Only of these, which is faster; of all where not said.

        Returns:
            The keys that the worker still has.
        """
        until = {"until": self._database.moment(lasting)}
        with self._database.claiming() as session:
            return set(_changed(session, _held(stage, worker, keys), until))

    def give_back(self, stage: str, worker: str, keys: Collection[str] | None = None) -> None:
        """Let others claim what a worker has, all if none are named; the attempt does not count."""
        with self._database.claiming() as session:
            attempts = LedgerRow.attempts - 1
            self._end_lease(session, JobState.DUE, *_held(stage, worker, keys), attempts=attempts)

    def postpone(self, stage: str, worker: str, key: str, reason: str, pause: timedelta) -> bool:
        """Let anyone claim a job again after a pause, unless this was the last attempt: then it failed.

        Returns:
            Whether it will be tried again; also `True` where the worker no longer has it.
        """
        mine = _held(stage, worker, [key])
        with self._database.claiming() as session:
            attempts = session.scalar(select(LedgerRow.attempts).where(*mine).with_for_update())
            is_last = attempts is not None and attempts >= MOST_ATTEMPTS
            if is_last:
                self._end_lease(session, JobState.FAILED, *mine, reason=worn_out(reason))
            else:
                later = self._database.moment(pause)
                self._end_lease(session, JobState.DUE, *mine, reason=reason, not_before=later)
            return not is_last

    def end_leases(self, stage: str, has_ended: Callable[[str], bool]) -> None:
        """Let others claim at once what workers had that have ended; the attempts count.

        Args:
            stage: Whose jobs.
            has_ended: Tells of a worker, as `worker_name` makes it, whether it is known to have ended.
        """
        now = self._database.moment()
        held = [LedgerRow.stage == stage, LedgerRow.state == JobState.CLAIMED.value, LedgerRow.until > now]
        with self._database.reading() as session:
            workers = session.scalars(select(LedgerRow.worker).where(*held).distinct()).all()
        ended = [worker for worker in workers if worker is not None and has_ended(worker)]
        for part in _parts(ended, MOST_KEYS):
            with self._database.claiming() as session:
                lapsed = update(LedgerRow).where(*held, LedgerRow.worker.in_(part)).values(until=now)
                session.execute(lapsed, execution_options=_AS_SQL)

    def open_counts(self, stage: str, worker: str, *, keys: Collection[str] | None = None) -> OpenJobs:
        """Count the jobs that have not ended, as one worker sees them.

        Args:
            stage: Whose jobs.
            worker: Who asks.
            keys: Only of these; of all where not said.
        """
        now = self._database.moment()
        is_claimed = LedgerRow.state == JobState.CLAIMED.value
        is_out = and_(is_claimed, LedgerRow.until > now)
        is_later = and_(~is_claimed, LedgerRow.not_before > now)
        is_mine = and_(is_out, LedgerRow.worker == worker)
        is_others = and_(is_out, LedgerRow.worker != worker)
        free_at = func.coalesce(LedgerRow.until, LedgerRow.not_before)
        counts: Any = select(
            func.count().label("n"),
            func.count().filter(is_later).label("later"),
            func.count().filter(is_mine).label("mine"),
            func.count().filter(is_others).label("others"),
            func.min(free_at).filter(or_(is_later, is_others)).label("next_at"),
            now.label("asked_at"),
        )
        is_open = LedgerRow.state.in_([JobState.DUE.value, JobState.CLAIMED.value])
        with self._database.reading() as session:
            found = session.execute(counts.where(*_in(stage, keys), is_open)).one()
        return OpenJobs(
            due=found.n - found.later - found.mine - found.others,
            later=found.later,
            mine=found.mine,
            others=found.others,
            next_at=found.next_at,
            asked_at=found.asked_at,
        )

    def _added(self, stage: str, ranks: Mapping[str, int], n_known: int) -> bool:
        """Add jobs, unless the stage has others than the known ones by now.

        Of a thousand workers that begin together and offer the same, one adds it while the others wait.
        """
        with self._database.writing() as session:
            n_jobs = select(func.count()).select_from(LedgerRow).where(LedgerRow.stage == stage)
            if session.scalar(n_jobs) != n_known:
                return False
            due = {"stage": stage, "state": JobState.DUE.value, "time": self._database.now(session)}
            rows = [{**due, "key": key, "rank": rank} for key, rank in ranks.items()]
            session.execute(self._database.insert(LedgerRow).on_conflict_do_nothing(), rows)
            return True

    def _is_due(self) -> ColumnElement[bool]:
        is_over = or_(LedgerRow.not_before.is_(None), LedgerRow.not_before <= self._database.moment())
        return and_(LedgerRow.state == JobState.DUE.value, is_over)

    def _claim_lapsed(
        self, session: Session, among: list[ColumnElement[bool]], n: int, begun: dict[str, Any]
    ) -> list[str]:
        """Take over jobs whose lease has ended; those that were begun too often fail."""
        asked = select(LedgerRow.stage, LedgerRow.key, LedgerRow.attempts, LedgerRow.worker)
        asked = asked.where(*among, LedgerRow.until <= self._database.moment())
        # Last claimed first: of a worker that died that is a job which it had not begun.
        lapsed = asked.order_by(LedgerRow.started.desc()).limit(n).with_for_update(skip_locked=True)
        taken = []
        for stage, key, attempts, worker in session.execute(lapsed).all():
            if attempts < MOST_ATTEMPTS:
                taken += _changed(session, _in(stage, [key]), begun)
            else:
                reason = given_up(worker)
                self._end_lease(session, JobState.FAILED, *_in(stage, [key]), reason=reason)
        return taken

    def _end_lease(
        self, session: Session, state: JobState, *where: ColumnElement[bool], **values: Any
    ) -> None:
        ended = {"state": state.value, "until": None, "time": self._database.moment(), **values}
        session.execute(update(LedgerRow).where(*where).values(ended), execution_options=_AS_SQL)

    def _refuse_another_host(self, session: Session, worker: str) -> None:
        host = worker.partition(":")[0]
        is_here = LedgerRow.worker.startswith(f"{host}:", autoescape=True)
        elsewhere = select(LedgerRow.worker).where(LedgerRow.until > self._database.moment(), not_(is_here))
        other = session.scalar(elsewhere.limit(1))
        if other is not None:
            raise SharedFileError(
                f"database {self._database.name} is a SQLite file, and {other.partition(':')[0]} works on it "
                f"already, so that {host} cannot; use PostgreSQL by URL, or `--shard`"
            )


_AS_SQL: Any = {"synchronize_session": False}
"""What is updated is in no session's memory."""


def _in(stage: str, keys: Collection[str] | None) -> list[ColumnElement[bool]]:
    return [LedgerRow.stage == stage, *([] if keys is None else [LedgerRow.key.in_(list(keys))])]


def _held(stage: str, worker: str, keys: Collection[str] | None) -> list[ColumnElement[bool]]:
    is_claimed = LedgerRow.state == JobState.CLAIMED.value
    return [*_in(stage, keys), is_claimed, LedgerRow.worker == worker]


def _changed(session: Session, where: list[ColumnElement[bool]], values: dict[str, Any]) -> list[str]:
    """Change rows and give their keys, by rank."""
    change = update(LedgerRow).where(*where).values(values).returning(LedgerRow.rank, LedgerRow.key)
    return [key for _, key in sorted(session.execute(change, execution_options=_AS_SQL))]


def _parts(keys: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    return (keys[start : start + size] for start in range(0, len(keys), size))
