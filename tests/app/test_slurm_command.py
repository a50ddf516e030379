"""The script for Slurm: what it asks for, and that bash runs it as Slurm would."""

import os
import signal
import subprocess
import time

import pytest

from fixtures.shared_projects import contents
from omentum.predict.stage import predict_round
from omentum.project.project import opened


@pytest.fixture
def script(make_project, omentum, tmp_path):
    """A project of 4 cases, and the script that predicts it in 2 jobs."""
    root, path = make_project("atlas", n_cases=4), tmp_path / "predict.sbatch"
    asked = ("--partition", "gpu", "--gpus", 1, "--time", "04:00:00", "--setup", "export SEEN=yes")
    ran = omentum("-C", root, "slurm", "predict", "--array", 2, "-o", path, *asked)
    assert (ran.code, "ledger merge" in ran.out) == (0, True)
    return root, path


def _as_slurm(path, task, **variables):
    environment = {**os.environ, "SLURM_ARRAY_TASK_ID": str(task), "SLURM_JOB_ID": "17", **variables}
    return subprocess.Popen(["bash", str(path)], stderr=subprocess.PIPE, text=True, env=environment)


def test_the_script_asks_for_what_was_said(script):
    _, path = script
    lines = path.read_text().splitlines()
    assert lines[0] == "#!/bin/bash"
    for line in ("array=0-1", "partition=gpu", "gpus=1", "time=04:00:00", "signal=B:TERM@60", "requeue"):
        assert f"#SBATCH --{line}" in lines
    assert "export SEEN=yes" in lines
    assert not any("--mem" in line for line in lines)
    assert subprocess.run(["bash", "-n", str(path)], check=False).returncode == 0


@pytest.mark.slow
def test_two_jobs_predict_all_cases_and_merging_notes_them(script, make_project, omentum):
    root, path = script
    jobs = [_as_slurm(path, task) for task in range(2)]
    said = [job.communicate()[1] for job in jobs]
    assert [job.returncode for job in jobs] == [0, 0], said
    assert omentum("-C", root, "ledger", "merge").code == 0
    with opened(root, looking=True) as project:
        assert len(project.predictions("tiny")) == 4
    alone = make_project("alone", n_cases=4)
    with opened(alone) as project:
        predict_round(project)
    assert contents(root) == contents(alone)


@pytest.mark.slow
def test_a_job_that_runs_out_of_time_ends_its_program_and_is_queued_again(make_project, omentum, tmp_path):
    root, path = make_project("atlas", n_cases=8, side=64), tmp_path / "predict.sbatch"
    omentum("-C", root, "slurm", "predict", "--array", 1, "-o", path)
    queue = tmp_path / "bin" / "scontrol"
    queue.parent.mkdir()
    queue.write_text(f'#!/bin/bash\necho "$@" > {tmp_path / "asked"}\n')
    queue.chmod(0o755)
    job = _as_slurm(path, 0, PATH=f"{queue.parent}:{os.environ['PATH']}")
    journal = root / "shards" / "predict-tiny-1-of-1.jsonl"
    while not journal.exists():
        assert job.poll() is None, job.communicate()[1]
        time.sleep(0.05)
    job.send_signal(signal.SIGTERM)
    _, said = job.communicate()
    assert job.returncode == 143, said
    assert (tmp_path / "asked").read_text() == "requeue 17\n"
    job = _as_slurm(path, 0)
    _, said = job.communicate()
    assert job.returncode == 0, said
    assert omentum("-C", root, "ledger", "merge").code == 0
    with opened(root, looking=True) as project:
        assert len(project.predictions("tiny")) == 8
