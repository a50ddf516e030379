"""Match CTs of one patient that came in under several names.

Out: each case with a `patient_id` that its likely twins share, so that splits by patient keep them together.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from omentum.exchange.fingerprint import Fingerprint, KnownScans
from omentum.records import Arrival, Case

__all__ = ["PatientMatch", "Patients"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientMatch:
    """A case and its patient.

    Attributes:
        case: The case, with the patient that it counts for.
        same_voxels: Another case with the same voxels, if any.
        alike: Another case that is likely of the same patient, if any.
        own_patient: The patient that its source names, if that is not `case.patient_id`.
        conflict: Whether both patients were known before; they stay apart, and a person decides.
    """

    case: Case
    same_voxels: str | None = None
    alike: str | None = None
    own_patient: str | None = None
    conflict: bool = False


class Patients:
    """The patients of a project's cases.

    Args:
        cases: All cases.
        arrivals: Their fingerprints, by case.
    """

    def __init__(self, cases: Iterable[Case], arrivals: Mapping[str, Arrival]) -> None:
        self._scans = KnownScans()
        self._patient_of = {case.case_id: case.patient_id for case in cases}
        self._known = set(self._patient_of.values())
        self._counts_as: dict[str, str] = {}
        for case_id, arrival in arrivals.items():
            if case_id in self._patient_of and arrival.voxels:
                seen = Fingerprint(voxels=arrival.voxels, thumbnail=arrival.thumbnail)
                self._scans.add(case_id, seen)
                if arrival.patient_in_source is not None:
                    self._counts_as[arrival.patient_in_source] = self._patient_of[case_id]

    def settle(self, case: Case, seen: Fingerprint) -> PatientMatch:
        """Match a case with a patient, and remember it."""
        own = self._counts_as.get(case.patient_id, case.patient_id)
        twin = self._scans.same_voxels(seen)
        like = twin or self._scans.alike(seen)
        other = own if like is None else self._patient_of[like]
        conflict = other != own and own in self._known
        patient_id = own if conflict else other
        if patient_id != case.patient_id:
            self._counts_as[case.patient_id] = patient_id
        self._scans.add(case.case_id, seen)
        self._patient_of[case.case_id] = patient_id
        self._known.add(patient_id)
        return PatientMatch(
            case=replace(case, patient_id=patient_id),
            same_voxels=twin,
            alike=like if twin is None else None,
            own_patient=case.patient_id if patient_id != case.patient_id else None,
            conflict=conflict,
        )
