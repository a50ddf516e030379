"""Which networks can the project use?

In:  networks, as they are tuned.
Out: networks by name. A name never stands for two sets of weights. Rounds say which one is in use.
"""

from sqlalchemy import select
from sqlalchemy.orm import Session

from omentum.errors import ProjectError, UnknownNetworkError
from omentum.records import NetworkRecord
from omentum.store.database import Database
from omentum.store.paths import Paths
from omentum.store.tables import NetworkRow

__all__ = ["Networks"]


class Networks:
    """The networks of a project."""

    def __init__(self, database: Database, paths: Paths) -> None:
        self._database = database
        self._paths = paths

    def add(self, network: NetworkRecord) -> bool:
        """Add a network; tell whether it is new.

        Raises:
            ProjectError: Its name stands for other weights already.
        """
        with self._database.writing() as session:
            old = session.get(NetworkRow, network.name)
            if old is None:
                session.add(self._row(network))
            elif old.weights_sha256 != network.weights_sha256:
                seen = f"network {network.name!r} has other weights already ({old.weights_sha256[:12]})"
                raise ProjectError(f"{seen}; give this one another name")
        return old is None

    def get(self, name: str) -> NetworkRecord:
        """Find a network; there being none raises `UnknownNetworkError`."""
        with self._database.reading() as session:
            return self._record(_required(session, name))

    def all(self) -> list[NetworkRecord]:
        """Give all networks, by name."""
        with self._database.reading() as session:
            rows = session.scalars(select(NetworkRow)).all()
            return [self._record(row) for row in sorted(rows, key=lambda row: row.name)]

    def _row(self, network: NetworkRecord) -> NetworkRow:
        return NetworkRow(
            name=network.name,
            folder=None if network.folder is None else self._paths.stored(network.folder),
            weights_sha256=network.weights_sha256,
            parent=network.parent,
            round_number=network.round_number,
        )

    def _record(self, row: NetworkRow) -> NetworkRecord:
        return NetworkRecord(
            name=row.name,
            folder=None if row.folder is None else self._paths.given(row.folder),
            weights_sha256=row.weights_sha256,
            parent=row.parent,
            round_number=row.round_number,
        )


def _required(session: Session, name: str) -> NetworkRow:
    row = session.get(NetworkRow, name)
    if row is None:
        raise UnknownNetworkError(name, sorted(session.scalars(select(NetworkRow.name))))
    return row
