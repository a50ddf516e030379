"""Are the tables those of this version?

In:  an open database, of any age, or empty.
Out: the same database with today's tables; one from a newer version is refused, untouched.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from omentum.errors import ProjectError
from omentum.store.database import Database

__all__ = ["upgrade"]


def upgrade(database: Database) -> None:
    """Bring a database to today's tables, in one transaction; do nothing where it has them.

    Raises:
        ProjectError: It was written by a newer version, or cannot be written to.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    script = ScriptDirectory.from_config(config)
    with database.reading() as session:
        if _is_current(session.connection(), script, database.name):
            return
    with database.writing() as session:
        # Somebody else may have upgraded it while we waited for our turn.
        if not _is_current(session.connection(), script, database.name):
            config.attributes["connection"] = session.connection()
            command.upgrade(config, "head")


def _is_current(connection: Connection, script: ScriptDirectory, name: str) -> bool:
    found = set(MigrationContext.configure(connection).get_current_heads())
    unknown = found - {revision.revision for revision in script.walk_revisions()}
    if unknown:
        seen = f"database {name} is at version {', '.join(sorted(unknown))}, which this Omentum does not know"
        raise ProjectError(f"{seen}; install a newer Omentum")
    return found == set(script.get_heads())
