"""Two projects of synthetic patients are released, and a third one is made of both releases."""

import json
import shutil

import numpy as np
import pytest

from omentum.assemble.lineage import read_lineage
from omentum.project.project import begin_project
from omentum.project.settings import Settings
from omentum.volumes.labels import organ
from omentum.volumes.nifti import read_nifti, write_nifti
from omentum.volumes.volume import Volume

ORGANS = ("spleen", "liver", "stomach", "aorta", "gall_bladder")


@pytest.fixture
def run(omentum):
    """Function: runs a command that has to end well; gives what it printed."""

    def call(*arguments):
        ran = omentum(*arguments)
        assert ran.code == 0, ran.err
        return ran.out

    return call


@pytest.fixture
def project(tmp_path, monkeypatch, run):
    """Function: a name and patients with their predictions to a released project; its reader is `anna`."""
    monkeypatch.setenv("OMENTUM_HOME", str(tmp_path / "home"))

    def make(name, patients, original=""):
        root = empty(tmp_path / name)
        annotated = ["--label", "labels.nii.gz", "--label-ids", "omentum", "--label-organs", original]
        run("-C", root, "add", *patients, *(annotated if original else []))
        for patient in patients:
            revised = tmp_path / f"{name}-revised" / patient.name / "stomach_revised.nii.gz"
            labels = read_nifti(patient / "labels.nii.gz")
            mask = labels.voxels == organ("stomach").index
            mask |= np.roll(mask, 1, axis=2)
            write_nifti(revised, Volume(mask.astype(np.uint8), labels.geometry))
        run("-C", root, "review", "import", tmp_path / f"{name}-revised", "--reader", "anna")
        run("-C", root, "assemble", "--version", "V1")
        return root / "releases" / "V1"

    return make


def empty(root):
    begin_project(root, Settings(organs=ORGANS, networks=("seen",)))
    return root


@pytest.fixture
def patients(cohort, tmp_path):
    """Four patients; `seen` predicted all organs, in the first no gall bladder."""
    folders = []
    for place, source in enumerate(sorted(cohort.iterdir())):
        folder = tmp_path / "scans" / source.name
        shutil.copytree(source, folder)
        labels = read_nifti(folder / "labels.nii.gz")
        for name in ORGANS:
            mask = labels.voxels == organ(name).index
            if name == "gall_bladder" and not place:
                mask = np.zeros_like(mask)
            path = folder / "backbones" / "seen" / "segmentations" / f"{name}.nii.gz"
            write_nifti(path, Volume(mask.astype(np.uint8), labels.geometry))
        folders.append(folder)
    return folders


def without_flags(lineage):
    """What is said of each mask, but for flags: rules that look at several organs see those that came in."""
    return {name: {**row, "flags": ()} for name, row in lineage["organs"].items()}


def test_a_third_project_releases_what_both_have_released(project, patients, tmp_path, run):
    north = project("north", patients[:2], original="liver,spleen")
    south = project("south", patients[2:])
    third = empty(tmp_path / "third")
    told = [json.loads(run("-C", third, "add", release, "--json")) for release in (north, south)]
    assert [len(one["added"]) for one in told] == [2, 2]
    again = json.loads(run("-C", third, "add", north, "--json"))
    assert (again["added"], again["predictions"], again["revisions"]) == ([], [], [])
    run("-C", third, "assemble", "--version", "V1")
    merged = third / "releases" / "V1"
    sources = set()
    for release in (north, south):
        for path in release.glob("*/lineage.json"):
            before, after = read_lineage(path.parent), read_lineage(merged / path.parent.name)
            for key in ("patient_id", "held_out", "data_set", "held_back", "ct_flags"):
                assert before[key] == after[key], key
            assert without_flags(before) == without_flags(after)
            assert before["files"] == after["files"], "to the byte"
            sources |= {(name, row["source"]) for name, row in after["organs"].items()}
    assert {("liver", "original"), ("liver", "predicted"), ("stomach", "revised")} <= sources
