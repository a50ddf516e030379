"""Read and write records of one type in the table that keeps them."""

from collections.abc import Collection, Iterable, Mapping
from functools import cache
from operator import attrgetter
from typing import Any, Generic, TypeVar

from sqlalchemy import (
    Column,
    ColumnElement,
    Select,
    Table,
    Text,
    bindparam,
    cast,
    delete,
    inspect,
    literal_column,
    select,
    update,
)
from sqlalchemy.orm import Session

from omentum.records.audit_log import LogAction
from omentum.store.append_entry import append_entry
from omentum.store.base import TableBase
from omentum.store.convert import record_of, row_values
from omentum.store.database import Database

__all__ = ["ListedTable", "RecordTable", "columns_of", "has_findings"]

_Record = TypeVar("_Record")
_AT_ONCE = 10_000
"""Names in one statement, below what any database takes."""


class RecordTable(Generic[_Record]):
    """The records of one type in a project's database; a subclass names the three attributes."""

    record_type: type[_Record]
    row_type: type[TableBase]
    order: tuple[str, ...]
    """Columns by which records are sorted when they are read, as databases differ in how they sort text."""
    columns: tuple[str, ...] = ()
    """Columns that are read where a record has fewer fields than the row; all by default."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def _values(self, record: _Record, **instead: Any) -> dict[str, Any]:
        return {**row_values(record, self.row_type, self._database.paths), **instead}

    def _record(self, row: Any, **instead: Any) -> _Record:
        return record_of(self.record_type, row, self._database.paths, **instead)

    def _records(self, rows: Iterable[Any]) -> list[_Record]:
        return [self._record(row) for row in sorted(rows, key=attrgetter(*self.order))]

    def _get(self, key: object) -> _Record | None:
        (name,) = _table(self.row_type).primary_key.columns.keys()
        return next(iter(self._equal(**{name: key})), None)

    def _equal(self, **values: Any) -> list[_Record]:
        """Give the records whose columns have these values, none of which is `None`.

        The statement is made once, which is much of what it costs; and inside `reading_together`, where all
        is seen in one state, the same question is asked once.
        """

        def ask(session: Session) -> list[_Record]:
            asked = _with_equal(self.row_type, self.columns, tuple(values))
            return self._records(session.execute(asked, values))

        return list(self._database.read_once((self.row_type, *values.items()), ask))

    def _select(self, *conditions: ColumnElement[bool]) -> list[_Record]:
        # Columns are read without an object of each row, which takes a third of the time.
        with self._database.reading() as session:
            asked = select(*columns_of(self.row_type, self.columns)).where(*conditions)
            return self._records(session.execute(asked))

    def _of_cases(self, case_ids: Collection[str], *conditions: ColumnElement[bool]) -> list[_Record]:
        """Give the records of some cases, in one statement for some thousands of them."""
        row: Any = self.row_type
        names = sorted(case_ids)
        found: list[Any] = []
        with self._database.reading() as session:
            for start in range(0, len(names), _AT_ONCE):
                of_some = row.case_id.in_(names[start : start + _AT_ONCE])
                asked = select(*columns_of(self.row_type, self.columns)).where(of_some, *conditions)
                found += session.execute(asked).all()
        return self._records(found)

    def _pairs(self, first: Any, second: Any, *conditions: ColumnElement[bool]) -> list[tuple[Any, Any]]:
        """Give two columns of the rows that meet the conditions."""
        with self._database.reading() as session:
            found = session.execute(select(first, second).where(*conditions))
            return [(one, other) for one, other in found]

    def _grouped(
        self, first: Any, second: Any, *conditions: ColumnElement[bool]
    ) -> dict[str, tuple[str, ...]]:
        """Give the values of a second column for each of the first, sorted and each once."""
        found: dict[str, set[str]] = {}
        for one, other in self._pairs(first, second, *conditions):
            found.setdefault(one, set()).add(other)
        return {one: tuple(sorted(others)) for one, others in found.items()}

    def _merge(self, record: _Record, **instead: Any) -> None:
        with self._database.writing() as session:
            session.merge(self.row_type(**self._values(record, **instead)))

    def _change(self, *conditions: ColumnElement[bool], **values: Any) -> None:
        with self._database.writing() as session:
            session.execute(update(self.row_type).where(*conditions).values(**values))

    def _log(
        self,
        session: Session,
        actor: str,
        action: LogAction,
        about: Mapping[str, Any],
        *,
        case_id: str | None = None,
    ) -> None:
        """Append to the audit log what is written in this session; see `append_entry`."""
        append_entry(self._database, session, actor, action, about, case_id=case_id)

    def _delete(self, *conditions: ColumnElement[bool]) -> None:
        with self._database.writing() as session:
            session.execute(delete(self.row_type).where(*conditions))


class ListedTable(RecordTable[_Record]):
    """Records of which a program asks for all."""

    def all(self) -> list[_Record]:
        """Give all records, in order."""
        return self._equal()


@cache
def columns_of(row_type: type[TableBase], names: tuple[str, ...] = ()) -> tuple[Column[Any], ...]:
    """Give the columns of a table that are read with each row, of these names or all, less the deferred."""
    known = [one.key for one in inspect(row_type).column_attrs if not one.deferred]
    return tuple(_table(row_type).c[name] for name in known if not names or name in names)


@cache
def _with_equal(row_type: type[TableBase], columns: tuple[str, ...], names: tuple[str, ...]) -> Select[Any]:
    """Select the rows of a table by the values of some columns."""
    table = _table(row_type)
    return select(*columns_of(row_type, columns)).where(*(table.c[name] == bindparam(name) for name in names))


def _table(row_type: type[TableBase]) -> Table:
    return row_type.metadata.tables[row_type.__tablename__]


def has_findings(findings: Any) -> ColumnElement[bool]:
    """Tell whether a row has findings; rows that have are indexed by this very condition."""
    return cast(findings, Text) != literal_column("'[]'")
