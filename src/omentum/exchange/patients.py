"""Match CTs of one patient that came in under several names.

Out: each case with a `patient_id` that its likely twins share, so that splits by patient keep them together,
     and links that say why. Known cases keep their patients and their split.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from omentum.exchange.fingerprint import Fingerprint, KnownScans
from omentum.exchange.patient_facts import PatientFacts
from omentum.exchange.shared_uids import SharedUids
from omentum.records import Arrival, Case, LinkKind, PatientIdentity, PatientLink, Shared

__all__ = ["PatientMatch", "Patients"]

_NOTHING_SAID = PatientIdentity()
_PICTURES = frozenset({Shared.VOXELS, Shared.SLICES, Shared.THUMBNAIL})


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientMatch:
    """A case and its patient.

    Attributes:
        case: The case, with the patient that it counts for.
        same_voxels: Another case with the same voxels, if any.
        alike: Another case that is likely of the same patient, if any.
        own_patient: The patient that its source names, if that is not `case.patient_id`.
        conflict: Whether several patients were known before; they stay apart, and a person decides.
        links: What ties the case to others, and what contradicts that.
    """

    case: Case
    same_voxels: str | None = None
    alike: str | None = None
    own_patient: str | None = None
    conflict: bool = False
    links: tuple[PatientLink, ...] = ()


class Patients:
    """The patients of a project's cases.

    Args:
        cases: All cases.
        arrivals: Their fingerprints, by case.
        is_held_out: Tells of a patient whether it is held out; `None` if it has no case.
    """

    def __init__(
        self,
        cases: Iterable[Case],
        arrivals: Mapping[str, Arrival],
        is_held_out: Callable[[str], bool | None] = lambda _: None,
    ) -> None:
        self._scans = KnownScans()
        self._is_held_out = is_held_out
        self._patient_of: dict[str, str] = {}
        self._facts: dict[str, PatientFacts] = {}
        self._counts_as: dict[str, dict[str, str]] = {}
        self._uids = SharedUids()
        for case in cases:
            arrival = arrivals.get(case.case_id, Arrival(case_id=case.case_id))
            seen = None
            if arrival.voxels:
                seen = Fingerprint(voxels=arrival.voxels, thumbnail=arrival.thumbnail, slices=arrival.slices)
            own = arrival.patient_in_source or case.patient_id
            self._remember(case, own, arrival.identity, seen)

    def settle(
        self, case: Case, seen: Fingerprint, identity: PatientIdentity = _NOTHING_SAID
    ) -> PatientMatch:
        """Match a case with a patient, and remember it.

        Args:
            case: The case, of the patient that its source names.
            seen: Its fingerprint.
            identity: What else its source says.
        """
        named, split = self._by_name(case, identity)
        pictures, found = self._evidence(seen, identity)
        joins = [*(PatientLink(other=one, why=Shared.NAME) for one in named), *found]
        own = case.patient_id if split is None else case.case_id
        patient_id = self._chosen(self._patient_of[named[0]] if named else own, joins)
        links = [self._as_told(link, patient_id) for link in joins]
        if split is not None and self._patient_of[split.other] != patient_id:
            links.append(split)
        links += [*self._contradictions(patient_id, identity), *self._worn_out(identity)]
        is_alike = pictures and pictures[0].why != Shared.VOXELS
        self._remember(replace(case, patient_id=patient_id), case.patient_id, identity, seen)
        return PatientMatch(
            case=replace(case, patient_id=patient_id),
            same_voxels=pictures[0].other if pictures and not is_alike else None,
            alike=pictures[0].other if is_alike else None,
            own_patient=case.patient_id if patient_id != case.patient_id else None,
            conflict=any(link.kind is LinkKind.APART for link in links),
            links=tuple(links),
        )

    def _by_name(self, case: Case, identity: PatientIdentity) -> tuple[list[str], PatientLink | None]:
        """Find cases of the same names in the source, one a name, and a link to one that it cannot be of."""
        found, split = [], None
        for name in dict.fromkeys((case.patient_id, *identity.also_named)):
            for patient_id, first_case in self._counts_as.get(name, {}).items():
                why = self._facts[patient_id].why_other_person(identity)
                if why is None:
                    found.append(first_case)
                    break
                split = split or PatientLink(other=first_case, why=why, kind=LinkKind.SPLIT)
        of_patients = {self._patient_of[one]: one for one in reversed(found)}
        return list(reversed(of_patients.values())), None if found else split

    def _evidence(
        self, seen: Fingerprint, identity: PatientIdentity
    ) -> tuple[list[PatientLink], list[PatientLink]]:
        """Find cases with the same picture, and with those the ones of the same study or frame."""
        twin, like = self._scans.same_voxels(seen), self._scans.alike(seen)
        by_picture = [(twin, Shared.VOXELS), *((one, Shared.SLICES) for one in self._scans.same_slices(seen))]
        by_picture.append((like, Shared.THUMBNAIL))
        by_uid = [(self._uids.first_case(uid, identity), why) for uid, why in _uids(identity)]
        pictures = _each_once(by_picture)
        return pictures, pictures + _each_once(by_uid)

    def _chosen(self, own: str, joins: Sequence[PatientLink]) -> str:
        """Choose the patient of a case: its own if that is known, else one that it is linked with.

        Where one of them is held out and another trains, the case goes to the CT that shows the same, so that
        no copy of a CT is on the other side; without such a CT, to the patient who is held out.
        """
        linked = [self._patient_of[link.other] for link in joins]
        known = list(dict.fromkeys([*([own] if own in self._facts else []), *linked]))
        if len({self._is_held_out(one) for one in known}) > 1:
            copies = [self._patient_of[link.other] for link in joins if link.why in _PICTURES]
            known = sorted(copies or known, key=lambda one: not self._is_held_out(one))
        return known[0] if known else own

    def _as_told(self, link: PatientLink, patient_id: str) -> PatientLink:
        is_joined = self._patient_of[link.other] == patient_id
        return link if is_joined else replace(link, kind=LinkKind.APART)

    def _contradictions(self, patient_id: str, identity: PatientIdentity) -> list[PatientLink]:
        facts = self._facts.get(patient_id)
        if facts is None:
            return []
        return [
            PatientLink(other=facts.first_case, why=why, kind=LinkKind.CONTRADICTS)
            for why in facts.contradictions(identity)
        ]

    def _worn_out(self, identity: PatientIdentity) -> list[PatientLink]:
        found = [(self._uids.worn_out_by(uid, identity), why) for uid, why in _uids(identity)]
        return [replace(link, kind=LinkKind.WORN_OUT) for link in _each_once(found)]

    def _remember(self, case: Case, own: str, identity: PatientIdentity, seen: Fingerprint | None) -> None:
        patient_id = case.patient_id
        self._patient_of[case.case_id] = patient_id
        facts = self._facts.setdefault(patient_id, PatientFacts(first_case=case.case_id))
        facts.add(identity)
        for name in {own, patient_id, identity.named, *identity.also_named} - {""}:
            self._counts_as.setdefault(name, {}).setdefault(patient_id, case.case_id)
        for uid, _ in _uids(identity):
            self._uids.add(uid, case.case_id, identity)
        if seen is not None:
            self._scans.add(case.case_id, seen)


def _uids(identity: PatientIdentity) -> list[tuple[str, Shared]]:
    return [(identity.study, Shared.STUDY), (identity.frame, Shared.FRAME)]


def _each_once(found: Iterable[tuple[str | None, str]]) -> list[PatientLink]:
    """Make a link to each case, by the first reason that is given for it."""
    reasons: dict[str, str] = {}
    for other, why in found:
        if other is not None:
            reasons.setdefault(other, why)
    return [PatientLink(other=other, why=why) for other, why in reasons.items()]
