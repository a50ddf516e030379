"""Copy a project's database into another one, and hold the two against each other.

The copy is one transaction: a kill leaves a database without a row, or with all of them. The same move again
finds a whole copy by what its tables hold, and does not copy once more.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from sqlalchemy.orm import Session

from omentum.errors import ProjectError
from omentum.store.audit_log import AuditLog
from omentum.store.check_log import LogCheck
from omentum.store.copy_tables import Digests, copy_tables, differing, digests_of, is_unused
from omentum.store.database import Database
from omentum.store.migrate import upgrade
from omentum.store.moved_mark import hold_still, mark_moved, remove_mark

__all__ = ["MovedCopy", "copied_to"]

_WAIT_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedCopy:
    """A copy of a database that holds what the database holds."""

    before: str
    """Name of the database, without a password."""
    name: str
    """Name of the copy, without a password."""
    tables: Digests
    check: LogCheck
    """Of the copy's audit log."""
    is_from_before: bool
    """Whether it was there, from a move that was ended before its end."""

    @property
    def n_rows(self) -> int:
        """Rows of all tables."""
        return sum(one.n_rows for one in self.tables.values())


@contextmanager
def copied_to(database: Database, url: str) -> Iterator[MovedCopy]:
    """Copy a database into another; no one else writes to it until the block ends, or after it ends well.

    Args:
        database: The database.
        url: Of the other, as for `Database`. It holds nothing, or is such a copy already.

    Raises:
        ProjectError: The other is the same, holds something else, or cannot be reached or written to; a table
            did not arrive as it is; or the audit log of the copy is not as it was written.
    """
    with closing(Database(url, database.paths.root, wait_seconds=_WAIT_SECONDS)) as target:
        target.aliases = database.aliases
        if target.name == database.name:
            raise ProjectError(f"the project is in {target.name} already; name another database")
        upgrade(target)
        with database.writing() as read:
            hold_still(read, is_sqlite=database.is_sqlite)
            with target.writing() as session:
                is_new = is_unused(session)
                found = copy_tables(read, session) if is_new else digests_of(read)
                _refuse_other(target, session, found, is_new=is_new)
                remove_mark(session, is_sqlite=target.is_sqlite)
            yield MovedCopy(
                before=database.name,
                name=target.name,
                tables=found,
                check=_checked(database, target),
                is_from_before=not is_new,
            )
            mark_moved(read, target.name, is_sqlite=database.is_sqlite)


def _refuse_other(target: Database, session: Session, expected: Digests, *, is_new: bool) -> None:
    wrong = differing(expected, digests_of(session))
    if wrong and is_new:
        raise ProjectError(
            f"database {target.name}: {', '.join(wrong)} did not arrive as they are; run the command again"
        )
    if wrong:
        raise ProjectError(
            f"database {target.name} holds something else already ({', '.join(wrong)}); "
            "name an empty database, or empty this one"
        )


def _checked(database: Database, target: Database) -> LogCheck:
    """Check the audit log of the copy; what was wrong before the move is not the move's doing."""
    check, before = AuditLog(target).check(), AuditLog(database).check()
    if (check.n_entries, check.sha256, check.problems) != (before.n_entries, before.sha256, before.problems):
        said = "; ".join(one.said for one in check.problems[:1])
        raise ProjectError(f"database {target.name}: the audit log did not arrive as it is ({said})")
    return check
