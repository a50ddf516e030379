"""Kill it anywhere, start it again: nothing is lost, nothing is done twice, the end is the same."""

import hashlib
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROUND = """
import os, pathlib, signal, sys
from omentum import loop
from omentum.phantoms.cohort import write_cohort
from omentum.project.project import opened
from omentum.review.simulated import SimulatedReader

kill_at, project, cohort = int(sys.argv[1]), pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
renamed = 0
replace = pathlib.Path.replace

def replace_or_die(self, target):
    global renamed
    renamed += 1
    if renamed == kill_at:
        os.kill(os.getpid(), signal.SIGKILL)
    return replace(self, target)

pathlib.Path.replace = replace_or_die

def truth(case_id, organ):
    from omentum.volumes.labels import organ as row
    from omentum.volumes.nifti import read_nifti
    return read_nifti(cohort / case_id / "labels.nii.gz").voxels == row(organ).index

tasks = project.parent / "tasks"
with opened(project) as workspace:
    if workspace.store.rounds.current().number == 1:
        loop.add_cases(workspace, [cohort])
        half = loop.first_half(workspace, tasks, top=6)
        times = SimulatedReader(truth=truth, budget_minutes=1e6).revise(half.tasks, tasks)
        if not workspace.store.releases.all():
            loop.import_round(workspace, tasks, minutes_of=times)
            loop.assemble(workspace, "V1")
        loop.tune(workspace, loop.ContinualConfig(steps=20))
        if loop.gate(workspace).outcome == "undecided":
            loop.decide(workspace, accept=True, by="reader-1")
    loop.predict(workspace)
    loop.score(workspace)
    print(renamed)
"""


def _start(kill_at: int, project: Path, cohort: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-W", "error", "-c", ROUND, str(kill_at), str(project), str(cohort)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


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
    whole = _start(0, projects[0], patients)
    assert whole.returncode == 0, whole.stderr
    n_files = int(whole.stdout.split()[-1])
    kills = 0
    for kill_at in (1, 2, 5, 9, 14, 6, 11, 3, 8, 4, 7):
        ran = _start(kill_at, projects[1], patients)
        kills += ran.returncode == -9
        assert ran.returncode in (0, -9), ran.stderr
    last = _start(0, projects[1], patients)
    assert last.returncode == 0, last.stderr
    assert kills >= 7, f"only {kills} of the starts were killed; a whole run writes {n_files} files"
    assert _state(projects[1]) == _state(projects[0])
    assert _known(omentum, projects[1]) == _known(omentum, projects[0])
    assert not list(projects[1].rglob(".omentum-part*"))
