"""Tell from DICOM headers whose CT it is, without keeping who that is.

Out: `PatientIdentity` with keyed hashes. Values that anonymisers put in place of an identifier count as none.
"""

import re
from collections.abc import Mapping

from omentum.names import pseudonym
from omentum.records import PatientIdentity

__all__ = ["identity_of", "is_placeholder"]

_PLACEHOLDERS = re.compile(
    r"(anon|anonym|anonymi[sz]ed?|anonymous|anonyme|anonymisé|anonimo|anonimizado|anonimizzato|anonymisiert"
    r"|匿名化?|未知|unbekannt|deidentif(?:ied|y)|deid|pseudonymi[sz]ed|pseudonym|pseudo|hidden|masked|blank|empty"
    r"|private|confidential|removed|redacted|phi|data|info|unknown|unk|undefined|unspecified|unassigned|missing"
    r"|none|null|nil|na|nan|not|no|provided|specified|known|available|applicable|given|no(?:body|name)"
    r"|default|dummy|test|temp|tmp|example|sample|phantom|research|by"
    r"|patient|patientid|patientname|pat|pid|mrn|id|subject|name|nn|johndoe|janedoe|doe)*"
)
"""Words, of letters alone, that stand for no person, also several of them: `ANONYMOUS^PATIENT`."""
_COUNTED = frozenset("1234567890"[:n] for n in range(5, 11)) | frozenset(
    "0123456789"[:n] for n in range(5, 11)
)
_SIGNS = 3
"""So many of one sign, as in `999`, are no number that was counted up to."""
_SHORTEST_UID = 10
"""A UID with fewer characters, such as `1.2.3`, is made up, and made up again for the next patient."""
_STANDARD_ROOT = "1.2.840.10008."
"""UIDs that the standard defines, such as frames of reference of atlases, are of no one patient."""


def is_placeholder(patient_id: str) -> bool:
    """Return whether a PatientID stands for no particular person.

    Example:
        >>> [is_placeholder(one) for one in ("", "000", "ANON", "Anonymous^Patient", "xxx", "ANON-017", "17")]
        [True, True, True, True, True, False, False]
    """
    plain = "".join(re.findall(r"[^\W_]", patient_id.casefold()))
    is_one_sign = len(set(plain)) <= 1 and (len(plain) >= _SIGNS or plain[:1] in {"", "0", "x"})
    return is_one_sign or plain in _COUNTED or _PLACEHOLDERS.fullmatch(plain) is not None


def identity_of(tags: Mapping[str, str], secret: bytes) -> PatientIdentity:
    """Replace identifiers by keyed hashes.

    Args:
        tags: Values by keyword; those that are missing are empty.
        secret: The project's.

    Example:
        >>> identity_of({"PatientID": "0", "PatientSex": "f", "PatientAge": "047Y"}, bytes(32))
        PatientIdentity(named='', also_named=(), study='', frame='', sex='F', birth_year='', birth_date='',
        age_decade=40)
    """

    def keyed(kind: str, value: str) -> str:
        return pseudonym(secret, f"{kind} {value}") if value else ""

    patient_id = tags.get("PatientID", "").strip()
    is_nobody, plain = is_placeholder(patient_id), " ".join(patient_id.casefold().split())
    sex = tags.get("PatientSex", "").strip().upper()[:1]
    born = re.sub(r"[.\-/]", "", tags.get("PatientBirthDate", "").strip())
    is_date = re.fullmatch(r"(?!0000|19000101|19000000)\d{8}", born) is not None
    return PatientIdentity(
        named="" if is_nobody else pseudonym(secret, patient_id),
        also_named=() if is_nobody or plain == patient_id else (pseudonym(secret, plain),),
        study=keyed("study", _telling_uid(tags.get("StudyInstanceUID", ""))),
        frame=keyed("frame", _telling_uid(tags.get("FrameOfReferenceUID", ""))),
        sex=sex if sex in {"F", "M"} else "",
        birth_year=keyed("year of birth", born[:4] if is_date else ""),
        birth_date=keyed("date of birth", born if is_date else ""),
        age_decade=_decade(tags.get("PatientAge", "")),
    )


def _telling_uid(uid: str) -> str:
    uid = uid.strip()
    return "" if len(uid) < _SHORTEST_UID or uid.startswith(_STANDARD_ROOT) else uid


def _decade(age: str) -> int | None:
    """Read an age string; years of zero stand for no age."""
    found = re.fullmatch(r"0*([1-9]\d{0,2})Y?", age.strip().upper())
    return None if found is None else int(found[1]) // 10 * 10
