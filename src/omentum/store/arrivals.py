"""Keep what was observed when each case was added: hashes, similar cases, findings about the CT."""

from sqlalchemy import select

from omentum.records import Arrival
from omentum.store.record_table import RecordTable
from omentum.store.tables import ArrivalRow

__all__ = ["Arrivals"]


class Arrivals(RecordTable[Arrival]):
    """The arrivals of a project's cases."""

    record_type, row_type, order = Arrival, ArrivalRow, ("case_id",)

    def keep(self, arrival: Arrival) -> None:
        """Keep what was observed of a case, in place of what was kept before."""
        self._merge(arrival)

    def all(self) -> dict[str, Arrival]:
        """Give all arrivals, by case."""
        return {one.case_id: one for one in self._select()}

    def of_case(self, case_id: str) -> Arrival | None:
        """Give the arrival of a case; `None` where nothing was kept."""
        return self._get(case_id)

    def ct_hashes(self) -> dict[str, str]:
        """Give the hash of each `ct.nii.gz`, by case, where it is kept."""
        asked = select(ArrivalRow.case_id, ArrivalRow.ct_sha256).where(ArrivalRow.ct_sha256.is_not(None))
        with self._database.reading() as session:
            return {case_id: sha256 or "" for case_id, sha256 in session.execute(asked)}
