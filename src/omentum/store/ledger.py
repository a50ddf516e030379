"""Keep which items of a stage are done, and which failed and why.

What is done stays done until it is forgotten; a failure is removed once its item is done. Results are kept
in tables of their own.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import select

from omentum.records import Failure
from omentum.store.record_table import RecordTable
from omentum.store.tables import LedgerRow

__all__ = ["Ledgers", "StageLedger"]


class Ledgers(RecordTable[Failure]):
    """What is done and what failed, for each stage."""

    record_type, row_type, order = Failure, LedgerRow, ("stage", "key")

    def of(self, stage: str) -> "StageLedger":
        """Give the ledger of one stage, as runners take it."""
        return StageLedger(self, stage)

    def done(self, stage: str, key: str) -> bool:
        """Tell whether an item is done."""
        with self._database.reading() as session:
            return _is_done(session.get(LedgerRow, (stage, key)))

    def mark_done(self, stage: str, key: str) -> None:
        """Note that an item is done."""
        with self._database.writing() as session:
            session.merge(_row(stage, key, reason=None))

    def mark_failed(self, stage: str, key: str, reason: str) -> None:
        """Note why an item failed; one that is done stays done."""
        with self._database.writing() as session:
            if not _is_done(session.get(LedgerRow, (stage, key))):
                session.merge(_row(stage, key, reason=reason))

    def forget(self, stage: str, key: str) -> None:
        """Forget an item, so that it will be done again."""
        self._delete(LedgerRow.stage == stage, LedgerRow.key == key)

    def done_keys(self, stage: str) -> set[str]:
        """Give the keys of the items that are done."""
        asked = select(LedgerRow.key).where(LedgerRow.stage == stage, LedgerRow.reason.is_(None))
        with self._database.reading() as session:
            return set(session.scalars(asked))

    def failures(self, stage: str | None = None) -> list[Failure]:
        """Give what failed, by stage and key; in every stage if none is named."""
        of_stage = [] if stage is None else [LedgerRow.stage == stage]
        return self._select(LedgerRow.reason.is_not(None), *of_stage)

    def failures_by_stage(self) -> dict[str, list[Failure]]:
        """Give what failed in each stage where something did."""
        by_stage: dict[str, list[Failure]] = {}
        with self._database.reading() as session:
            rows = session.scalars(select(LedgerRow).where(LedgerRow.reason.is_not(None)))
            for row in sorted(rows, key=lambda row: (row.stage, row.key)):
                by_stage.setdefault(row.stage, []).append(self._record(row))
        return by_stage


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


def _is_done(row: LedgerRow | None) -> bool:
    return row is not None and row.reason is None


def _row(stage: str, key: str, *, reason: str | None) -> LedgerRow:
    return LedgerRow(stage=stage, key=key, reason=reason, time=datetime.now(UTC))
