"""Keep what was seen of each case when it came in: hashes, whom it is like, findings about the CT."""

from typing import Any

from sqlalchemy import select

from omentum.records import Arrival
from omentum.store.database import Database
from omentum.store.findings import finding_rows, findings_of
from omentum.store.tables import ArrivalRow

__all__ = ["Arrivals"]


class Arrivals:
    """The arrivals of a project's cases."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, arrival: Arrival) -> None:
        """Keep what was seen of a case, in place of what was kept of it before."""
        with self._database.writing() as session:
            session.merge(ArrivalRow(**_values(arrival)))

    def all(self) -> dict[str, Arrival]:
        """Give all arrivals, by case."""
        with self._database.reading() as session:
            rows = session.scalars(select(ArrivalRow))
            return {row.case_id: _record(row) for row in sorted(rows, key=lambda row: row.case_id)}

    def of_case(self, case_id: str) -> Arrival | None:
        """Give what was seen of a case; `None` where nothing was kept."""
        with self._database.reading() as session:
            row = session.get(ArrivalRow, case_id)
            return None if row is None else _record(row)

    def ct_hashes(self) -> dict[str, str]:
        """Give the hash of each `ct.nii.gz`, by case, where it is kept."""
        asked = select(ArrivalRow.case_id, ArrivalRow.ct_sha256).where(ArrivalRow.ct_sha256.is_not(None))
        with self._database.reading() as session:
            return {case_id: sha256 or "" for case_id, sha256 in session.execute(asked)}


def _values(arrival: Arrival) -> dict[str, Any]:
    return {
        "case_id": arrival.case_id,
        "ct_sha256": arrival.ct_sha256,
        "voxels": arrival.voxels,
        "thumbnail": arrival.thumbnail,
        "same_voxels_as": arrival.same_voxels_as,
        "likely_patient_of": arrival.likely_patient_of,
        "patient_in_source": arrival.patient_in_source,
        "patients_conflict": arrival.patients_conflict,
        "findings": finding_rows(arrival.findings),
        "time": arrival.time,
    }


def _record(row: ArrivalRow) -> Arrival:
    return Arrival(
        case_id=row.case_id,
        ct_sha256=row.ct_sha256,
        voxels=row.voxels,
        thumbnail=row.thumbnail,
        same_voxels_as=row.same_voxels_as,
        likely_patient_of=row.likely_patient_of,
        patient_in_source=row.patient_in_source,
        patients_conflict=row.patients_conflict,
        findings=findings_of(row.findings),
        time=row.time,
    )
