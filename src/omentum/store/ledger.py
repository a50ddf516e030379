"""Keep which items of a stage are done, and which failed and why; others are due or being worked on.

What is done stays done until it is forgotten; a failure is removed once its item is done or offered again.
Results are kept in tables of their own.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, update

from omentum.records import Failure
from omentum.records.jobs import JobState
from omentum.store.claims import Claims
from omentum.store.tables import LedgerRow

__all__ = ["Ledgers", "StageLedger"]


class Ledgers(Claims):
    """What is done and what failed, for each stage."""

    def of(self, stage: str) -> "StageLedger":
        """Give the ledger of one stage, as runners take it; `SharedStageLedger` is one for many programs."""
        return StageLedger(self, stage)

    def done(self, stage: str, key: str) -> bool:
        """Tell whether an item is done."""
        with self._database.reading() as session:
            row = session.get(LedgerRow, (stage, key))
            return row is not None and row.state == JobState.DONE

    def mark_done(self, stage: str, key: str) -> None:
        """Note that an item is done, also by a worker that lost its lease."""
        self._keep(stage, key, JobState.DONE, reason=None)

    def mark_failed(self, stage: str, key: str, reason: str) -> None:
        """Note why an item failed; one that is done stays done."""
        self._keep(stage, key, JobState.FAILED, reason=reason)

    def note_cost(self, stage: str, key: str, *, seconds: float | None, peak_bytes: int | None) -> None:
        """Note what the work on an item took."""
        took = update(LedgerRow).where(LedgerRow.stage == stage, LedgerRow.key == key)
        with self._database.claiming() as session:
            session.execute(took.values(seconds=seconds, peak_bytes=peak_bytes))

    def forget(self, stage: str, key: str) -> None:
        """Forget an item, so that it will be done again."""
        self._delete(LedgerRow.stage == stage, LedgerRow.key == key)

    def done_keys(self, stage: str) -> set[str]:
        """Give the keys of the items that are done."""
        asked = select(LedgerRow.key)
        of_done = asked.where(LedgerRow.stage == stage, LedgerRow.state == JobState.DONE.value)
        with self._database.reading() as session:
            return set(session.scalars(of_done))

    def failures(self, stage: str | None = None) -> list[Failure]:
        """Give what failed, by stage and key; in every stage if none is named."""
        by_stage = self.failures_by_stage()
        named = sorted(by_stage) if stage is None else [stage]
        return [failure for one in named for failure in by_stage.get(one, [])]

    def failures_by_stage(self) -> dict[str, list[Failure]]:
        """Give what failed in each stage where something did."""
        asked = select(LedgerRow.stage, LedgerRow.key, LedgerRow.reason)
        by_stage: dict[str, list[Failure]] = {}
        with self._database.reading() as session:
            rows = session.execute(asked.where(LedgerRow.state == JobState.FAILED.value))
            for stage, key, reason in sorted(rows):
                by_stage.setdefault(stage, []).append(Failure(key=key, reason=reason or ""))
        return by_stage

    def _keep(self, stage: str, key: str, state: JobState, *, reason: str | None) -> None:
        """Write how an item ended; no other transaction waits for this one's row for long."""
        ended: dict[str, Any] = {"state": state.value, "reason": reason, "until": None, "not_before": None}
        ended["time"] = self._database.moment()
        is_open = LedgerRow.state != JobState.DONE.value
        new = self._database.insert(LedgerRow).values(stage=stage, key=key, **ended)
        kept = new.on_conflict_do_update(
            index_elements=["stage", "key"],
            set_=ended,
            where=None if state is JobState.DONE else is_open,
        )
        with self._database.claiming() as session:
            session.execute(kept)


@dataclass(frozen=True, slots=True)
class StageLedger:
    """The ledger of one stage."""

    ledger: Ledgers
    stage: str

    def done(self, key: str) -> bool:
        """Tell whether an item is done."""
        return self.ledger.done(self.stage, key)

    def mark_done(self, key: str, result: object) -> None:
        """Note that an item is done; its result is kept in another table."""
        del result
        self.ledger.mark_done(self.stage, key)

    def mark_failed(self, key: str, reason: str) -> None:
        """Note why an item failed."""
        self.ledger.mark_failed(self.stage, key, reason)
