"""Compare what the sources of one patient's CTs say of the person."""

from dataclasses import dataclass, field

from omentum.records import PatientIdentity

__all__ = ["PatientFacts"]

_UNLIKE_AGE_YEARS = 20
"""Ages that differ by this and more, in full decades, are of two persons; CTs may be ten years apart."""


@dataclass(slots=True, kw_only=True)
class PatientFacts:
    """What is known of the person whom one `patient_id` stands for.

    Attributes:
        first_case: The case that came first.
    """

    first_case: str
    _sexes: set[str] = field(default_factory=set)
    _birth_years: set[str] = field(default_factory=set)
    _birth_dates: set[str] = field(default_factory=set)
    _age_decades: set[int] = field(default_factory=set)

    def add(self, identity: PatientIdentity) -> None:
        """Add what the source of another CT says."""
        self._sexes |= {identity.sex} - {""}
        self._birth_years |= {identity.birth_year} - {""}
        self._birth_dates |= {identity.birth_date} - {""}
        if identity.age_decade is not None:
            self._age_decades.add(identity.age_decade)

    def why_other_person(self, identity: PatientIdentity) -> str | None:
        """Say why a CT is of another person, though it has the same name; `None` if nothing says so."""
        if identity.sex and self._sexes - {identity.sex}:
            return "the sex is another"
        if identity.birth_year and self._birth_years:
            return None if identity.birth_year in self._birth_years else "the year of birth is another"
        return self._why_unlike_age(identity)

    def contradictions(self, identity: PatientIdentity) -> list[str]:
        """List what contradicts that a CT is of this person."""
        told = []
        if identity.sex and self._sexes - {identity.sex}:
            told.append("the sex is another")
        if identity.birth_date and self._birth_dates - {identity.birth_date}:
            told.append("the date of birth is another")
        elif not identity.birth_date or not self._birth_dates:
            age = self._why_unlike_age(identity)
            told += [age] if age else []
        return told

    def _why_unlike_age(self, identity: PatientIdentity) -> str | None:
        age = identity.age_decade
        if age is None or all(abs(age - one) < _UNLIKE_AGE_YEARS for one in self._age_decades):
            return None
        return f"the age differs by about {max(abs(age - one) for one in self._age_decades)} years"
