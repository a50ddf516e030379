"""The script for Slurm, sent off by Slurm's own sbatch to a cluster of one node on this machine."""

import os
import re
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from fixtures.shared_projects import contents
from omentum.predict.stage import predict_round
from omentum.project.project import opened

pytestmark = pytest.mark.slow
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "scontrol")
GIVE_UP_S = 200
CONFIGURATION = """
ClusterName=tests
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
NodeName={host} NodeAddr=127.0.0.1 CPUs=2
PartitionName=main Nodes=ALL Default=YES State=UP
"""


@dataclass(frozen=True)
class Cluster:
    """A Slurm that runs, and the environment in which its commands find it."""

    environment: dict[str, str]

    def ask(self, *command):
        ran = subprocess.run(
            [*map(str, command)], env=self.environment, capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    def state(self):
        """Give the state of the node; nothing as long as the controller does not answer."""
        asked = ["sinfo", "--noheader", "--format=%T"]
        return subprocess.run(
            asked, env=self.environment, capture_output=True, text=True, check=False
        ).stdout.strip()

    def until(self, is_so):
        """Wait until something is so, while there are jobs."""
        ends = time.monotonic() + GIVE_UP_S
        while not is_so():
            assert self.has_jobs(), self.ask("scontrol", "show", "job")
            assert time.monotonic() < ends, self.ask("scontrol", "show", "job")
            time.sleep(0.2)

    def has_jobs(self):
        return bool(self.ask("squeue", "--noheader").strip())

    def send_off(self, script, folder):
        """Give a script to sbatch, in the folder that its logs go to; return the number of the job."""
        said = self.ask("sbatch", "--chdir", folder, script)
        return int(re.fullmatch(r"Submitted batch job (\d+)\n", said)[1])

    def wait_for(self, job):
        """Wait for the end of a job, or of all of its array; return the state and the restarts of each."""
        ends = time.monotonic() + GIVE_UP_S
        while self.has_jobs():
            assert time.monotonic() < ends, self.ask("scontrol", "show", "job")
            time.sleep(0.2)
        said = self.ask("scontrol", "show", "job", job)
        states, restarts = (re.findall(rf"{key}=(\S+)", said) for key in ("JobState", "Restarts"))
        return list(zip(states, map(int, restarts), strict=True))


def _free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """Slurm with one node, which ends with the tests; skip where it is not installed, or cannot run."""
    if missing := [name for name in PROGRAMS if shutil.which(name) is None]:
        pytest.skip(f"Slurm is not installed (no {', '.join(missing)}); apt-get install slurm-wlm munge")
    if os.geteuid():
        pytest.skip("Slurm's node daemon runs as root only")
    folder = tmp_path_factory.mktemp("slurm")
    host = socket.gethostname().partition(".")[0]
    places = {"host": host, "folder": folder, "controller_port": _free_port(), "node_port": _free_port()}
    configuration = folder / "slurm.conf"
    configuration.write_text(CONFIGURATION.format(**places))
    for name in ("state", "spool"):
        (folder / name).mkdir()
    key = folder / "munge.key"
    key.write_bytes(os.urandom(1024))
    key.chmod(0o400)
    cluster = Cluster({**os.environ, "SLURM_CONF": str(configuration), "OMP_NUM_THREADS": "1"})
    munge_files = {name: folder / f"munge.{name}" for name in ("socket", "pid", "seed", "log")}
    munge_options = [
        f"--{name}{'' if name == 'socket' else '-file'}={path}" for name, path in munge_files.items()
    ]
    started = []
    try:
        for command in (
            ["munged", "--foreground", "--force", f"--key-file={key}", *munge_options],
            ["slurmctld", "-D"],
            ["slurmd", "-D", "-N", host],
        ):
            with (folder / f"{command[0]}.said").open("wb") as said:
                daemon = subprocess.Popen(command, env=cluster.environment, stdout=said, stderr=said)
            started.append(daemon)
            if command[0] == "munged":
                _wait_until(munge_files["socket"].exists, started, folder)
        _wait_until(lambda: cluster.state() == "idle", started, folder)
        yield cluster
    finally:
        for daemon in reversed(started):
            daemon.terminate()
            daemon.wait(timeout=60)


def _wait_until(is_so, started, folder):
    """Wait until the daemons are so far; skip where one of them ends, or does not come so far."""
    ends = time.monotonic() + 60
    while not is_so():
        ended = [daemon.args[0] for daemon in started if daemon.poll() is not None]
        if ended or time.monotonic() > ends:
            said = " ".join(path.read_text()[-300:] for path in sorted(folder.glob("*.said")))
            pytest.skip(f"Slurm cannot run here; ended are {ended}; {said}")
        time.sleep(0.2)


@pytest.fixture
def send_off(cluster, omentum, tmp_path):
    """Function: a project and a number of jobs, to the number of the array that Slurm has."""

    def send(root: Path, n_jobs: int) -> int:
        script = tmp_path / "predict.sbatch"
        ran = omentum("-C", root, "slurm", "predict", "--array", n_jobs, "--cpus", 1, "-o", script)
        assert ran.code == 0, ran.err
        return cluster.send_off(script, tmp_path)

    return send


def _logs(folder):
    return "\n".join(path.read_text() for path in sorted(folder.glob("omentum-predict-*.log")))


def _assert_all_is_predicted(root, make_project, omentum, n_cases, **size):
    merged = omentum("-C", root, "ledger", "merge")
    assert merged.code == 0, merged.err
    with opened(root, looking=True) as project:
        assert len(project.predictions("tiny")) == n_cases
    alone = make_project("alone", n_cases=n_cases, **size)
    with opened(alone) as project:
        predict_round(project)
    assert contents(root) == contents(alone)


def test_slurm_runs_the_array_and_all_cases_are_predicted_as_by_one_program(
    cluster, send_off, make_project, omentum, tmp_path
):
    root = make_project("atlas", n_cases=4)
    job = send_off(root, 2)
    assert cluster.wait_for(job) == [("COMPLETED", 0)] * 2, _logs(tmp_path)
    assert len(list(tmp_path.glob(f"omentum-predict-{job}-*.log"))) == 2
    _assert_all_is_predicted(root, make_project, omentum, 4)


def test_a_job_that_slurm_asks_to_end_is_queued_again_by_slurm_and_goes_on(
    cluster, send_off, make_project, omentum, tmp_path
):
    root = make_project("atlas", n_cases=8, side=64)
    job = send_off(root, 1)
    journal = root / "shards" / "predict-tiny-1-of-1.jsonl"
    cluster.until(journal.exists)
    cluster.ask("scancel", "--batch", "--signal=TERM", job)  # what `--signal=B:TERM@60` sends

    def waits_again():
        said = cluster.ask("scontrol", "show", "job", job)
        return "Restarts=1" in said and "JobState=PENDING" in said

    cluster.until(waits_again)
    cluster.ask("scontrol", "update", f"JobId={job}", "StartTime=now")  # else Slurm waits two minutes
    assert cluster.wait_for(job) == [("COMPLETED", 1)], _logs(tmp_path)
    _assert_all_is_predicted(root, make_project, omentum, 8, side=64)
