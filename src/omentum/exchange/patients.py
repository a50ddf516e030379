"""Find the CTs of one patient that came in under several names.

In:  cases as they come in, with their fingerprints.
Out: each case with a `patient_id` that likely same patients share, so that the split by patient keeps all
     of them on one side; and which earlier case it is like.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from omentum.exchange.fingerprint import Fingerprint, KnownScans
from omentum.records import Arrival, Case

__all__ = ["PatientMatch", "Patients"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientMatch:
    """A case and whose it is.

    Attributes:
        case: With the patient that it counts for.
        same_voxels: Case with the very same voxels, if there is one.
        alike: Case that is likely of the same patient, if there is one.
        own_patient: What its source says of the patient, where that is not `case.patient_id`.
        conflict: Whether the two patients were both known before, so that they stay apart; a person decides.
    """

    case: Case
    same_voxels: str | None = None
    alike: str | None = None
    own_patient: str | None = None
    conflict: bool = False


class Patients:
    """Whose the cases of a project are.

    Args:
        cases: That there are.
        arrivals: What was seen of each when it came in, by case.
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
        """Say whose a case is, and know it from now on."""
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
