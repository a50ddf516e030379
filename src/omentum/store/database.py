"""How is a database reached, and what if it cannot be?

In:  a URL and the project's root.
Out: sessions, each one transaction: any number read at a time, and one writes. Trouble that a user
     can put right comes out as `ProjectError`, in a sentence.
"""

import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event, func, select
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, OperationalError
from sqlalchemy.orm import Session

from omentum.errors import ProjectError

__all__ = ["Database"]

_WRITES = "omentum_writes"
_CONNECT_SECONDS = 10
_RETRY_SECONDS = 0.02
_WRITERS = 0x6F6D656E
"""PostgreSQL's number for the lock that writers take in turn: any that no other program takes."""
_LOCK_NOT_AVAILABLE = "55P03"

_LOCKED = "another program keeps it locked; wait for that to end and run the command again"
_SQLITE_TROUBLE = {
    "SQLITE_BUSY": _LOCKED,
    "SQLITE_LOCKED": _LOCKED,
    "SQLITE_NOTADB": "it is no SQLite database; move it away, or set `database` in omentum.toml",
    "SQLITE_CORRUPT": "it is damaged; bring it back from a backup",
    "SQLITE_CANTOPEN": "it cannot be opened; its folder must exist and be yours to write to",
    "SQLITE_READONLY": "it cannot be written to; make the file and its folder writable",
    "SQLITE_FULL": "its disk is full; free some space and run the command again",
    "SQLITE_IOERR": "its disk cannot be read or written to; check the disk and run the command again",
}

_strict_json = partial(json.dumps, allow_nan=False)
"""SQLite would take a NaN that PostgreSQL refuses."""


class Database:
    """An open database. Transactions that write follow one another, on SQLite and on PostgreSQL.

    Args:
        url: `sqlite:///FILE`, relative to the root, or `postgresql+psycopg://USER@HOST/NAME`.
        root: The project's folder.
        wait_seconds: How long to wait for another program's write to end.

    Raises:
        ProjectError: The URL is none of these, or its driver is not installed.
    """

    def __init__(self, url: str, root: Path, *, wait_seconds: float) -> None:
        parsed = _parsed(url, root)
        self.name = parsed.render_as_string(hide_password=True)
        make = _sqlite if _is_sqlite(parsed) else _postgresql
        self._engine, self._writer = make(parsed, wait_seconds)
        self._shared = _Shared()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Open a session that reads one consistent state."""
        if self._shared.session is not None:
            yield self._shared.session
            return
        with self._explained(), Session(self._engine) as session, session.begin():
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Open a session that alone writes: all of it is kept once the block ends well, or nothing."""
        if self._shared.session is not None:
            yield self._shared.session
            return
        with self._explained(), Session(self._writer) as session, session.begin():
            yield session

    @contextmanager
    def together(self) -> Iterator[None]:
        """Make one transaction of all that this thread reads and writes inside the block.

        What fails inside ends the whole block: let it.
        """
        with self.writing() as session:
            before, self._shared.session = self._shared.session, session
            try:
                yield
            finally:
                self._shared.session = before

    def close(self) -> None:
        """Let go of every connection."""
        self._engine.dispose()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except DatabaseError as error:
            cure = _cure(error)
            if cure is None:
                raise
            raise ProjectError(f"database {self.name}: {cure}") from error


class _Shared(threading.local):
    """The session of a thread's `together`, while there is one."""

    session: Session | None = None


def _parsed(url: str, root: Path) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        # Not shown whole, as a server's may hold a password.
        seen = repr(url.partition(":")[0] + ":..." if "@" in url else url)
        raise ProjectError(f"{seen} is no database URL; such as sqlite:///omentum.db is") from None
    if not _is_sqlite(parsed):
        return parsed
    if not parsed.database or parsed.database == ":memory:" or parsed.host:
        raise ProjectError(f"{url!r} names no file; name one, as in sqlite:///omentum.db")
    return parsed.set(database=str(root.absolute() / parsed.database))


def _is_sqlite(url: URL) -> bool:
    return url.drivername == "sqlite"


def _sqlite(url: URL, wait_seconds: float) -> tuple[Engine, Engine]:
    reader = create_engine(url, json_serializer=_strict_json, connect_args={"timeout": wait_seconds})
    event.listen(reader, "connect", partial(_prepare_sqlite, wait_seconds=wait_seconds))
    event.listen(reader, "begin", _begin_sqlite)
    return reader, reader.execution_options(**{_WRITES: True})


def _prepare_sqlite(connection: sqlite3.Connection, _: object, *, wait_seconds: float) -> None:
    connection.isolation_level = None  # the driver begins transactions too late; `_begin_sqlite` does it
    _use_write_ahead_log(connection, wait_seconds)
    connection.execute("PRAGMA foreign_keys = ON")


def _use_write_ahead_log(connection: sqlite3.Connection, wait_seconds: float) -> None:
    """Let readers and a writer not wait for one another: an attribute of the file, set on a new one."""
    give_up = time.monotonic() + wait_seconds
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            # While another writes, be it this same attribute, SQLite refuses at once instead of waiting.
            if not error.sqlite_errorname.startswith("SQLITE_BUSY") or time.monotonic() > give_up:
                raise
            time.sleep(_RETRY_SECONDS)


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads and then writes would be refused at once if another wrote in between.
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _postgresql(url: URL, wait_seconds: float) -> tuple[Engine, Engine]:
    if url.drivername != "postgresql+psycopg":
        raise ProjectError(
            f"database {url.drivername}:// is unknown; known are sqlite and postgresql+psycopg"
        )
    try:
        reader = create_engine(
            url,
            isolation_level="REPEATABLE READ",
            json_serializer=_strict_json,
            connect_args={"connect_timeout": _CONNECT_SECONDS},
        )
    except ModuleNotFoundError:
        raise ProjectError("PostgreSQL needs its driver; `pip install omentum[postgres]`") from None
    event.listen(reader, "begin", partial(_begin_postgresql, wait_seconds=wait_seconds))
    # A writer must see what was committed while it waited for its turn, hence not a repeatable read.
    return reader, reader.execution_options(**{_WRITES: True, "isolation_level": "READ COMMITTED"})


def _begin_postgresql(connection: Connection, wait_seconds: float) -> None:
    if connection.get_execution_options().get(_WRITES, False):
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{round(wait_seconds * 1000)}ms'")
        connection.execute(select(func.pg_advisory_xact_lock(_WRITERS)))


def _cure(error: DatabaseError) -> str | None:
    """Say what to do about an error from the database; `None` where it is our bug."""
    code = getattr(error.orig, "sqlite_errorname", None)
    if code is not None:
        return next((cure for known, cure in _SQLITE_TROUBLE.items() if code.startswith(known)), None)
    if getattr(error.orig, "sqlstate", None) == _LOCK_NOT_AVAILABLE:
        return _LOCKED
    if isinstance(error, OperationalError):
        said = str(error.orig).strip().partition("\n")[0]
        return f"it says {said!r}; check `database` in omentum.toml and that the server runs"
    return None
