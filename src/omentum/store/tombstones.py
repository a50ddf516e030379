"""Keep what is left of cases that were erased: enough to recognise one, and nothing that names it."""

from sqlalchemy import delete, select

from omentum.records import Tombstone
from omentum.store.database import Database
from omentum.store.tables import TombstoneRow

__all__ = ["Tombstones"]


class Tombstones:
    """The tombstones of a project."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, tombstone: Tombstone) -> None:
        """Keep a tombstone, in place of an earlier one of the same pseudonym."""
        with self._database.writing() as session:
            session.merge(
                TombstoneRow(
                    pseudonym=tombstone.pseudonym,
                    voxels=tombstone.voxels,
                    why=tombstone.why,
                    by=tombstone.by,
                    releases=list(tombstone.releases),
                    time=tombstone.time,
                )
            )

    def all(self) -> list[Tombstone]:
        """Give all tombstones, by time."""
        with self._database.reading() as session:
            rows = session.scalars(select(TombstoneRow)).all()
            return [_record(row) for row in sorted(rows, key=lambda row: (row.time, row.pseudonym))]

    def by_voxels(self, voxels: str) -> Tombstone | None:
        """Find the case that had these voxels and was erased; `None` where there is none.

        Args:
            voxels: Hash of a CT's voxels, as `Arrival.voxels`; an empty one is of no case.
        """
        if not voxels:
            return None
        of_them = select(TombstoneRow).where(TombstoneRow.voxels == voxels)
        with self._database.reading() as session:
            row = session.scalars(of_them.order_by(TombstoneRow.time.desc()).limit(1)).first()
            return None if row is None else _record(row)

    def forget(self, pseudonym: str) -> None:
        """Forget that a case was erased, as it comes in again on purpose."""
        with self._database.writing() as session:
            session.execute(delete(TombstoneRow).where(TombstoneRow.pseudonym == pseudonym))


def _record(row: TombstoneRow) -> Tombstone:
    return Tombstone(
        pseudonym=row.pseudonym,
        voxels=row.voxels,
        why=row.why,
        by=row.by,
        releases=tuple(row.releases),
        time=row.time,
    )
