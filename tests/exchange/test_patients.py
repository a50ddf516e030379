import numpy as np
import pytest

from omentum.exchange.fingerprint import Fingerprint
from omentum.exchange.patients import Patients
from omentum.records import Arrival, Case
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
