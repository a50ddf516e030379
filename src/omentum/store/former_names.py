"""Keep the names that cases had before they were renamed, so that an old name still finds its case."""

from sqlalchemy import select

from omentum.store.database import Database
from omentum.store.tables import FormerNameRow

__all__ = ["FormerNames"]


class FormerNames:
    """The former names of a project's cases."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> dict[str, str]:
        """Give the case that had each former name, by that name."""
        with self._database.reading() as session:
            found = session.execute(select(FormerNameRow.name, FormerNameRow.case_id))
            return dict(sorted((name, case_id) for name, case_id in found))

    def of_case(self, case_id: str) -> tuple[str, ...]:
        """Give the former names of a case, sorted."""
        return tuple(name for name, of_it in self.all().items() if of_it == case_id)

    def current(self, name: str) -> str:
        """Give the name that a case has now; a name that no case had before is given as it is."""
        with self._database.reading() as session:
            row = session.get(FormerNameRow, name)
            return name if row is None else row.case_id
