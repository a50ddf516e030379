import numpy as np
import pytest

from omentum.exchange.fingerprint import Fingerprint
from omentum.exchange.patients import Patients
from omentum.records import Arrival, Case, LinkKind, PatientIdentity
from omentum.volumes.geometry import Geometry

GRID = Geometry((9, 9, 9), np.eye(4))


@pytest.fixture
def case(tmp_path):
    """Make a case of a patient."""

    def make(case_id: str, patient_id: str) -> Case:
        return Case(case_id=case_id, patient_id=patient_id, ct_path=tmp_path, geometry=GRID, source="x")

    return make


def seen(voxels: str, level: int) -> Fingerprint:
    return Fingerprint(voxels=voxels, thumbnail=f"{level:02x}" * 512)


def arrived(settled, found: Fingerprint) -> Arrival:
    return Arrival(
        case_id=settled.case.case_id,
        voxels=found.voxels,
        thumbnail=found.thumbnail,
        patient_in_source=settled.own_patient,
    )


def test_a_second_copy_counts_for_the_first_ones_patient_and_so_do_later_cts_of_its_own(case):
    patients = Patients([], {})
    assert patients.settle(case("a", "A"), seen("1", 10)).case.patient_id == "A"
    copy = patients.settle(case("b", "B"), seen("1", 10))
    assert (copy.case.patient_id, copy.same_voxels, copy.alike) == ("A", "a", None)
    assert patients.settle(case("b2", "B"), seen("2", 200)).case.patient_id == "A"


def test_what_was_merged_is_known_in_the_next_run(case):
    first = Patients([], {})
    one, two = first.settle(case("a", "A"), seen("1", 10)), first.settle(case("b", "B"), seen("2", 11))
    assert two.alike == "a"
    arrivals = {"a": arrived(one, seen("1", 10)), "b": arrived(two, seen("2", 11))}
    again = Patients([one.case, two.case], arrivals)
    assert again.settle(case("b2", "B"), seen("3", 200)).case.patient_id == "A"


def test_patients_that_were_both_known_stay_apart_and_it_is_told(case):
    patients = Patients([], {})
    patients.settle(case("a", "A"), seen("1", 10))
    patients.settle(case("b", "B"), seen("2", 200))
    third = patients.settle(case("b2", "B"), seen("3", 10))
    assert (third.case.patient_id, third.alike, third.conflict) == ("B", "a", True)
    assert (third.same_voxels, third.own_patient) == (None, None)


def ties(match):
    return [(link.other, link.why, link.kind) for link in match.links]


def test_one_study_and_one_frame_of_reference_are_one_patient(case):
    patients = Patients([], {})
    first = patients.settle(case("a", "a"), seen("1", 10), PatientIdentity(study="s", frame="f"))
    study = patients.settle(case("b", "b"), seen("2", 60), PatientIdentity(study="s"))
    frame = patients.settle(case("c", "C"), seen("3", 90), PatientIdentity(frame="f", named="C"))
    other = patients.settle(case("d", "d"), seen("4", 120), PatientIdentity(study="t", frame="g"))
    assert [one.case.patient_id for one in (first, study, frame, other)] == ["a", "a", "a", "d"]
    assert ties(study) == [("a", "the same study", LinkKind.JOINED)]
    assert ties(frame) == [("a", "the same frame of reference", LinkKind.JOINED)]
    assert ties(other) == []


def test_one_name_of_two_persons_is_split_and_told_and_each_keeps_its_later_cts(case):
    patients = Patients([], {})
    patients.settle(case("a", "P"), seen("1", 10), PatientIdentity(named="P", sex="F"))
    man = patients.settle(case("b", "P"), seen("2", 60), PatientIdentity(named="P", sex="M"))
    again = patients.settle(case("c", "P"), seen("3", 90), PatientIdentity(named="P", sex="M"))
    woman = patients.settle(case("d", "P"), seen("4", 120), PatientIdentity(named="P", sex="F"))
    assert [one.case.patient_id for one in (man, again, woman)] == ["b", "b", "P"]
    assert ties(man) == [("a", "the sex is another", LinkKind.SPLIT)]
    assert "another patient" in str(man.links[0])


def test_what_one_study_contradicts_stays_one_patient_and_is_told(case):
    patients = Patients([], {})
    patients.settle(case("a", "a"), seen("1", 10), PatientIdentity(study="s", sex="F"))
    other = patients.settle(case("b", "b"), seen("2", 60), PatientIdentity(study="s", sex="M"))
    assert other.case.patient_id == "a"
    assert ties(other)[1:] == [("a", "the sex is another", LinkKind.CONTRADICTS)]


def sides(held_out, training):
    return {**dict.fromkeys(held_out, True), **dict.fromkeys(training, False)}.get


