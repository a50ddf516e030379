"""Append entries to the audit log, in the transaction of what they are about."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from omentum.records.audit_log import BEFORE_FIRST, LogAction, LogEntry, plain_json
from omentum.store.database import Database
from omentum.store.reader_tables import LogEntryRow

__all__ = ["append_entry"]


def append_entry(
    database: Database,
    session: Session,
    actor: str,
    action: LogAction,
    about: Mapping[str, Any],
    *,
    case_id: str | None = None,
) -> LogEntry:
    """Append an entry to the log.

    Args:
        database: The database.
        session: Of its `writing()`, in which the write that the entry is about is made too.
        actor: Pseudonym of a person, or `PROGRAM`.
        action: What was done.
        about: Figures, hashes and names of what it was done to; no name of a case and no free text.
        case_id: The case that it is about; its pseudonym is kept as `case`.
    """
    named = {} if case_id is None else {"case": database.aliases.of(case_id)}
    number, previous = _last(session)
    entry = LogEntry(
        number=number + 1,
        time=database.now(session),
        actor=actor,
        action=action.value,
        about=plain_json({**named, **about}),
        previous_sha256=previous,
        sha256="",
    )
    entry = replace(entry, sha256=entry.computed_sha256())
    row = {name: getattr(entry, name) for name in LogEntryRow.__table__.columns.keys()}  # noqa: SIM118
    session.execute(insert(LogEntryRow).values(**row))
    return entry


def _last(session: Session) -> tuple[int, str]:
    """Give number and hash of the last entry."""
    asked = select(LogEntryRow.number, LogEntryRow.sha256).order_by(LogEntryRow.number.desc()).limit(1)
    found = session.execute(asked).first()
    return (0, BEFORE_FIRST) if found is None else (found.number, found.sha256)
