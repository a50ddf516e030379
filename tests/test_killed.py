"""Kill it anywhere, start it again: nothing is lost, nothing is done twice, the end is the same."""

import hashlib
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROUNDS = """
import json, os, pathlib, signal, sys
import torch, torch._dynamo
import omentum.evaluate.report, omentum.predict.network_predictor, omentum.tune.continual_stage
from omentum import loop
from omentum.project.project import opened
from omentum.review.simulated import SimulatedReader
from omentum.volumes.labels import organ as row
from omentum.volumes.nifti import read_nifti

cohort = pathlib.Path(sys.argv[1])

def truth(case_id, organ):
    return read_nifti(cohort / case_id / "labels.nii.gz").voxels == row(organ).index

def die_at(kill_at, renamed=0, replace=pathlib.Path.replace):
    def replace_or_die(self, target):
        nonlocal renamed
        renamed += 1
        if renamed == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return replace(self, target)

    pathlib.Path.replace = replace_or_die

def play_a_round(root):
    tasks = root.parent / "tasks"
    with opened(root) as project:
        if project.store.rounds.current().number == 1:
            loop.add_cases(project, [cohort])
            half = loop.first_half(project, tasks, top=6)
            times = SimulatedReader(truth=truth, budget_minutes=1e6).revise(half.tasks, tasks)
            if not project.store.releases.all():
                loop.import_round(project, tasks, minutes_of=times)
                loop.assemble(project, "V1")
            loop.tune(project, loop.ContinualConfig(steps=20))
            if loop.gate(project).outcome == "undecided":
                loop.decide(project, accept=True, by="reader-1")
        loop.predict(project)
        loop.score(project)

for root, kill_at in json.loads(sys.argv[2]):
    pid = os.fork()  # a process of its own for each start, which need not import everything again
    if pid == 0:
        die_at(kill_at)
        play_a_round(pathlib.Path(root))
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
"""
NEVER = 0


def _play(cohort: Path, starts: list[tuple[Path, int]]) -> list[int]:
    """Start rounds one after another, each killed at a file; give their exit codes."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    asked = json.dumps([(str(project), kill_at) for project, kill_at in starts])
    command = [sys.executable, "-W", "error", "-c", ROUNDS, str(cohort), asked]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    codes = [int(line) for line in ran.stdout.split()]
    assert set(codes) <= {0, -9}, ran.stderr
    return codes


def _state(project: Path) -> dict[str, str]:
    """Hash every file that a round leaves, but for times in it."""
    found = {}
    for path in sorted(project.rglob("*")):
        name = path.relative_to(project).as_posix()
        if path.is_file() and path.suffix in {".gz", ".safetensors", ".zip"} and "cache/" not in name:
            found[name] = _content_sha256(path)
    return found


def _content_sha256(path: Path) -> str:
    if path.suffix != ".zip":
        return hashlib.sha256(path.read_bytes()).hexdigest()
    with zipfile.ZipFile(path) as archive:  # the archive itself holds the time
        members = {name: archive.read(name).hex() for name in archive.namelist()}
    return hashlib.sha256(json.dumps(members, sort_keys=True).encode()).hexdigest()


def _known(omentum, project: Path) -> dict[str, object]:
    status = json.loads(omentum("-C", project, "status", "--json").out)
    return {name: value for name, value in status.items() if name != "minutes_in_round"}


@pytest.mark.slow
def test_a_round_killed_at_any_file_ends_as_one_that_was_not(omentum, home, abdomens, tmp_path):
    patients = tmp_path / "patients"
    patients.mkdir()
    for name in ("phantom_0000", "phantom_0001"):
        (patients / name).symlink_to(abdomens / name)
    projects = [tmp_path / "whole" / "atlas", tmp_path / "killed" / "atlas"]
    for project in projects:
        omentum("init", project, "--network", "starter", "--network", "starter-second", "--held-out", "0")
    kills = [(projects[1], kill_at) for kill_at in (1, 2, 5, 9, 14, 6, 11, 3, 8, 4, 7)]
    first, *killed, last = _play(patients, [(projects[0], NEVER), *kills, (projects[1], NEVER)])
    assert (first, last) == (0, 0)
    assert killed.count(-9) >= 7, "the starts ended before they could be killed"
    assert _state(projects[1]) == _state(projects[0])
    assert _known(omentum, projects[1]) == _known(omentum, projects[0])
    assert not list(projects[1].rglob(".omentum-part*"))
