"""Give a case another name in every table, or remove it from all of them.

Both are one transaction. Rows of other cases that mention the case, such as audits, are changed with it.
"""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Table, Text, delete, func, insert, literal, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from omentum.errors import ProjectError
from omentum.records.audit_log import PROGRAM, LogAction
from omentum.store import reader_tables, review_tables, tables
from omentum.store.append_entry import append_entry
from omentum.store.base import TableBase
from omentum.store.cases import require_cases
from omentum.store.database import Database
from omentum.store.logged_records import LOGGED_RECORDS, restated
from omentum.store.mentions import Mentions
from omentum.store.score_state import begin_score_state

__all__ = ["CaseRows"]

_CASES, _CASE_SCORES = TableBase.metadata.tables["cases"], TableBase.metadata.tables["case_scores"]
_PATHS: tuple[InstrumentedAttribute[Any], ...] = (
    tables.CaseRow.ct_path,
    tables.CaseRow.original_label_path,
    tables.LabelVersionRow.path,
    review_tables.RevisionRow.path,
    reader_tables.CatchTrialRow.path,
    reader_tables.CatchReadingRow.path,
)
"""Paths of files in a case's folder, relative to the project's root."""
_MENTION: tuple[InstrumentedAttribute[Any], ...] = (
    tables.CaseRow.patient_id,
    tables.CaseRow.excluded_why,
    tables.ArrivalRow.same_voxels_as,
    tables.ArrivalRow.likely_patient_of,
    tables.ArrivalRow.patient_in_source,
    tables.ArrivalRow.links,
    tables.LabelVersionRow.notes,
    tables.LedgerRow.key,
    tables.LedgerRow.reason,
    tables.CaseScoreRow.made_from,
    tables.OrganScoreRow.reasons,
    tables.AuditRow.frame,
    tables.AuditRow.drawn,
    tables.PromotionRow.why,
    tables.FactRow.value,
    review_tables.TaskRow.reason,
    review_tables.LeaseRow.key,
    review_tables.RevisionRow.comment,
    review_tables.DecisionRow.why,
    review_tables.ConfirmationRow.why,
    review_tables.CaseNoteRow.text,
    reader_tables.CatchReadingRow.comment,
)
"""Where rows that are not the case's own may name it."""
_KEYS: tuple[InstrumentedAttribute[Any], ...] = (tables.LedgerRow.key, review_tables.LeaseRow.key)
"""Names of items of work, which go where their case goes."""
_LOGGED: Mapping[tuple[str, str], LogAction] = {
    (kind.row_type.__tablename__, kind.text): action for action, kind in LOGGED_RECORDS.items()
}
"""Columns with texts of which the audit log has a hash."""


