"""Write a project's database into one file, and bring it back from there.

The file is a SQLite database with the tables of the project, whatever kind of database the project has, and
one table more: the manifest, which says what every table holds. Files of cases are not part of it.
"""

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import MetaData, Table
from sqlalchemy.orm import Session

from omentum.errors import BackupError
from omentum.records.audit_log import PROGRAM, LogAction
from omentum.store.audit_log import AuditLog
from omentum.store.check_log import LogCheck
from omentum.store.copy_tables import Digests, clear_tables, copy_tables, differing, digests_of
from omentum.store.database import Database
from omentum.store.migrate import HEAD, upgrade, version_of
from omentum.store.plain_rows import TableDigest
from omentum.volumes.atomic import copy, writing

__all__ = ["Backup", "read_backup", "restore_backup", "write_backup"]

_MANIFEST = "omentum_backup"
_NOT_HELD = (_MANIFEST, "alembic_version")
_WAIT_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """What a backup holds."""

    path: Path
    version: str
    """Of the tables."""
    time: datetime
    """When it was written."""
    tables: Digests
    last_numbers: Mapping[str, int]
    """Last number that was given in each table where none is ever given twice."""
    sha256: str
    """Of all of this, by which two backups are compared."""

    @property
    def n_rows(self) -> int:
        """Rows of all tables."""
        return sum(one.n_rows for one in self.tables.values())


def write_backup(database: Database, path: Path) -> Backup:
    """Write all that a database holds at one moment; others may write to the database meanwhile.

    Args:
        database: The database; it may be open for reading only.
        path: The file to make, which only its owner may read: it holds the hashes of passwords.

    Raises:
        BackupError: There is such a file already, it cannot be written, or it does not hold what was read.
        ProjectError: The database cannot be read.
    """
    if path.exists():
        raise BackupError(path, "it is there already, and a backup is never overwritten", "name another file")
    try:
        with writing(path) as part:
            part.touch(mode=0o600, exist_ok=False)
            read = None if _copied_file(database, part) else _copied_rows(database, part)
            return _sealed(part, path, read)
    except OSError as error:
        raise BackupError(path, f"it cannot be written ({error.strerror})", "name another file") from None


def read_backup(path: Path) -> Backup:
    """Read the manifest of a backup, and hold every table against it.

    Raises:
        BackupError: It is no backup, or it was damaged or changed since it was written.
    """
    manifest = _manifest_of(path)
    with _opened(path, read_only=True) as database, database.reading() as session:
        found: dict[str, Any] = {
            "version": version_of(session),
            "tables": {name: asdict(one) for name, one in digests_of(session, _held(session)).items()},
            "last_numbers": _last_numbers(session),
        }
    wrong = [key for key, value in found.items() if manifest[key] != value]
    if wrong:
        names = differing(_digests(found["tables"]), _digests(manifest["tables"])) or wrong
        raise BackupError(path, f"{', '.join(names)} do not hold what was written", "choose another backup")
    return _backup(path, manifest)


def restore_backup(database: Database, backup: Backup, *, accept_log: bool = False) -> LogCheck:
    """Replace all that a database holds by a backup, in one transaction; the audit log notes it.

    A backup of an older version is brought to today's tables in a copy.

    Args:
        database: The database, with today's tables.
        backup: As `read_backup` gives it.
        accept_log: Whether to take a backup whose audit log is not as it was written.

    Returns:
        The check of the backup's audit log.

    Raises:
        BackupError: It cannot be read any more, or its audit log is not as it was written.
        ProjectError: The database cannot be written to.
    """
    log = AuditLog(database)
    with _of_today(backup) as source, source.reading() as read, database.together():
        replaced = log.head("before")
        with database.writing() as session:
            clear_tables(session)
            wrong = differing(copy_tables(read, session), digests_of(session))
        if wrong:
            raise BackupError(backup.path, f"{', '.join(wrong)} did not arrive as they are", "run this again")
        check = log.check()
        if check.problems and not accept_log:
            said = f"its audit log is not as it was written ({check.problems[0].said})"
            raise BackupError(backup.path, said, "choose another backup, or take it with --force as it is")
        about = {"backup": backup.sha256, "replaced": [replaced.n_entries, replaced.sha256]}
        log.add(PROGRAM, LogAction.RESTORED, about)
    return check


