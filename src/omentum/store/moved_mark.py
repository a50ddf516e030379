"""Mark a database that a project has moved away from: it can be read, and the database refuses every write.

Programs that had the project open, of whatever version, so write nothing that would be lost without a word.
"""

from sqlalchemy import text
from sqlalchemy.orm import Session

from omentum.store.copy_tables import all_tables
from omentum.store.moved_error import MOVED

__all__ = ["hold_still", "mark_moved", "remove_mark"]

_MARK = "omentum_moved"
_WRITES = ("INSERT", "UPDATE", "DELETE")


def hold_still(session: Session, *, is_sqlite: bool) -> None:
    """Let no one else write until the transaction ends; claims do not wait for those who write otherwise."""
    if not is_sqlite:
        names = ", ".join(table.name for table in all_tables())
        session.execute(text(f"LOCK TABLE {names} IN SHARE ROW EXCLUSIVE MODE"))


def mark_moved(session: Session, to: str, *, is_sqlite: bool) -> None:
    """Refuse every write once the transaction has ended.

    Args:
        session: That writes.
        to: Name of the database that the project uses from now on, without a password.
        is_sqlite: Whether the marked database is a SQLite file.
    """
    message = _quoted(MOVED + to)
    if is_sqlite:
        for table in all_tables():
            for write in _WRITES:
                name = f"{_MARK}_{table.name}_{write.lower()}"
                refuse = f"BEGIN SELECT RAISE(ABORT, {message}); END"
                _run(session, f"CREATE TRIGGER IF NOT EXISTS {name} BEFORE {write} ON {table.name} {refuse}")
        return
    refuse = f"BEGIN RAISE EXCEPTION USING MESSAGE = {message}; END"
    _run(
        session, f"CREATE OR REPLACE FUNCTION {_MARK}() RETURNS trigger LANGUAGE plpgsql AS {_quoted(refuse)}"
    )
    for table in all_tables():
        _run(
            session,
            f"CREATE OR REPLACE TRIGGER {_MARK} BEFORE {' OR '.join(_WRITES)} ON {table.name} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION {_MARK}()",
        )


def remove_mark(session: Session, *, is_sqlite: bool) -> None:
    """Let a database be written to again, as a project moves back to it."""
    if not is_sqlite:
        _run(session, f"DROP FUNCTION IF EXISTS {_MARK} CASCADE")
        return
    found = text("SELECT name FROM sqlite_master WHERE type = 'trigger' AND substr(name, 1, :n) = :mark")
    for name in session.scalars(found, {"n": len(_MARK), "mark": _MARK}).all():
        _run(session, f"DROP TRIGGER {name}")


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _run(session: Session, statement: str) -> None:
    """Run a statement in which no colon names a value."""
    session.execute(text(statement.replace(":", r"\:")))