class CaseRows:
    """The rows of all tables that are about one case."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def rename(self, case_id: str, new: str, *, by: str = PROGRAM) -> None:
        """Give a case another name; the one that it had becomes a former name of it.

        Args:
            case_id: The case.
            new: Its new name.
            by: Pseudonym of who renames it.

        Raises:
            UnknownCaseError: There is no such case.
            ProjectError: Another case has, or had, the new name.
        """
        with self._database.writing() as session:
            require_cases(session, [case_id])
            _refuse_taken(session, case_id, new)
            for table in (_CASES, _CASE_SCORES):  # foreign keys name them: there before, and gone after
                _copy(session, table, case_id, new)
            for table in _about_cases():
                if table not in (_CASES, _CASE_SCORES):
                    session.execute(update(table).where(table.c.case_id == case_id).values(case_id=new))
            for table in (_CASE_SCORES, _CASES):
                session.execute(delete(table).where(table.c.case_id == case_id))
            for path in _PATHS:
                _move(session, path, f"cases/{case_id}/", f"cases/{new}/")
            _forget_keys(session, Mentions((new,), case_id))
            self._replace(session, Mentions((case_id,), new), by)
            begin_score_state(session)
            former = tables.FormerNameRow
            session.execute(delete(former).where(former.name == new))
            session.execute(insert(former).values(name=case_id, case_id=new))
            about = {"before": self._database.aliases.of(case_id), **restated(self._database, session)}
            append_entry(self._database, session, by, LogAction.RENAMED, about, case_id=new)

    def erase(self, case_id: str, mentions: Mentions, *, by: str = PROGRAM) -> None:
        """Remove every row of a case, and replace its names where others mention it.

        Args:
            case_id: The case; there being none changes nothing.
            mentions: Of its names.
            by: Pseudonym of who erases it.
        """
        with self._database.writing() as session:
            is_there = session.get(tables.CaseRow, case_id) is not None
            lease, task = review_tables.LeaseRow, review_tables.TaskRow
            numbers = session.scalars(select(task.number).where(task.case_id == case_id))
            lent = lease.key.in_([str(number) for number in numbers])
            session.execute(delete(lease).where(lease.pool.startswith("tasks "), lent))
            for table in reversed(_about_cases()):
                session.execute(delete(table).where(table.c.case_id == case_id))
            _forget_keys(session, mentions)
            self._replace(session, mentions, by)
            begin_score_state(session)
            if is_there:
                others = sorted(self._database.aliases.of(name) for name in mentions.names if name != case_id)
                about = {"former": others, **restated(self._database, session)}
                append_entry(self._database, session, by, LogAction.ERASED, about, case_id=case_id)

    def _replace(self, session: Session, mentions: Mentions, by: str) -> None:
        """Replace names where others mention them; the audit log says which of its texts are new."""
        for column in _MENTION:
            changed = _change(session, column, mentions, mentions.replaced)
            action = _LOGGED.get((column.class_.__tablename__, column.key))
            for number, text in changed if action else ():
                about = {"number": number, "of": action, "text": self._database.aliases.of_text(text)}
                append_entry(self._database, session, by, LogAction.REWORDED, about)


def _about_cases() -> list[Table]:
    """Give the tables with a case in each row; one that names another comes after it."""
    return [table for table in TableBase.metadata.sorted_tables if "case_id" in table.c]


def _refuse_taken(session: Session, case_id: str, new: str) -> None:
    if session.get(tables.CaseRow, new) is not None:
        raise ProjectError(f"there is a case {new!r} already, and names stand for one case; choose another")
    former = session.get(tables.FormerNameRow, new)
    if former is not None and former.case_id != case_id:
        raise ProjectError(
            f"{new!r} is what case {former.case_id!r} was called before, and late masks may come under it; "
            "choose another name"
        )


def _copy(session: Session, table: Table, case_id: str, new: str) -> None:
    columns = [literal(new) if column.name == "case_id" else column for column in table.c]
    rows = select(*columns).where(table.c.case_id == case_id)
    session.execute(insert(table).from_select([column.key for column in table.c], rows))


def _move(session: Session, path: InstrumentedAttribute[Any], before: str, now: str) -> None:
    moved = literal(now).concat(func.substr(path, len(before) + 1))
    below = func.substr(path, 1, len(before)) == before
    session.execute(update(path.class_).where(below).values({path.key: moved}))


def _forget_keys(session: Session, mentions: Mentions) -> None:
    for column in _KEYS:
        _change(session, column, mentions, None)


def _change(
    session: Session,
    column: InstrumentedAttribute[Any],
    mentions: Mentions,
    change: Callable[[Any], Any] | None,
) -> list[tuple[Any, Any]]:
    """Change a column in each row where it mentions a case, or remove the row where `change` is `None`.

    Returns:
        First part of the key, and new value, of each row that was changed.
    """
    changed = []
    table: Table = column.class_.__table__
    keys = list(table.primary_key.columns)
    named = or_(*(column.cast(Text).contains(name, autoescape=True) for name in mentions.names))
    for *key, value in session.execute(select(*keys, column).where(named)).all():
        if mentions.replaced(value) == value:
            continue
        row: list[ColumnElement[bool]] = [part == own for part, own in zip(keys, key, strict=True)]
        if change is None:
            session.execute(delete(table).where(*row))
        else:
            session.execute(update(table).where(*row).values({column.key: change(value)}))
            changed.append((key[0], change(value)))
    return changed
