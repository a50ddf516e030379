"""Keep the networks of a project; a name never stands for two sets of weights."""

from omentum.errors import ProjectError
from omentum.records import NetworkRecord
from omentum.records.audit_log import PROGRAM, LogAction
from omentum.store.record_table import ListedTable
from omentum.store.tables import NetworkRow

__all__ = ["Networks"]


class Networks(ListedTable[NetworkRecord]):
    """The networks of a project."""

    record_type, row_type, order = NetworkRecord, NetworkRow, ("name",)

    def add(self, network: NetworkRecord) -> bool:
        """Add a network; tell whether it is new.

        Raises:
            ProjectError: Its name stands for other weights already.
        """
        with self._database.writing() as session:
            old = session.get(NetworkRow, network.name)
            if old is None:
                session.add(NetworkRow(**self._values(network)))
                self._log(session, PROGRAM, LogAction.NETWORK_ADDED, _about(network))
            elif old.weights_sha256 != network.weights_sha256:
                seen = f"network {network.name!r} has other weights already ({old.weights_sha256[:12]})"
                raise ProjectError(f"{seen}; give this one another name")
        return old is None


def _about(network: NetworkRecord) -> dict[str, object]:
    return {
        "name": network.name,
        "parent": network.parent,
        "round": network.round_number,
        "weights": network.weights_sha256,
    }
