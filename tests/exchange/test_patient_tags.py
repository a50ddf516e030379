import pytest

from omentum.exchange.patient_facts import PatientFacts
from omentum.exchange.patient_tags import identity_of, is_placeholder
from omentum.records import PatientIdentity

SECRET = bytes(32)


@pytest.mark.parametrize(
    "text",
    [
        "", " ",
        "0", "000", "ANON", "anonymous", "ANONYMOUS^PATIENT", "Unknown", "UNKNOWN^", "N/A", "none",
        "xxx", "99999999", "123456", "-", "...", "De-Identified", "REMOVED", "No ID", "Patient", "匿名",
        "PSEUDONYM", "HIDDEN", "Not specified", "No Patient ID", "NotProvided", "PHI REMOVED", "Anonimizado",
    ],
)  # fmt: skip
def test_what_anonymisers_write_in_place_of_an_identifier_is_a_placeholder(text):
    assert is_placeholder(text)
    assert identity_of({"PatientID": text}, SECRET).named == ""


@pytest.mark.parametrize(
    "text", ["1", "7", "22", "ANON-017", "P0", "Patient 12", "C3L-00189", "Müller", "12345678901"]
)
def test_what_may_be_one_person_names_a_patient(text):
    assert not is_placeholder(text)
    assert identity_of({"PatientID": text}, SECRET).named.startswith("p-")


def test_uids_that_are_made_up_or_of_the_standard_are_of_no_one_study():
    for uid in ("", "0", "1.2.3", "1.2.840.10008.1.4.1.1"):
        found = identity_of({"StudyInstanceUID": uid, "FrameOfReferenceUID": uid}, SECRET)
        assert (found.study, found.frame) == ("", "")


def test_nothing_that_identifies_a_person_is_kept():
    tags = {
        "PatientID": "MRN77",
        "StudyInstanceUID": "1.2.840.113619.2.55.3", "FrameOfReferenceUID": "1.2.840.113619.2.9",
        "PatientBirthDate": "19610423", "PatientAge": "061Y", "PatientSex": "M",
    }  # fmt: skip
    found = repr(identity_of(tags, SECRET))
    assert not any(text in found for text in ("MRN77", "113619", "1961", "0423", "61"))
    assert identity_of(tags, SECRET) != identity_of(tags, bytes(31) + b"1")


@pytest.mark.parametrize("date", ["", "00000000", "19000101", "1961"])
def test_dates_of_birth_that_anonymisers_write_are_none(date):
    assert identity_of({"PatientBirthDate": date}, SECRET).birth_year == ""


def test_a_person_who_ages_stays_one_and_another_sex_or_year_of_birth_is_told():
    facts = PatientFacts(first_case="a")
    facts.add(PatientIdentity(sex="F", birth_year="y", birth_date="d", age_decade=50))
    assert facts.why_other_person(PatientIdentity(age_decade=60)) is None
    assert facts.why_other_person(PatientIdentity()) is None
    assert facts.why_other_person(PatientIdentity(sex="M")) == "the sex is another"
    assert facts.why_other_person(PatientIdentity(birth_year="z")) == "the year of birth is another"
    assert facts.why_other_person(PatientIdentity(age_decade=80)) == "the age differs by about 30 years"
    same_year = PatientIdentity(birth_year="y", birth_date="e")
    assert facts.why_other_person(same_year) is None
    assert facts.contradictions(same_year) == ["the date of birth is another"]


def test_a_patient_id_in_another_spelling_is_the_same():
    upper, lower = (identity_of({"PatientID": text}, SECRET) for text in ("LIV-001", "liv-001"))
    assert upper.named != lower.named
    assert upper.also_named == (lower.named,)
    assert lower.also_named == ()
