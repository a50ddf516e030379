"""Bring a database to this version's tables, check that it has them, or take it back to earlier ones.

Alembic is imported only where tables have to be made or changed: its import costs more than the check.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect
from sqlalchemy.orm import Session

from omentum.errors import ProjectError
from omentum.store import reader_tables, review_tables, tables  # noqa: F401  (they fill TableBase.metadata)
from omentum.store.base import TableBase
from omentum.store.database import Database

if TYPE_CHECKING:
    from alembic.config import Config
    from alembic.script import Script, ScriptDirectory

__all__ = ["HEAD", "check_current", "downgrade", "make_or_upgrade", "upgrade", "version_of"]

HEAD = "0011"
"""This version's tables: the last file in `migrations/versions`."""
_VERSION_TABLE = (
    "CREATE TABLE alembic_version "
    "(version_num VARCHAR(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
)
"""As Alembic makes it."""


def make_or_upgrade(database: Database, then: Callable[[Session], None] = lambda _: None) -> None:
    """Make today's tables at once in an empty database; see `upgrade` for any other.

    `tests/store/test_migrate.py` holds them against the tables that all migrations make.
    """
    with database.reading() as session:
        found = _versions(session.connection(), database.name)
    if not found:
        with database.writing() as session:
            connection = session.connection()
            if not inspect(connection).get_table_names():  # nor has another program made them meanwhile
                TableBase.metadata.create_all(connection, checkfirst=False)
                connection.exec_driver_sql(_VERSION_TABLE)
                connection.exec_driver_sql(f"INSERT INTO alembic_version VALUES ('{HEAD}')")
                then(session)
                return
    if found != {HEAD}:
        upgrade(database, then)


def upgrade(database: Database, then: Callable[[Session], None] = lambda _: None) -> None:
    """Bring a database to today's tables, in one transaction; do nothing where it has them.

    Args:
        database: The database.
        then: What else to write in that transaction.

    Raises:
        ProjectError: It was written by a newer version, or cannot be written to.
    """
    with database.reading() as session:
        if _versions(session.connection(), database.name) == {HEAD}:
            return
    from alembic import command

    config = _config()
    with database.writing() as session:
        # Another program may have upgraded it while this one waited for its turn.
        if _versions(session.connection(), database.name) != {HEAD}:
            config.attributes["connection"] = session.connection()
            command.upgrade(config, "head")
            then(session)


def version_of(session: Session) -> str:
    """Give the version of the tables that a session sees; empty where there are none."""
    connection = session.connection()
    if not inspect(connection).has_table("alembic_version"):
        return ""
    return str(connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() or "")


def check_current(database: Database) -> None:
    """Refuse a database whose tables are not today's; change nothing.

    Raises:
        ProjectError: It was written by an older or a newer version, or cannot be read.
    """
    with database.reading() as session:
        found = _versions(session.connection(), database.name)
    if found != {HEAD}:
        raise ProjectError(
            f"database {database.name} is of an older version ({_listed(found)}, "
            f"this Omentum has {HEAD}): any command that writes brings it up to date; "
            "copy the project to where you may write"
        )


def downgrade(database: Database, to: str) -> None:
    """Take a database back to the tables of an earlier version, in one transaction.

    Args:
        database: The database; it must be closed to older programs until this ends.
        to: The version to have afterwards, as in `"0004"`.

    Raises:
        ProjectError: There is no such version or no way back to it, what is kept would not fit into the
            older tables, or the database cannot be written to. Nothing is changed.
    """
    from alembic import command

    config, script = _config(), _scripts()
    with database.writing() as session:
        found = _versions(session.connection(), database.name)
        for step in _steps_back(script, found, to, database.name):
            if not hasattr(step.module, "downgrade"):
                raise ProjectError(
                    f"database {database.name} cannot go back to version {to}: there is no way back from "
                    f"version {step.revision}; use a backup of that time"
                )
        config.attributes["connection"] = session.connection()
        command.downgrade(config, to)


def _config() -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    return config


def _scripts() -> "ScriptDirectory":
    from alembic.script import ScriptDirectory

    return ScriptDirectory.from_config(_config())


def _versions(connection: Connection, name: str) -> set[str]:
    """Read the version of a database's tables, none if it is empty; a newer one is refused."""
    if not inspect(connection).has_table("alembic_version"):
        return set()
    found = set(connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalars())
    unknown = found - {HEAD} and found - {one.revision for one in _scripts().walk_revisions()}
    if unknown:
        seen = f"database {name} is at version {_listed(unknown)}, which this Omentum does not know"
        raise ProjectError(f"{seen}; install a newer Omentum")
    return found


def _steps_back(script: "ScriptDirectory", found: set[str], to: str, name: str) -> "list[Script]":
    """List the versions to take back, the newest first."""
    newest_first = list(script.walk_revisions())
    versions = [revision.revision for revision in newest_first]
    here = [version for version in versions if version in found]
    earlier = versions[versions.index(here[0]) :] if here else []
    if to not in earlier:
        raise ProjectError(
            f"database {name} is at version {_listed(found)} and cannot go back to {to!r}; "
            f"name one of {_listed(earlier)}"
        )
    return newest_first[versions.index(here[0]) : versions.index(to)]


def _listed(versions: list[str] | set[str]) -> str:
    return ", ".join(sorted(versions)) or "none"
