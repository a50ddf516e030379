"""Bring a database's tables to this version, check that they are of it, or take them back.

In:  an open database, of any age, or empty.
Out: the same database with the tables asked for; one from a newer version is refused, untouched.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Connection

from omentum.errors import ProjectError
from omentum.store.database import Database

__all__ = ["check_current", "downgrade", "upgrade"]


def upgrade(database: Database) -> None:
    """Bring a database to today's tables, in one transaction; do nothing where it has them.

    Raises:
        ProjectError: It was written by a newer version, or cannot be written to.
    """
    config = _config()
    script = ScriptDirectory.from_config(config)
    with database.reading() as session:
        if _is_current(session.connection(), script, database.name):
            return
    with database.writing() as session:
        # Somebody else may have upgraded it while we waited for our turn.
        if not _is_current(session.connection(), script, database.name):
            config.attributes["connection"] = session.connection()
            command.upgrade(config, "head")


def check_current(database: Database) -> None:
    """Refuse a database whose tables are not today's; change nothing.

    Raises:
        ProjectError: It was written by an older or a newer version, or cannot be read.
    """
    script = ScriptDirectory.from_config(_config())
    with database.reading() as session:
        found = _versions(session.connection(), script, database.name)
    if found != set(script.get_heads()):
        raise ProjectError(
            f"database {database.name} is of an older version ({_listed(found)}, "
            f"this Omentum has {_listed(script.get_heads())}): any command that writes brings it up to date; "
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
    config = _config()
    script = ScriptDirectory.from_config(config)
    with database.writing() as session:
        found = _versions(session.connection(), script, database.name)
        for step in _steps_back(script, found, to, database.name):
            if not hasattr(step.module, "downgrade"):
                raise ProjectError(
                    f"database {database.name} cannot go back to version {to}: there is no way back from "
                    f"version {step.revision}; use a backup of that time"
                )
        config.attributes["connection"] = session.connection()
        command.downgrade(config, to)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    return config


def _is_current(connection: Connection, script: ScriptDirectory, name: str) -> bool:
    return _versions(connection, script, name) == set(script.get_heads())


def _versions(connection: Connection, script: ScriptDirectory, name: str) -> set[str]:
    """Read which version's tables a database has, none if it is empty; a newer one is refused."""
    found = set(MigrationContext.configure(connection).get_current_heads())
    unknown = found - {revision.revision for revision in script.walk_revisions()}
    if unknown:
        seen = f"database {name} is at version {_listed(unknown)}, which this Omentum does not know"
        raise ProjectError(f"{seen}; install a newer Omentum")
    return found


def _steps_back(script: ScriptDirectory, found: set[str], to: str, name: str) -> list[Script]:
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
