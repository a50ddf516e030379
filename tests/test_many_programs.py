"""Several programs predict one project: each case once, and what one leaves another takes."""

import re
import signal
import time

import pytest

from fixtures.shared_projects import STAGE, contents, start
from omentum.predict.stage import predict_round
from omentum.project.project import opened
from omentum.project.settings import change_settings
from omentum.records.jobs import JobState

pytestmark = pytest.mark.slow


def _jobs(root):
    with opened(root, looking=True) as project:
        return project.store.ledger.jobs(STAGE)


def _wait_for_one(root, program):
    """Wait until a program has predicted its first case."""
    while not any(job.state is JobState.DONE for job in _jobs(root)):
        assert program.poll() is None, program.communicate()[1]
        time.sleep(0.05)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_programs_share_the_cases_of_a_project_and_each_is_predicted_once(make_project, request, kind):
    database = request.getfixturevalue("postgresql_url") if kind == "postgresql" else ""
    root, alone = make_project("atlas", database=database), make_project("alone")
    programs = [start(root, "predict") for _ in range(3)]
    said = [program.communicate()[1] for program in programs]
    assert [program.returncode for program in programs] == [0, 0, 0], said
    assert sum(int(re.search(r"predicted (\d+) case", one)[1]) for one in said) == 12
    jobs = _jobs(root)
    assert {(job.state, job.attempts) for job in jobs} == {(JobState.DONE, 1)}
    assert {job.worker.split(":")[1] for job in jobs} <= {str(program.pid) for program in programs}
    with opened(alone) as project:
        predict_round(project)
    assert contents(root) == contents(alone)
    assert len(contents(root)) == 12 * 5


def test_a_program_that_is_terminated_gives_its_cases_back_and_the_next_one_goes_on(make_project):
    root = make_project("atlas", side=64)
    program = start(root, "predict")
    _wait_for_one(root, program)
    program.send_signal(signal.SIGTERM)
    _, said = program.communicate()
    assert program.returncode == 143, said
    assert "terminated; the same command goes on where this one stopped" in said
    states = [job.state for job in _jobs(root)]
    assert JobState.CLAIMED not in states
    assert JobState.DUE in states
    program = start(root, "predict")
    _, said = program.communicate()
    assert program.returncode == 0, said
    assert {(job.state, job.attempts) for job in _jobs(root)} == {(JobState.DONE, 1)}


def test_what_a_killed_program_had_is_taken_at_once_on_the_same_machine(make_project):
    root = make_project("atlas", side=64)
    program = start(root, "predict")
    _wait_for_one(root, program)
    program.kill()
    program.communicate()
    left = {job.key: job.until for job in _jobs(root) if job.state is JobState.CLAIMED}
    program = start(root, "predict")
    _, said = program.communicate()
    assert program.returncode == 0, said
    jobs = {job.key: job for job in _jobs(root)}
    assert {job.state for job in jobs.values()} == {JobState.DONE}
    for key, until in left.items():
        assert jobs[key].attempts == 2
        assert jobs[key].started < until, "it did not wait for the lease to end"


def test_a_program_with_new_settings_predicts_every_case_and_the_older_one_ends(make_project):
    root = make_project("atlas", side=64)
    older = start(root, "predict")
    _wait_for_one(root, older)
    change_settings(root / "omentum.toml", {"overlap": 0.25})
    with opened(root) as project:
        (batch,) = predict_round(project)
    _, said = older.communicate()
    assert (older.returncode, "another program has begun to predict with tiny" in said) == (2, True), said
    assert len(batch.done) == 12
    with opened(root, looking=True) as project:
        assert {made.made_with["overlap"] for made in project.predictions("tiny").values()} == {0.25}
    assert {job.state for job in _jobs(root)} == {JobState.DONE}
