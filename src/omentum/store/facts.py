"""What is true of the project as a whole?

In:  a fact's name and text.
Out: the text, or `None` where nobody said.
"""

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
        """Say a fact, in place of what was said of it before."""
        with self._database.writing() as session:
            session.merge(FactRow(name=name, value=value))
