"""Keep what is left of cases that were erased: enough to recognise one, and nothing that names it."""

from sqlalchemy import delete

from omentum.records import Tombstone
from omentum.records.audit_log import PROGRAM, LogAction
from omentum.store.record_table import ListedTable
from omentum.store.tables import TombstoneRow

__all__ = ["Tombstones"]


class Tombstones(ListedTable[Tombstone]):
    """The tombstones of a project."""

    record_type, row_type, order = Tombstone, TombstoneRow, ("time", "pseudonym")

    def keep(self, tombstone: Tombstone) -> None:
        """Keep a tombstone, in place of an earlier one of the same pseudonym."""
        self._merge(tombstone)

    def forget(self, pseudonym: str) -> None:
        """Forget that a case was erased, as it comes in again on purpose."""
        with self._database.writing() as session:
            session.execute(delete(TombstoneRow).where(TombstoneRow.pseudonym == pseudonym))
            self._log(session, PROGRAM, LogAction.TOMBSTONE_FORGOTTEN, {"case": pseudonym})