def _copied_file(database: Database, part: Path) -> bool:
    """Copy a SQLite database page by page, without waiting; tell whether it is one."""
    if not database.is_sqlite:
        return False
    with closing(sqlite3.connect(part)) as target:
        database.copy_pages(target)
        target.execute("PRAGMA journal_mode = DELETE")  # so that the backup is one file
    return True


def _copied_rows(database: Database, part: Path) -> Digests:
    """Copy the rows of another database into a new SQLite file."""
    with _opened(part) as target:
        upgrade(target)
        with database.reading() as read, target.writing() as session:
            found = copy_tables(read, session)
    with closing(sqlite3.connect(part)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    return found


def _sealed(part: Path, path: Path, read: Digests | None) -> Backup:
    """Write the manifest into a copy, from what the copy itself holds."""
    with _opened(part, read_only=True) as database, database.reading() as session:
        held = _held(session)
        digests, version = digests_of(session, held), version_of(session)
        last = _last_numbers(session)
    wrong = [] if read is None else differing(read, digests)
    if wrong:
        raise BackupError(path, f"{', '.join(wrong)} did not arrive as they are", "run this again")
    manifest = {
        "version": version,
        "time": datetime.now(UTC).isoformat(),
        "tables": {name: asdict(one) for name, one in sorted(digests.items())},
        "last_numbers": last,
    }
    text = json.dumps(manifest, sort_keys=True)
    with closing(sqlite3.connect(part)) as connection:
        connection.execute(f"CREATE TABLE {_MANIFEST} (manifest TEXT NOT NULL, sha256 TEXT NOT NULL)")
        connection.execute(f"INSERT INTO {_MANIFEST} VALUES (?, ?)", (text, _sha256(text)))
        connection.commit()
    return _backup(path, manifest)


def _manifest_of(path: Path) -> dict[str, Any]:
    cure = "name a file that `omentum db backup` wrote"
    if not path.is_file():
        raise BackupError(path, "there is no such file", cure)
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            text, sha256 = connection.execute(f"SELECT manifest, sha256 FROM {_MANIFEST}").fetchone()
    except (sqlite3.Error, TypeError):
        raise BackupError(path, "it is no backup, or it is damaged", cure) from None
    if _sha256(text) != sha256:
        raise BackupError(path, "its manifest is not what was written", "choose another backup")
    manifest: dict[str, Any] = json.loads(text)
    return manifest


def _backup(path: Path, manifest: Mapping[str, Any]) -> Backup:
    return Backup(
        path=path,
        version=manifest["version"],
        time=datetime.fromisoformat(manifest["time"]),
        tables=_digests(manifest["tables"]),
        last_numbers=manifest["last_numbers"],
        sha256=_sha256(json.dumps(dict(manifest), sort_keys=True)),
    )


def _digests(tables: Mapping[str, Any]) -> Digests:
    return {name: TableDigest(**one) for name, one in tables.items()}


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _held(session: Session) -> list[Table]:
    """Give the tables that a file has, which may be those of an older version."""
    found = MetaData()
    found.reflect(session.connection())
    return [table for table in found.sorted_tables if table.name not in _NOT_HELD]


def _last_numbers(session: Session) -> dict[str, int]:
    """Give what the file notes of numbers that are never given twice."""
    found = session.connection().exec_driver_sql("SELECT name, seq FROM sqlite_sequence")
    return {str(name): int(last) for name, last in sorted(tuple(row) for row in found)}


@contextmanager
def _opened(path: Path, *, read_only: bool = False) -> Iterator[Database]:
    url = f"sqlite:///{path.name}"
    with closing(
        Database(url, path.absolute().parent, wait_seconds=_WAIT_SECONDS, read_only=read_only)
    ) as found:
        yield found


@contextmanager
def _of_today(backup: Backup) -> Iterator[Database]:
    """Open a backup; of one of an older version open a copy that has today's tables."""
    if backup.version == HEAD:
        with _opened(backup.path, read_only=True) as database:
            yield database
        return
    with TemporaryDirectory(prefix="omentum-restore-") as folder:
        copied = Path(folder) / "copy.db"
        copy(backup.path, copied)
        with _opened(copied) as database:
            upgrade(database)
            yield database
