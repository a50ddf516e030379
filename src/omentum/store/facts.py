"""Keep small texts about the project by name, such as an unfinished rename."""

from sqlalchemy import delete, select

from omentum.store.database import Database
from omentum.store.tables import FactRow

__all__ = ["Facts"]


class Facts:
    """The facts of a project."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, name: str) -> str | None:
        """Give a fact."""
        with self._database.reading() as session:
            row = session.get(FactRow, name)
            return None if row is None else row.value

    def set(self, name: str, value: str) -> None:
        """Keep a fact, in place of an earlier one of the same name."""
        with self._database.writing() as session:
            session.merge(FactRow(name=name, value=value))

    def starting(self, prefix: str) -> dict[str, str]:
        """Give the facts whose names start so, by name."""
        named = select(FactRow).where(FactRow.name.startswith(prefix, autoescape=True)).order_by(FactRow.name)
        with self._database.reading() as session:
            return {row.name: row.value for row in session.scalars(named)}

    def forget(self, name: str) -> None:
        """Forget a fact; one that is not kept changes nothing."""
        with self._database.writing() as session:
            session.execute(delete(FactRow).where(FactRow.name == name))
