"""Keep the audit log: append-only, each entry with the hash of the one before.

An entry is written in the transaction of what it is about. Those who write follow one another, on SQLite and
on PostgreSQL, so that the log is one chain.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select

from omentum.records.audit_log import BEFORE_FIRST, LogAction, LogAnchor, LogEntry
from omentum.store.append_entry import append_entry
from omentum.store.check_log import LogCheck, check_log
from omentum.store.reader_tables import LogAnchorRow, LogEntryRow
from omentum.store.record_table import RecordTable

__all__ = ["AuditLog"]

_AT_ONCE = 1000


class AuditLog(RecordTable[LogEntry]):
    """The audit log of a project. No entry is ever changed or removed."""

    record_type, row_type, order = LogEntry, LogEntryRow, ("number",)

    def add(
        self, actor: str, action: LogAction, about: Mapping[str, Any], *, case_id: str | None = None
    ) -> LogEntry:
        """Append an entry; call it inside `together` with the write that it is about.

        Args:
            actor: Pseudonym of a person, or `PROGRAM`.
            action: What was done.
            about: Figures, hashes and names of what it was done to; no name of a case and no free text.
            case_id: The case that it is about; its pseudonym is kept as `case`.
        """
        with self._database.writing() as session:
            return append_entry(self._database, session, actor, action, about, case_id=case_id)

    def alias(self, case_id: str) -> str:
        """Give the pseudonym by which the log names a case, or a patient."""
        return self._database.aliases.of(case_id)

    def entries(self, *, since: int = 1) -> Iterator[LogEntry]:
        """Give the entries in order, from a number on; not all are in memory at once."""
        with self._database.reading() as session:
            asked = select(LogEntryRow).where(LogEntryRow.number >= since).order_by(LogEntryRow.number)
            for row in session.scalars(asked.execution_options(yield_per=_AT_ONCE)):
                yield self._record(row)

    def last(self, action: LogAction | None = None) -> LogEntry | None:
        """Give the last entry, or the last one of an action; `None` where there is none."""
        asked = select(LogEntryRow).order_by(LogEntryRow.number.desc()).limit(1)
        asked = asked if action is None else asked.where(LogEntryRow.action == action.value)
        with self._database.reading() as session:
            row = session.scalars(asked).first()
            return None if row is None else self._record(row)

    def head(self, place: str) -> LogAnchor:
        """Give length and hash of the log as an anchor for a place; nothing is written."""
        last = self.last()
        return LogAnchor(
            n_entries=0 if last is None else last.number,
            sha256=BEFORE_FIRST if last is None else last.sha256,
            place=place,
            time=datetime.now(UTC),
        )

    def keep_anchor(self, anchor: LogAnchor) -> None:
        """Note that a place outside holds an anchor; the same one again changes nothing."""
        if any(replace(one, number=None, time=anchor.time) == anchor for one in self.anchors()):
            return
        with self._database.writing() as session:
            session.add(
                LogAnchorRow(
                    n_entries=anchor.n_entries, sha256=anchor.sha256, place=anchor.place, time=anchor.time
                )
            )

    def check(self, outside: Sequence[LogAnchor] = ()) -> LogCheck:
        """Hold the log against itself, the records that it is about, and anchors.

        Args:
            outside: Anchors of releases and reports, besides those that the database has.
        """
        return check_log(self._database, [*self.anchors(), *outside])

    def anchors(self) -> list[LogAnchor]:
        """Give the anchors that were noted, in order."""
        return _Anchors(self._database).all()


class _Anchors(RecordTable[LogAnchor]):
    record_type, row_type, order = LogAnchor, LogAnchorRow, ("number",)

    def all(self) -> list[LogAnchor]:
        return self._select()
