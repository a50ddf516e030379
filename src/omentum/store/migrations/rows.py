"""Read and write the rows of a table in the middle of a migration, by names of columns."""

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

__all__ = ["Kept", "Rows", "inserted", "rows_of", "table_of"]

Rows = list[dict[str, Any]]
Kept = dict[str, Rows]

_JSON = frozenset(
    {"detail", "made_with", "made_from", "organs", "organ_sha256s", "unusable", "findings", "notes"}
).union({"releases", "original_organs"})
_TIMES = frozenset(["time", "until"])
_TRUTHS = frozenset(["patients_conflict", "ended", "is_audit", "is_held_out"])


def table_of(name: str, columns: Iterable[str]) -> sa.TableClause:
    """Name a table and its columns, with the types that databases keep in ways of their own."""

    def kind(column: str) -> Any:
        if column in _JSON:
            return sa.JSON()
        if column in _TRUTHS:
            return sa.Boolean()
        return sa.DateTime(timezone=True) if column in _TIMES else None

    return sa.table(name, *(sa.column(one, kind(one)) if kind(one) else sa.column(one) for one in columns))


def rows_of(connection: sa.Connection, name: str, columns: str) -> Rows:
    """Read all rows of a table; `columns` are names with spaces between."""
    table = table_of(name, columns.split())
    return [dict(row) for row in connection.execute(sa.select(*table.c)).mappings()]


def inserted(connection: sa.Connection, name: str, rows: Rows) -> None:
    """Insert rows; where they come with numbers, the next row that gets one gets a greater one."""
    if rows:
        connection.execute(sa.insert(table_of(name, rows[0])), rows)
    if rows and "number" in rows[0] and connection.dialect.name == "postgresql":
        last = max(row["number"] for row in rows)
        connection.execute(sa.select(sa.func.setval(sa.func.pg_get_serial_sequence(name, "number"), last)))
