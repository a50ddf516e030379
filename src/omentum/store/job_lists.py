"""List and count jobs, for those who want to see how far they are."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import func, select

from omentum.records.jobs import JobRecord, JobState, JobSummary
from omentum.store.record_table import RecordTable
from omentum.store.tables import LedgerRow

__all__ = ["JobLists"]


_BETWEEN = "\x1f"
"""Between two keys; no key has this control character."""


class JobLists(RecordTable[JobRecord]):
    """What became of the jobs of all stages so far."""

    record_type, row_type, order = JobRecord, LedgerRow, ("stage", "rank", "key")

    def states(self, stage: str) -> dict[str, JobState]:
        """Give the state of every job of a stage."""
        # One row a state, as 100,000 rows cost ten times as much.
        keys = func.aggregate_strings(LedgerRow.key, _BETWEEN)
        asked = select(LedgerRow.state, keys).where(LedgerRow.stage == stage).group_by(LedgerRow.state)
        with self._database.reading() as session:
            found = session.execute(asked).all()
        return {key: JobState(state) for state, keys in found for key in keys.split(_BETWEEN)}

    def not_done(self, stage: str) -> dict[str, tuple[JobState, str | None]]:
        """Give the jobs of a stage that are not done: the state and the reason of each.

        Late in a run they are few, and found by an index.
        """
        asked = select(LedgerRow.key, LedgerRow.state, LedgerRow.reason).where(LedgerRow.stage == stage)
        states = [one.value for one in JobState if one is not JobState.DONE]
        with self._database.reading() as session:
            found = session.execute(asked.where(LedgerRow.state.in_(states)))
            return {key: (JobState(state), reason) for key, state, reason in found}

    def jobs(
        self, stage: str | None = None, states: Collection[JobState] = tuple(JobState)
    ) -> list[JobRecord]:
        """Give jobs by stage, then in the order in which they are claimed.

        Args:
            stage: Only of this one; of all where not said.
            states: Only of these.
        """
        of_stage = [] if stage is None else [LedgerRow.stage == stage]
        return self._select(LedgerRow.state.in_([one.value for one in states]), *of_stage)

    def summary(self) -> dict[str, JobSummary]:
        """Count the jobs of each stage, sorted by its name, and sum up what their work took."""
        counts: defaultdict[str, dict[str, int]] = defaultdict(dict)
        with self._database.reading() as session:
            states = select(LedgerRow.stage, LedgerRow.state, func.count())
            for stage, state, n in session.execute(states.group_by(LedgerRow.stage, LedgerRow.state)):
                counts[stage][state] = n
            taken = select(LedgerRow.stage, func.sum(LedgerRow.seconds), func.max(LedgerRow.peak_bytes))
            of_done = taken.where(LedgerRow.state == JobState.DONE.value).group_by(LedgerRow.stage)
            costs = {stage: (total, most) for stage, total, most in session.execute(of_done)}
            medians = dict(session.execute(_median_seconds()).all())
        return {
            stage: _summary(counts[stage], *costs.get(stage, (None, None)), medians.get(stage))
            for stage in sorted(counts)
        }


def _median_seconds() -> Any:
    """Select the median of each stage: the mean of the one or two jobs in the middle."""
    ordered = (
        select(
            LedgerRow.stage,
            LedgerRow.seconds,
            func.row_number().over(partition_by=LedgerRow.stage, order_by=LedgerRow.seconds).label("place"),
            func.count().over(partition_by=LedgerRow.stage).label("n"),
        )
        .where(LedgerRow.seconds.is_not(None), LedgerRow.state == JobState.DONE.value)
        .subquery()
    )
    from_middle = func.abs(2 * ordered.c.place - ordered.c.n - 1)
    return (
        select(ordered.c.stage, func.avg(ordered.c.seconds)).where(from_middle <= 1).group_by(ordered.c.stage)
    )


def _summary(
    counts: Mapping[str, int], total_s: float | None, most_bytes: int | None, median_s: float | None
) -> JobSummary:
    return JobSummary(
        due=counts.get(JobState.DUE, 0),
        claimed=counts.get(JobState.CLAIMED, 0),
        done=counts.get(JobState.DONE, 0),
        failed=counts.get(JobState.FAILED, 0),
        total_s=total_s,
        median_s=median_s,
        peak_bytes=most_bytes,
    )
