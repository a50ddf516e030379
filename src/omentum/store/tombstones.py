"""Keep what is left of cases that were erased: enough to recognise one, and nothing that names it."""

from omentum.records import Tombstone
from omentum.store.record_table import RecordTable
from omentum.store.tables import TombstoneRow

__all__ = ["Tombstones"]


class Tombstones(RecordTable[Tombstone]):
    """The tombstones of a project."""

    record_type, row_type, order = Tombstone, TombstoneRow, ("time", "pseudonym")

    def keep(self, tombstone: Tombstone) -> None:
        """Keep a tombstone, in place of an earlier one of the same pseudonym."""
        self._merge(tombstone)

    def all(self) -> list[Tombstone]:
        """Give all tombstones, by time."""
        return self._select()

    def by_voxels(self, voxels: str) -> Tombstone | None:
        """Find the case that had these voxels and was erased last; `None` where there is none.

        Args:
            voxels: Hash of a CT's voxels, as `Arrival.voxels`; an empty one is of no case.
        """
        found = self._select(TombstoneRow.voxels == voxels) if voxels else []
        return found[-1] if found else None

    def forget(self, pseudonym: str) -> None:
        """Forget that a case was erased, as it comes in again on purpose."""
        self._delete(TombstoneRow.pseudonym == pseudonym)
