"""Say who works in a project now: readers who have tasks, workers who have jobs."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from omentum.store.database import Database
from omentum.store.review_tables import LeaseRow
from omentum.store.tables import LedgerRow

__all__ = ["Holder", "Holders"]

_TASKS = "tasks "
"""How the names of the pools of tasks begin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who has something until a time."""

    name: str
    n: int
    until: datetime
    """When the last of them ends."""


class Holders:
    """Those who have leases that have not ended, by the database's clock."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of_tasks(self) -> list[Holder]:
        """Give who has how many tasks, of whatever round, by name."""
        lease = LeaseRow
        asked = select(lease.holder, func.count(), func.max(lease.until)).group_by(lease.holder)
        with self._database.reading() as session:
            now = self._database.now(session)
            asked = asked.where(lease.pool.startswith(_TASKS), lease.until > now, ~lease.ended)
            return _holders(session.execute(asked))

    def of_jobs(self) -> list[Holder]:
        """Give which worker has how many jobs, of whatever stage, by name."""
        job = LedgerRow
        asked = select(job.worker, func.count(), func.max(job.until)).group_by(job.worker)
        with self._database.reading() as session:
            asked = asked.where(job.until > self._database.now(session), job.worker.is_not(None))
            return _holders(session.execute(asked))


def _holders(found: Iterable[tuple[str | None, int, datetime | None]]) -> list[Holder]:
    rows = [Holder(name=name, n=n, until=until) for name, n, until in found if name and until]
    return sorted(rows, key=lambda one: one.name)
