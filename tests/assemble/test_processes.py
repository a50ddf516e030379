from operator import attrgetter

import pytest

from omentum.assemble.priority import CaseInputs
from omentum.assemble.processes import in_processes
from omentum.assemble.release import build_release
from omentum.errors import ReleaseError


@pytest.fixture
def cases(make, blob):
    known = []
    for n in range(3):
        case = make.case(f"case_{n}")
        known.append(CaseInputs(case=case, prediction=make.prediction(case, {"liver": blob(n)})))
    return known


@pytest.fixture
def told():
    return []


@pytest.fixture
def two_at_a_time(told):
    return lambda work, cases: in_processes(work, cases, n_workers=2, progress=told.append)


def test_several_processes_make_the_same_release_and_tell_of_each_case(cases, tmp_path, two_at_a_time, told):
    alone = build_release("V1", tmp_path / "alone", cases)
    together = build_release("V1", tmp_path / "together", cases, run=two_at_a_time)
    assert together.manifest_sha256 == alone.manifest_sha256
    assert sorted(one.key for one in told) == ["case_0", "case_1", "case_2"]
    assert [one.n_ended for one in told] == [1, 2, 3]


def test_a_case_that_fails_in_its_process_is_told_and_the_others_are_kept(cases, tmp_path, two_at_a_time):
    cases[1].prediction.masks_path.unlink()
    with pytest.raises(ReleaseError, match=r"1 of 3 cases failed .case_1: .*no such file"):
        build_release("V1", tmp_path, cases, run=two_at_a_time)
    assert (tmp_path / ".V1.partial" / "case_2" / "lineage.json").is_file()


def test_what_is_no_fault_of_a_case_goes_up(cases):
    with pytest.raises(AttributeError, match="nothing"):
        in_processes(attrgetter("nothing"), cases, n_workers=1)
