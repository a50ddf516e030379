"""Keep what was observed when each case was added: hashes, similar cases, findings about the CT."""

from omentum.records import Arrival
from omentum.store.record_table import RecordTable, has_findings
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

    def with_findings(self) -> dict[str, Arrival]:
        """Give the arrivals in which something was found about the CT itself, by case."""
        return {one.case_id: one for one in self._select(has_findings(ArrivalRow.findings))}

    def of_case(self, case_id: str) -> Arrival | None:
        """Give the arrival of a case; `None` where nothing was kept."""
        return self._get(case_id)
