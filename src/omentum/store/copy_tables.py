"""Copy all tables of one database into another, and compare what two databases hold."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Table, delete, select
from sqlalchemy.orm import Session

from omentum.store import reader_tables, review_tables, tables  # noqa: F401  (they fill TableBase.metadata)
from omentum.store.base import TableBase
from omentum.store.plain_rows import (
    RowsDigest,
    TableDigest,
    digest_of,
    go_on_after,
    last_numbers,
    read_rows,
    write_rows,
)

__all__ = ["Digests", "all_tables", "clear_tables", "copy_tables", "differing", "digests_of", "is_unused"]

Digests = Mapping[str, TableDigest]
"""What each table holds, by name."""

_OF_THE_BEGINNING = frozenset(["rounds", "facts", "log_entries", "log_anchors", "ledger"])
"""Tables in which a project that was just made has rows."""


def all_tables() -> list[Table]:
    """Give the tables of this version; one that names another comes after it."""
    return TableBase.metadata.sorted_tables


def digests_of(session: Session, of: Sequence[Table] | None = None) -> dict[str, TableDigest]:
    """Sum up what each table holds."""
    return {table.name: digest_of(session, table) for table in (all_tables() if of is None else of)}


def copy_tables(source: Session, target: Session) -> dict[str, TableDigest]:
    """Copy every row into tables that are empty; numbers that were given stay given.

    Args:
        source: Whose tables are today's; it sees one state.
        target: In whose transaction all is written; its tables are today's, too.

    Returns:
        What was read.
    """
    found = {}
    for table in all_tables():
        digest = RowsDigest()
        write_rows(target, table, digest.passing(read_rows(source, table)))
        found[table.name] = digest.total
    go_on_after(target, all_tables(), last_numbers(source, all_tables()))
    return found


def clear_tables(session: Session) -> None:
    """Remove every row of every table."""
    for table in reversed(all_tables()):
        session.execute(delete(table))


def is_unused(session: Session, *, just_made: bool = False) -> bool:
    """Tell whether no table has a row; or, where asked, none but those of a project that was just made."""
    counted = [table for table in all_tables() if not (just_made and table.name in _OF_THE_BEGINNING)]
    is_empty = not any(session.execute(select(table).limit(1)).first() for table in counted)
    rounds = tables.RoundRow
    return is_empty and (not just_made or session.get(rounds, 2) is None)


def differing(one: Digests, other: Digests) -> list[str]:
    """Name the tables that do not hold the same."""
    return sorted(name for name in {*one, *other} if one.get(name) != other.get(name))
