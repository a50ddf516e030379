"""Open a SQLite file: for reading and writing, or without the right to write."""

import os
import sqlite3
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import NullPool

from omentum.errors import ProjectError

__all__ = [
    "N_CONNECTIONS",
    "copy_pages",
    "cure",
    "is_full",
    "is_writable",
    "open_engines",
    "open_reader",
    "scrub",
]

N_CONNECTIONS = 48
"""Kept open once a program's threads had needed them: as many as the review server has threads."""
_WRITES = "omentum_writes"
_RETRY_SECONDS = 0.02

_LOCKED = "another program keeps it locked; wait for that to end and run the command again"
_FULL = ("SQLITE_FULL", "SQLITE_IOERR_SHMSIZE")
"""The second is that of the file beside the database, which readers need too."""
_TROUBLE = {
    "SQLITE_BUSY": _LOCKED,
    "SQLITE_LOCKED": _LOCKED,
    "SQLITE_NOTADB": "it is no SQLite database; move it away, or set `database` in omentum.toml",
    "SQLITE_CORRUPT": "it is damaged; move it away and bring a backup back with `omentum db restore FILE`",
    "SQLITE_CANTOPEN": "it cannot be opened; its folder must exist and be yours to write to",
    "SQLITE_READONLY": "it cannot be written to; make the file and its folder writable",
    "SQLITE_IOERR": "its disk cannot be read or written to; check the disk and run the command again",
}


def open_engines(
    url: URL, *, wait_seconds: float, json_serializer: Callable[[object], str]
) -> tuple[Engine, Engine, Engine]:
    """Make the engines that read, write and claim; claims are writes, as one program writes at a time."""
    reader = create_engine(
        url,
        json_serializer=json_serializer,
        connect_args={"timeout": wait_seconds},
        pool_size=N_CONNECTIONS,
        max_overflow=-1,
    )
    event.listen(reader, "connect", partial(_prepare, wait_seconds=wait_seconds))
    event.listen(reader, "begin", _begin)
    writer = reader.execution_options(**{_WRITES: True})
    return reader, writer, writer


def open_reader(url: URL, *, wait_seconds: float, json_serializer: Callable[[object], str]) -> Engine:
    """Make an engine that never writes, not even to the folder of the file, where that is not writable.

    Where the folder is writable, SQLite itself puts its two empty files `-wal` and `-shm` beside the file.
    """
    path = Path(str(url.database))
    connect = partial(_connect_for_reading, path, url.render_as_string(), wait_seconds)
    # Each transaction opens the file anew: how it may be opened depends on who writes to it at that moment.
    reader = create_engine(url, json_serializer=json_serializer, creator=connect, poolclass=NullPool)
    event.listen(reader, "begin", _begin)
    event.listen(reader, "commit", partial(_refuse_a_changed_file, path, url.render_as_string()))
    return reader


def is_writable(path: Path) -> bool:
    """Tell if this user may write to a SQLite file, or make it where it is not there."""
    files = (path, _beside(path, "-wal"), _beside(path, "-shm"))
    return os.access(path.parent, os.W_OK | os.X_OK) and all(
        os.access(file, os.W_OK) for file in files if file.exists()
    )


def cure(error: DatabaseError) -> str | None:
    """Say what to do about an error from SQLite; `None` where it is our bug."""
    code = getattr(error.orig, "sqlite_errorname", None) or ""
    return next((text for known, text in _TROUBLE.items() if code.startswith(known)), None)


def copy_pages(engine: Engine, target: sqlite3.Connection) -> None:
    """Copy a SQLite database as it is at one moment into an empty one; writers need not wait."""
    connection = engine.raw_connection()
    try:
        source = connection.driver_connection
        assert isinstance(source, sqlite3.Connection)
        source.backup(target)
    except sqlite3.Error as error:
        raise DatabaseError("backup", None, error) from error
    finally:
        connection.close()


def is_full(error: DatabaseError) -> bool:
    """Tell whether the disk of the file has no space left."""
    return getattr(error.orig, "sqlite_errorname", "") in _FULL


def scrub(engine: Engine, name: str) -> None:
    """Write a SQLite file anew without what removed rows left in it, and empty the log beside it.

    Args:
        engine: That writes.
        name: The database's, for messages.

    Raises:
        ProjectError: Another program keeps it in use.
    """
    connection = engine.raw_connection()
    try:
        cursor = connection.cursor()
        cursor.execute("VACUUM")
        is_busy, *_ = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.Error as error:
        raise DatabaseError("VACUUM", None, error) from error
    finally:
        connection.close()
    if is_busy:
        raise ProjectError(f"database {name}: {_LOCKED}")


def _prepare(connection: sqlite3.Connection, _: object, *, wait_seconds: float) -> None:
    connection.isolation_level = None  # the driver begins transactions too late; `_begin` does it
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


def _begin(connection: Connection) -> None:
    # A transaction that reads and then writes would be refused at once if another wrote in between.
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


class _ReadingConnection(sqlite3.Connection):
    """A connection for reading; `stamp` is the file's state if SQLite reads it without any lock."""

    stamp: tuple[int, int] | None = None


def _connect_for_reading(path: Path, name: str, wait_seconds: float) -> _ReadingConnection:
    if not os.access(path, os.F_OK):
        raise ProjectError(
            f"database {name}: there is no such file, and it is open for reading only; "
            "check `database` in omentum.toml, or run the command where you may write"
        )
    if not os.access(path, os.R_OK):
        raise ProjectError(f"database {name}: you may not read this file; ask its owner for the right to")
    stamp = None if is_writable(path) or _needs_locks(path) else _stamp(path)
    connection = sqlite3.connect(
        f"{path.as_uri()}?mode=ro{'' if stamp is None else '&immutable=1'}",
        uri=True,
        timeout=wait_seconds,
        check_same_thread=False,
        isolation_level=None,
        factory=_ReadingConnection,
    )
    connection.stamp = stamp
    try:
        connection.execute("PRAGMA schema_version").close()  # SQLite opens the files at the first read
    except sqlite3.Error as error:
        connection.close()
        if _has_pending_writes(path) and error.sqlite_errorname.startswith(
            ("SQLITE_CANTOPEN", "SQLITE_READONLY")
        ):
            raise ProjectError(
                f"database {name}: its last writes are still in a file beside it (-wal or -journal), which "
                "only a user who may write to the folder can read; run any command as such a user, or "
                "copy the project with that file to where you may write"
            ) from error
        raise
    return connection


def _refuse_a_changed_file(path: Path, name: str, connection: Connection) -> None:
    stamp = getattr(connection.connection.dbapi_connection, "stamp", None)
    if stamp is not None and stamp != _stamp(path):
        raise ProjectError(
            f"database {name}: another user wrote to it while it was read; run the command again"
        )


def _needs_locks(path: Path) -> bool:
    """Tell if SQLite must join the locks of other programs, as they may be writing at this moment."""
    is_shared = _beside(path, "-wal").exists() and _beside(path, "-shm").exists()
    return is_shared or _has_pending_writes(path)


def _has_pending_writes(path: Path) -> bool:
    logs = (_beside(path, "-wal"), _beside(path, "-journal"))
    return any(log.exists() and log.stat().st_size > 0 for log in logs)


def _stamp(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_mtime_ns, found.st_size


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)