def test_a_copy_of_a_held_out_ct_never_trains_though_its_patient_does(case):
    patients = Patients([], {}, sides("A", "B"))
    patients.settle(case("a", "A"), seen("1", 10))
    patients.settle(case("b", "B"), seen("2", 200))
    copy = patients.settle(case("b2", "B"), seen("1", 10))
    assert (copy.case.patient_id, copy.conflict, copy.same_voxels) == ("A", True, "a")
    assert ("b", "the same patient by name in the source", LinkKind.APART) in ties(copy)
    assert patients.settle(case("b3", "B"), seen("3", 90)).case.patient_id == "B"


def test_a_copy_of_a_training_ct_does_not_evaluate_though_its_patient_is_held_out(case):
    patients = Patients([], {}, sides("A", "B"))
    patients.settle(case("a", "A"), seen("1", 10))
    patients.settle(case("b", "B"), seen("2", 200))
    assert patients.settle(case("a2", "A"), seen("2", 200)).case.patient_id == "B"


def test_who_is_tied_to_both_sides_is_held_out(case):
    patients = Patients([], {}, sides("A", "B"))
    patients.settle(case("a", "A"), seen("1", 10), PatientIdentity(study="s"))
    patients.settle(case("b", "B"), seen("2", 200))
    both = patients.settle(case("b2", "B"), seen("3", 90), PatientIdentity(study="s"))
    assert (both.case.patient_id, both.conflict) == ("A", True)


def test_a_crop_is_of_the_patient_of_the_whole_in_the_next_run_too(case):
    whole = Fingerprint(voxels="1", thumbnail="0a" * 512, slices="00000000000000aa00000000000000bb")
    part = Fingerprint(voxels="2", thumbnail="99" * 512, slices="00000000000000bb")
    arrival = Arrival(case_id="a", voxels="1", thumbnail=whole.thumbnail, slices=whole.slices)
    crop = Patients([case("a", "A")], {"a": arrival}).settle(case("b", "b"), part)
    assert (crop.case.patient_id, crop.alike, crop.same_voxels) == ("A", "a", None)
    assert ties(crop) == [("a", "some of the same slices", LinkKind.JOINED)]


def test_either_name_of_a_patient_joins(case):
    patients = Patients([], {})
    patients.settle(case("a", "P1"), seen("1", 10), PatientIdentity(named="P1", also_named=("of pattern",)))
    second = PatientIdentity(named="P2", also_named=("of pattern",))
    assert patients.settle(case("b", "P2"), seen("2", 60), second).case.patient_id == "P1"
    assert (
        patients.settle(case("c", "P2"), seen("3", 90), PatientIdentity(named="P2")).case.patient_id == "P1"
    )


def test_names_of_two_known_patients_are_told(case):
    patients = Patients([], {})
    for name, level in (("A", 10), ("B", 60)):
        patients.settle(case(name.lower(), name), seen(name, level), PatientIdentity(named=name))
    both = PatientIdentity(named="A", also_named=("B",))
    match = patients.settle(case("c", "A"), seen("3", 90), both)
    assert match.case.patient_id == "A"
    assert ties(match)[1:] == [("b", "the same patient by name in the source", LinkKind.APART)]


def settled(case, identities, patients=None):
    patients = Patients([], {}) if patients is None else patients
    return [
        patients.settle(case(f"c{n}", one.named or f"c{n}"), seen(f"{n}", 20 * n), one)
        for n, one in enumerate(identities)
    ]


def test_a_frame_that_many_patient_ids_have_joins_no_more_and_is_told_once(case):
    found = settled(case, [PatientIdentity(named=f"P{n}", frame="f") for n in range(8)])
    assert [one.case.patient_id for one in found] == ["P0"] * 4 + ["P4", "P5", "P6", "P7"]
    assert [len(one.links) for one in found[4:]] == [1, 0, 0, 0]
    assert ties(found[4]) == [("c0", "the same frame of reference", LinkKind.WORN_OUT)]
    known = [one.case for one in found]
    arrivals = {
        one.case.case_id: Arrival(
            case_id=one.case.case_id, identity=PatientIdentity(named=f"P{n}", frame="f")
        )
        for n, one in enumerate(found)
    }
    later = Patients(known, arrivals).settle(case("x", "X"), seen("x", 200), PatientIdentity(frame="f"))
    assert (later.case.patient_id, later.links) == ("X", ())


def test_a_study_of_two_patient_ids_and_two_sexes_joins_nothing(case):
    woman, man = (
        PatientIdentity(named="A", study="s", sex="F"),
        PatientIdentity(named="B", study="s", sex="M"),
    )
    found = settled(case, [woman, man])
    assert [one.case.patient_id for one in found] == ["A", "B"]
    assert ties(found[1]) == [("c0", "the same study", LinkKind.WORN_OUT)]
    assert "joins no more CTs" in str(found[1].links[0])
