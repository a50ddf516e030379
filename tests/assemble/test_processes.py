from functools import partial

import pytest

from omentum.assemble.manifest import read_left_out
from omentum.assemble.release import build_release
from omentum.runners.processes import ProcessRunner


@pytest.fixture
def cases(make, blob):
    known = []
    for n in range(3):
        case = make.case(f"case_{n}")
        known.append(make.inputs(case, make.prediction(case, {"liver": blob(n)})))
    return known


@pytest.fixture
def told():
    return []


@pytest.fixture
def two_at_a_time(told):
    return partial(ProcessRunner(2).run, progress=lambda *progress: told.append(progress))


def test_several_processes_make_the_same_release_and_tell_of_each_case(cases, tmp_path, two_at_a_time, told):
    alone = build_release("V1", tmp_path / "alone", cases)
    together = build_release("V1", tmp_path / "together", cases, run=two_at_a_time)
    assert together.manifest_sha256 == alone.manifest_sha256
    assert sorted(note for *_, note in told) == ["case_0", "case_1", "case_2"]
    assert [n_done for _, n_done, *_ in told] == [1, 2, 3]


def test_a_case_that_fails_in_its_process_is_left_out_of_the_release(cases, tmp_path, two_at_a_time):
    cases[1].prediction.masks_path.unlink()
    made = build_release("V1", tmp_path, cases, run=two_at_a_time)
    assert made.n_cases == 2
    ((case_id, why),) = read_left_out(made.folder).left_out.items()
    assert (case_id, "no such file" in why) == ("case_1", True)
