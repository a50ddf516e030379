"""Keep the names that cases had before, so that what still uses one finds its case."""

from sqlalchemy import select

from omentum.store.database import Database
from omentum.store.tables import FormerNameRow

__all__ = ["FormerNames"]


class FormerNames:
    """The names that the cases of a project had before they were renamed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> dict[str, str]:
        """Give the case that had each former name, by that name."""
        with self._database.reading() as session:
            rows = session.scalars(select(FormerNameRow))
            return {row.name: row.case_id for row in sorted(rows, key=lambda row: row.name)}

    def of_case(self, case_id: str) -> tuple[str, ...]:
        """Give the former names of a case, sorted."""
        return tuple(name for name, of_it in self.all().items() if of_it == case_id)

    def current(self, name: str) -> str:
        """Give the name that a case has now; a name that no case had before is given as it is."""
        with self._database.reading() as session:
            row = session.get(FormerNameRow, name)
            return name if row is None else row.case_id
