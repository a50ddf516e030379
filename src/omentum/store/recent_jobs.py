"""Look at what jobs did lately, for those who watch a run."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, select

from omentum.records.jobs import JobRecord, JobState
from omentum.store.record_table import RecordTable
from omentum.store.tables import LedgerRow

__all__ = ["RecentJobs"]


class RecentJobs(RecordTable[JobRecord]):
    """The jobs of all stages that changed last."""

    record_type, row_type, order = JobRecord, LedgerRow, ("time", "stage", "key")

    def clock(self) -> datetime:
        """Read the clock by which the times of jobs are kept, in UTC."""
        with self._database.reading() as session:
            return self._database.now(session)

    def ends(self, stage: str, n: int, within: timedelta) -> list[datetime]:
        """Give when the last jobs of a stage were done, the latest first.

        Args:
            stage: Of the ledger.
            n: How many at most.
            within: Only those that were done within this time.
        """
        asked = select(LedgerRow.time).where(
            LedgerRow.stage == stage,
            LedgerRow.state == JobState.DONE.value,
            LedgerRow.time > self._database.moment(-within),
        )
        with self._database.reading() as session:
            return list(session.scalars(asked.order_by(LedgerRow.time.desc()).limit(n)))

    def last_failures(self, n: int) -> list[JobRecord]:
        """Give the jobs that failed last, the latest first, of all stages."""
        return self._last(n, LedgerRow.state == JobState.FAILED.value)

    def last_postponed(self, n: int) -> list[JobRecord]:
        """Give the jobs that were postponed last and will be tried again, the latest first, of all stages."""
        return self._last(n, LedgerRow.state == JobState.DUE.value, LedgerRow.reason.is_not(None))

    def _last(self, n: int, *conditions: ColumnElement[bool]) -> list[JobRecord]:
        asked = select(LedgerRow).where(*conditions)
        with self._database.reading() as session:
            rows = session.scalars(asked.order_by(LedgerRow.time.desc(), LedgerRow.key).limit(n))
            return [self._record(row) for row in rows]
