"""Read and write the rows of a table in one plain form, which every database gives and takes alike.

A plain value is a number, a text or `None`: times are texts in UTC, JSON is the text that was kept, and yes
and no are 1 and 0. Two databases hold the same if the plain rows of all their tables are the same.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    DateTime,
    Integer,
    Table,
    Text,
    TypeDecorator,
    cast,
    func,
    select,
    type_coerce,
)
from sqlalchemy.orm import Session
from sqlalchemy.types import NullType

__all__ = [
    "PlainRow",
    "RowsDigest",
    "TableDigest",
    "digest_of",
    "go_on_after",
    "last_numbers",
    "read_rows",
    "write_rows",
]

PlainRow = Sequence[Any]
"""Values of a row, in the order of the names of its columns."""
_AT_ONCE = 2000
_TIME = "YYYY-MM-DD HH24:MI:SS.US"
"""How SQLAlchemy writes times into SQLite."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableDigest:
    """What all rows of a table amount to, in whatever order they are read."""

    n_rows: int
    sha256: str
    """Sum of the hashes of all rows, modulo 2^256, as hexadecimal digits."""


class RowsDigest:
    """Sums up rows while they pass.

    Example:
        >>> one, other = RowsDigest(), RowsDigest()
        >>> list(one.passing([(1, "a"), (2, "b")])) == list(other.passing([(1, "a"), (2, "b")]))
        True
        >>> one.total == other.total, one.total.n_rows
        (True, 2)
    """

    def __init__(self) -> None:
        self._n_rows = 0
        self._sum = 0

    def passing(self, rows: Iterable[PlainRow]) -> Iterator[PlainRow]:
        """Pass rows on."""
        for row in rows:
            text = json.dumps(tuple(row), ensure_ascii=True, separators=(",", ":"))
            self._sum += int.from_bytes(hashlib.sha256(text.encode("ascii")).digest(), "big")
            self._n_rows += 1
            yield row

    @property
    def total(self) -> TableDigest:
        """What has passed so far."""
        return TableDigest(n_rows=self._n_rows, sha256=f"{self._sum % 2**256:064x}")


def digest_of(session: Session, table: Table) -> TableDigest:
    """Sum up all rows of a table."""
    digest = RowsDigest()
    for _ in digest.passing(read_rows(session, table)):
        pass
    return digest.total


def read_rows(session: Session, table: Table) -> Iterator[PlainRow]:
    """Give the rows of a table in any order; not all are in memory at once."""
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    columns = [type_coerce(one if is_sqlite else _plain(one), NullType()) for one in _columns(table)]
    yield from session.execute(select(*columns).execution_options(yield_per=_AT_ONCE))


def write_rows(session: Session, table: Table, rows: Iterable[PlainRow]) -> None:
    """Add rows to a table, in the transaction of the session."""
    connection = session.connection()
    quote = connection.dialect.identifier_preparer.quote
    names = [quote(one.name) for one in _columns(table)]
    into = f"{quote(table.name)} ({', '.join(names)})"
    if connection.dialect.name != "sqlite":
        connection.exec_driver_sql("SET LOCAL TIME ZONE 'UTC'")
        with (
            connection.connection.driver_connection.cursor() as cursor,  # type: ignore[union-attr]
            cursor.copy(f"COPY {into} FROM STDIN") as copying,
        ):
            for row in rows:
                copying.write_row(row)
        return
    statement = f"INSERT INTO {into} VALUES ({', '.join('?' * len(names))})"
    some: list[tuple[Any, ...]] = []
    for row in rows:
        some.append(tuple(row))
        if len(some) == _AT_ONCE:
            connection.exec_driver_sql(statement, some)
            some = []
    if some:
        connection.exec_driver_sql(statement, some)


def last_numbers(session: Session, tables: Iterable[Table]) -> dict[str, int]:
    """Give the last number that was given in each table where no number is ever given twice, by table."""
    found = {}
    for table in tables:
        if not table.dialect_options["sqlite"]["autoincrement"]:
            continue
        column = _number(table)
        highest = session.scalar(select(func.max(column))) or 0
        found[table.name] = max(highest, _given(session, table, column))
    return found


def go_on_after(session: Session, tables: Iterable[Table], last: Mapping[str, int]) -> None:
    """Let the next row of each table have the number after the highest one, or after the last one given."""
    connection = session.connection()
    for table in tables:
        if connection.dialect.name != "sqlite":
            _move_sequence(session, table, last.get(table.name, 0))
        elif table.name in last:
            connection.exec_driver_sql("DELETE FROM sqlite_sequence WHERE name = ?", (table.name,))
            connection.exec_driver_sql(
                "INSERT INTO sqlite_sequence VALUES (?, ?)", (table.name, last[table.name])
            )


def _columns(table: Table) -> list[Column[Any]]:
    """Give the columns by name, as a table that was changed has them in another order than a new one."""
    return sorted(table.columns, key=lambda column: column.name)


def _plain(column: Column[Any]) -> Any:
    """Let PostgreSQL give a value as SQLite keeps it."""
    kind = column.type.impl if isinstance(column.type, TypeDecorator) else column.type
    if isinstance(kind, JSON):
        return cast(column, Text)
    if isinstance(kind, DateTime):
        return func.to_char(func.timezone("UTC", column), _TIME)
    return cast(column, Integer) if isinstance(kind, Boolean) else column


def _number(table: Table) -> Column[Any]:
    (column,) = table.primary_key.columns
    return column


def _given(session: Session, table: Table, column: Column[Any]) -> int:
    """Ask the database for the last number that it gave."""
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        asked = "SELECT seq FROM sqlite_sequence WHERE name = ?"
        return connection.exec_driver_sql(asked, (table.name,)).scalar() or 0
    sequence = session.scalar(select(func.pg_get_serial_sequence(table.name, column.name)))
    last, is_called = connection.exec_driver_sql(f"SELECT last_value, is_called FROM {sequence}").one()
    return int(last) if is_called else 0


def _move_sequence(session: Session, table: Table, last: int) -> None:
    if len(table.primary_key.columns) != 1 or not isinstance(_number(table).type, Integer):
        return
    column = _number(table)
    sequence = session.scalar(select(func.pg_get_serial_sequence(table.name, column.name)))
    highest = max(last, session.scalar(select(func.max(column))) or 0)
    if sequence is not None and highest:
        session.execute(select(func.setval(sequence, highest)))
