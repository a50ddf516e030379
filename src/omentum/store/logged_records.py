"""Name the records that the audit log holds by hash, and compute these hashes from their rows.

What a record says, and no one may change, is hashed. Its text is hashed by itself, with the project's secret,
as a case's name in it may be replaced; the case is named beside it, by its pseudonym.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from omentum.records.audit_log import PROGRAM, LogAction, canonical_json, plain_json
from omentum.store.append_entry import append_entry
from omentum.store.base import TableBase
from omentum.store.database import Database
from omentum.store.reader_tables import LogEntryRow
from omentum.store.review_tables import ConfirmationRow, DecisionRow, RevisionRow

__all__ = [
    "LOGGED_RECORDS",
    "LoggedRecord",
    "RecordState",
    "about_record",
    "begin_log",
    "restated",
    "stated",
    "states",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedRecord:
    """One type of record that the log holds by hash."""

    action: LogAction
    row_type: type[TableBase]
    fields: tuple[str, ...]
    """What is hashed, besides the case."""
    text: str
    """The column with a person's words."""
    numbers: frozenset[str] = frozenset()
    """Fields that are numbers with a fraction, whatever type they came in."""

    def sha256(self, values: Mapping[str, Any]) -> str:
        """Hash what a row says, given its values by column."""
        said = {name: values.get(name) for name in self.fields}
        floats = {name: float(values[name]) for name in self.numbers if said[name] is not None}
        text = canonical_json(plain_json({**said, **floats}))
        return hashlib.sha256(text.encode("ascii")).hexdigest()


_REVISION_NUMBERS = ("minutes", "added_ml", "removed_ml", "dice_to_base")
_ALL = (
    LoggedRecord(
        action=LogAction.REVISION,
        row_type=RevisionRow,
        fields=(
            *("organ", "sha256", "round_number", "reader", "says", "base_sha256", "base_source"),
            *("network", "task_number", *_REVISION_NUMBERS, "conflicts_with", "time"),
        ),
        text="comment",
        numbers=frozenset(_REVISION_NUMBERS),
    ),
    LoggedRecord(
        action=LogAction.DECISION,
        row_type=DecisionRow,
        fields=("organ", "kind", "stands", "revision_number", "by", "time"),
        text="why",
    ),
    LoggedRecord(
        action=LogAction.CONFIRMATION,
        row_type=ConfirmationRow,
        fields=("organ", "rule", "mask_sha256", "by", "time"),
        text="why",
    ),
)
LOGGED_RECORDS: Mapping[LogAction, LoggedRecord] = {one.action: one for one in _ALL}
"""By the action under which a new one is logged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordState:
    """What a record says now."""

    number: int
    case_id: str
    sha256: str
    text: str
    """Its keyed hash; empty for none."""
    time: datetime


def about_record(
    database: Database, action: LogAction, number: int, values: Mapping[str, Any]
) -> dict[str, Any]:
    """Say what an entry keeps of a new record, given the values of its row."""
    kind = LOGGED_RECORDS[action]
    named = {"mask": values["sha256"]} if action is LogAction.REVISION else {}
    text = database.aliases.of_text(values.get(kind.text) or "")
    return {
        "number": number,
        "organ": values["organ"],
        "record": kind.sha256(values),
        **named,
        **({"text": text} if text else {}),
    }


def states(
    database: Database, session: Session, kind: LoggedRecord, up_to: int | None = None
) -> Iterator[RecordState]:
    """Give what the records of a type say now, by number; only those up to a number where one is given."""
    table = kind.row_type.__table__
    names = ("number", "case_id", kind.text, *kind.fields)
    asked = select(*(getattr(kind.row_type, name) for name in names)).order_by(table.c.number)
    if up_to is not None:
        asked = asked.where(table.c.number <= up_to)
    for row in session.execute(asked):
        values = dict(zip(names, row, strict=True))
        yield RecordState(
            number=values["number"],
            case_id=values["case_id"],
            sha256=kind.sha256(values),
            text=database.aliases.of_text(values[kind.text]),
            time=values["time"],
        )


def stated(database: Database, session: Session, last: Mapping[str, int] | None = None) -> dict[str, Any]:
    """State the records that were there before the log, by type: how many, the last number, and one hash.

    The hash is of `NUMBER CASE HASH` of each record, a line each.

    Args:
        database: Gives the key of the pseudonyms.
        session: In which to read.
        last: By type, the last number of what was there before the log; all that is there where not given.
    """
    found = {}
    for kind in LOGGED_RECORDS.values():
        hashed, n, highest = hashlib.sha256(), 0, 0
        for one in states(database, session, kind, None if last is None else last[kind.action.value]):
            alias = database.aliases.of(one.case_id)
            hashed.update(f"{one.number} {alias} {one.sha256}\n".encode())
            n, highest = n + 1, one.number
        found[kind.action.value] = {"n": n, "last": highest, "sha256": hashed.hexdigest()}
    return found


def begin_log(database: Database, session: Session) -> None:
    """Begin the audit log where there is none, with what was there before it."""
    if session.scalars(select(LogEntryRow.number).limit(1)).first() is None:
        append_entry(database, session, PROGRAM, LogAction.BEGUN, {"earlier": stated(database, session)})


def restated(database: Database, session: Session) -> dict[str, Any]:
    """State anew the records that were there before the log, as a case of them changes; empty without any."""
    said = (LogAction.BEGUN, LogAction.RENAMED, LogAction.ERASED)
    asked = select(LogEntryRow.about).where(LogEntryRow.action.in_([one.value for one in said]))
    about = session.scalars(asked.order_by(LogEntryRow.number.desc()).limit(1)).first() or {}
    before = about.get("earlier", {})
    if not any(one["n"] for one in before.values()):
        return {}
    return {"earlier": stated(database, session, {action: one["last"] for action, one in before.items()})}
