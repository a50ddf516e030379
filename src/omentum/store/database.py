"""Open a project's database: sessions, each one transaction; many may read or claim at once, one writes.

What a user can put right is raised as `ProjectError`.
"""

import json
import os
import threading
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from sqlite3 import Connection
from typing import Any, TypeVar
from typing import cast as typed

from sqlalchemy import ColumnElement, DateTime, Engine, cast, func, literal, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError
from sqlalchemy.orm import Session

from omentum.errors import DiskFullError, ProjectError
from omentum.store import postgresql, sqlite
from omentum.store.aliases import Aliases
from omentum.store.base import TableBase, UtcTime
from omentum.store.moved_error import moved_error
from omentum.store.paths import Paths

__all__ = ["Database", "is_writable"]

_strict_json = partial(json.dumps, allow_nan=False, ensure_ascii=False)
"""SQLite would take a NaN that PostgreSQL refuses."""
_Answer = TypeVar("_Answer")
_CLOCK = select(func.clock_timestamp(type_=DateTime(timezone=True)))
_NO_TURN: AbstractContextManager[object] = nullcontext()


class Database:
    """An open database. Transactions that write follow one another, on SQLite and on PostgreSQL.

    Args:
        url: `sqlite:///FILE`, relative to the root, or `postgresql+psycopg://USER@HOST/NAME`.
        root: The project's folder.
        wait_seconds: How long to wait for another program's write to end.
        read_only: Never write: neither to the database nor, where it is not writable, to its folder.
        secret: Gives the key of the pseudonyms in the audit log, once one is asked for.

    Raises:
        ProjectError: The URL is none of these, or its driver is not installed.
    """

    def __init__(
        self,
        url: str,
        root: Path,
        *,
        wait_seconds: float,
        read_only: bool = False,
        secret: Callable[[], bytes] = bytes,
    ) -> None:
        parsed = _parsed(url, root)
        self.aliases = Aliases(secret)
        self.paths = Paths(root)
        self.name = _shown(parsed)
        self.is_sqlite = _is_sqlite(parsed)
        self.is_read_only = read_only
        self._dialect = sqlite if self.is_sqlite else postgresql
        options: dict[str, Any] = {"wait_seconds": wait_seconds, "json_serializer": _strict_json}
        if read_only:
            self._reader: Engine = self._dialect.open_reader(parsed, **options)
            self._writer: Engine = self._reader
            self._claimer: Engine = self._reader
        else:
            self._reader, self._writer, self._claimer = self._dialect.open_engines(parsed, **options)
        self._shared = _Shared()
        # SQLite lets a writer that finds another poll with growing pauses: threads of one program take turns.
        self._turn: AbstractContextManager[object] = threading.RLock() if self.is_sqlite else _NO_TURN

    def reading(self) -> AbstractContextManager[Session]:
        """Open a session that reads one consistent state.

        Raises:
            ProjectError: The database cannot be reached or read.
        """
        if self._shared.session is None and self._shared.reader is not None:
            return nullcontext(self._shared.reader)
        return self._session(self._reader)

    def writing(self) -> AbstractContextManager[Session]:
        """Open a session that alone writes: all of it is kept once the block ends well, or nothing.

        Raises:
            ProjectError: The database is open for reading only, or cannot be reached or written to.
            DiskFullError: Its disk has no space left.
        """
        self._refuse_if_read_only()
        return self._session(self._writer, self._turn)

    def claiming(self) -> AbstractContextManager[Session]:
        """Open a session for a short write of rows that no two transactions may hold: leases.

        On PostgreSQL it does not queue behind `writing()`, so the caller takes its rows with
        `FOR UPDATE SKIP LOCKED`. On SQLite, where one program writes at a time, it is `writing()`.

        Raises:
            ProjectError: The database is open for reading only, or cannot be reached or written to.
            DiskFullError: Its disk has no space left.
        """
        self._refuse_if_read_only()
        return self._session(self._claimer, self._turn)

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

    @contextmanager
    def reading_together(self) -> Iterator[None]:
        """Let all that this thread reads inside the block see one state, by one session.

        What is written meanwhile, also by this thread, is not seen inside.
        """
        with self.reading() as session:
            before = self._shared.reader, self._shared.answers
            if self._shared.session is None and before[0] is not session:
                self._shared.answers = {}
            self._shared.reader = session
            try:
                yield
            finally:
                self._shared.reader, self._shared.answers = before

    def read_once(self, question: Hashable, ask: Callable[[Session], _Answer]) -> _Answer:
        """Ask a question; inside `reading_together` one that was asked before is answered as it was.

        Args:
            question: Tells it from all others.
            ask: Asks it; the answer must not be changed by anyone.
        """
        answers = self._shared.answers if self._shared.session is None else None
        if answers is not None and question in answers:
            return typed("_Answer", answers[question])
        with self.reading() as session:
            session.flush()  # of a session that writes, so that it reads what it wrote
            answer = ask(session)
        if answers is not None:
            answers[question] = answer
        return answer

    def now(self, session: Session) -> datetime:
        """Read the clock that all who share the database go by, in UTC.

        It is the server's, as the clocks of machines differ; a SQLite file is used on one machine. Inside
        `reading_together` it stands still.
        """
        if self.is_sqlite:
            return datetime.now(UTC)
        return (
            self.read_once("now", _server_time) if session is self._shared.reader else _server_time(session)
        )

    def moment(self, after: timedelta = timedelta(0)) -> ColumnElement[datetime]:
        """Give the same clock as a part of a statement, which saves asking for the time first.

        Args:
            after: How long after the statement's time; negative for before.
        """
        if self.is_sqlite:
            return literal(datetime.now(UTC) + after, UtcTime())
        # Unlike `clock_timestamp`, one time for all rows of a statement, so that an index can be used.
        return cast(func.statement_timestamp() + after, UtcTime())

    def insert(self, table: type[TableBase]) -> Any:
        """Begin a statement that inserts rows, or changes those that are there (`on_conflict_...`)."""
        return sqlite_insert(table) if self.is_sqlite else postgresql_insert(table)

    def scrub(self, tables: Iterable[str]) -> None:
        """Overwrite what removed rows of these tables left behind in the database's files.

        A server's own logs and backups are not reached.

        Raises:
            ProjectError: Another program keeps the database in use, or it cannot be written to.
        """
        self._refuse_if_read_only()
        with self._explained():
            if self.is_sqlite:
                sqlite.scrub(self._reader, self.name)
            else:
                postgresql.scrub(self._reader, tables)

    def copy_pages(self, target: Connection) -> None:
        """Copy a SQLite database, page by page and as it is at one moment, into one that is empty.

        Raises:
            ProjectError: One of both cannot be read or written to.
        """
        with self._explained():
            sqlite.copy_pages(self._reader, target)

    def close(self) -> None:
        """Let go of every connection."""
        self._reader.dispose()

    def _refuse_if_read_only(self) -> None:
        if self.is_read_only:
            raise ProjectError(
                f"database {self.name} is open for reading only, and this writes; "
                "copy the project to where you may write, or run the command as a user who may"
            )

    @contextmanager
    def _session(self, engine: Engine, turn: AbstractContextManager[object] = _NO_TURN) -> Iterator[Session]:
        if self._shared.session is not None:
            yield self._shared.session
            return
        with turn, self._explained(), Session(engine) as session, session.begin():
            yield session

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except DatabaseError as error:
            moved = moved_error(error.orig, self.name)
            if moved is not None:
                raise moved from error
            if self._dialect.is_full(error):
                raise DiskFullError(f"database {self.name}", "there is no space left") from error
            cure = self._dialect.cure(error)
            if cure is None:
                raise
            raise ProjectError(f"database {self.name}: {cure}") from error


def _server_time(session: Session) -> datetime:
    return session.scalars(_CLOCK).one().astimezone(UTC)


class _Shared(threading.local):
    """The sessions of a thread's `together` and `reading_together`, while there are any."""

    session: Session | None = None
    reader: Session | None = None
    answers: dict[Hashable, Any] | None = None
    """What the reader was asked."""


def is_writable(root: Path, url: str) -> bool:
    """Tell if this user may write to a project: to its folder and, where that is a file, to its database.

    What a user may do on a PostgreSQL server is not asked: it takes a connection, and its errors say it.

    Args:
        root: The project's folder.
        url: The database's URL, as for `Database`.

    Raises:
        ProjectError: The URL cannot be one of a database.
    """
    parsed = _parsed(url, root)
    if not os.access(root, os.W_OK | os.X_OK):
        return False
    return not _is_sqlite(parsed) or sqlite.is_writable(Path(str(parsed.database)))


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


def _shown(url: URL) -> str:
    """Write a URL for people, without any password."""
    secret = [name for name in url.query if "password" in name]
    return url.difference_update_query(secret).render_as_string(hide_password=True)


def _is_sqlite(url: URL) -> bool:
    return url.drivername == "sqlite"
