"""Find CTs of one study or frame of reference, and UIDs that a program wrote alike for all patients."""

from dataclasses import dataclass, field

from omentum.exchange.patient_facts import PatientFacts
from omentum.records import PatientIdentity

__all__ = ["MOST_NAMES", "SharedUids"]

MOST_NAMES = 4
"""Each phase of one study may have got a PatientID of its own; with more of them, the UID says nothing."""


@dataclass(slots=True)
class _Holders:
    """The CTs that have one UID."""

    facts: PatientFacts
    names: set[str] = field(default_factory=set)
    n_named: int = 0
    is_worn_out: bool = False

    def is_of_another(self, identity: PatientIdentity) -> bool:
        """Return whether a CT with the UID shows that it is not one person's."""
        if not (identity.named and self.names) or self._is_named(identity):
            return False
        return self.n_named >= MOST_NAMES or self.facts.why_other_person(identity) is not None

    def add(self, identity: PatientIdentity) -> None:
        self.is_worn_out |= self.is_of_another(identity)
        self.n_named += bool(identity.named) and not self._is_named(identity)
        self.names |= {identity.named, *identity.also_named} - {""}
        self.facts.add(identity)

    def _is_named(self, identity: PatientIdentity) -> bool:
        return not self.names.isdisjoint({identity.named, *identity.also_named})


class SharedUids:
    """The studies and frames of reference of known CTs."""

    def __init__(self) -> None:
        self._of: dict[str, _Holders] = {}

    def first_case(self, uid: str, identity: PatientIdentity) -> str | None:
        """Find the first case with a UID; `None` where it joins no CTs."""
        holders = self._of.get(uid)
        if holders is None or holders.is_worn_out or holders.is_of_another(identity):
            return None
        return holders.facts.first_case

    def worn_out_by(self, uid: str, identity: PatientIdentity) -> str | None:
        """Find the first case with a UID that this CT is the first to show as not one person's."""
        holders = self._of.get(uid)
        if holders is None or holders.is_worn_out or not holders.is_of_another(identity):
            return None
        return holders.facts.first_case

    def add(self, uid: str, case_id: str, identity: PatientIdentity) -> None:
        """Add a CT; an empty UID is none."""
        if uid:
            self._of.setdefault(uid, _Holders(PatientFacts(first_case=case_id))).add(identity)
