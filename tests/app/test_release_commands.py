import json
import shutil

import numpy as np
import pytest

from omentum.exchange.exporters.export import EXPORTERS
from omentum.volumes.nifti import read_nifti


@pytest.fixture
def project(atlas, tmp_path):
    """Two predicted cases, released as V1; then a liver of one is revised."""
    masks = {
        "liver": atlas.box((3, 14), (3, 14), (3, 12)),
        "spleen": atlas.box((15, 20), (3, 10), (3, 10)),
        "pancreas": atlas.box((3, 10), (15, 18), (3, 10)),
    }
    atlas.add("a", "b")
    for case_id in ("a", "b"):
        atlas.predict(case_id, masks)
    return atlas


@pytest.fixture
def run(omentum, project):
    return lambda *words: omentum("-C", project.root / "atlas", *words)


@pytest.fixture
def two(project, run, hand_in):
    assert run("assemble", "--version", "V1").code == 0
    hand_in(project.workspace, "a", "liver", project.box((4, 14), (3, 14), (3, 12)))
    assert run("assemble", "--version", "V1.1").code == 0
    return project


def test_a_plan_is_told_and_nothing_is_made(project, run):
    ran = run("assemble", "--plan", "--json")
    told = json.loads(ran.out)
    assert (told["n_cases"], told["n_cases_new"], told["network"]) == (2, 2, "synthetic")
    assert told["organs"]["liver"] == {"predicted": 2}
    assert "2 new" in run("assemble", "--plan").out
    assert not project.workspace.folder.releases_dir.exists()
    assert run("assemble").code == 2


def test_cases_that_are_left_out_are_listed_and_end_with_code_1_and_excluded_ones_are_told(project, run):
    project.workspace.store.cases.exclude("b", "motion")
    ran = run("assemble", "--version", "V1")
    assert (ran.code, "b is excluded: motion" in ran.err) == (0, True), ran.err
    project.workspace.store.cases.include("b")
    shutil.rmtree(project.folder("b"))
    ran = run("assemble", "--version", "V2")
    assert (ran.code, "released 1 cases" in ran.out) == (1, True)
    assert "b was left out: cases/b/ct.nii.gz: there is no such file" in ran.err
    assert "1 of 2 cases left out" in ran.err
    told = json.loads(run("assemble", "--version", "V3", "--json").out)
    assert (told["cases"], list(told["left_out"]), told["excluded"]) == (1, ["b"], {})


def test_commands_that_read_releases_change_nothing_in_the_project(two, run, tmp_path, monkeypatch):
    monkeypatch.setattr("omentum.project.project.is_writable", lambda *_arguments: False)
    root = two.workspace.folder.root
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    for words in (
        ["release", "list"],
        ["release", "verify", "V1"],
        ["release", "diff", "V1", "V1.1"],
        ["assemble", "--plan"],
        ["export", "V1", "--layout", "monai", "-o", tmp_path / "out"],
        ["export", "V1", "--layout", "abdomenatlas-8k", "-o", tmp_path / "published"],
    ):
        assert run(*words).code == 0, words
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*")} == before


def test_two_releases_are_compared(two, run):
    told = json.loads(run("release", "diff", "V1", "V1.1", "--json").out)
    assert told["organs"] == {"liver": {"changed": 1}}
    assert (told["n_same"], told["n_cases_added"]) == (5, 0)
    assert told["added_ml"]["liver"] == pytest.approx(-11 * 9 * 0.064, abs=1e-3)
    (line,) = run("release", "diff", "V1", "V1.1", "--masks").out.splitlines()
    assert line.split("\t")[:5] == ["a", "liver", "changed", "predicted", "revised"]
    assert "5 masks are the same" in run("release", "diff", "V1", "current").out


def test_releases_are_listed_verified_and_rolled_back(two, run):
    rows = json.loads(run("release", "list", "--json").out)
    assert [(row["version"], row["state"]) for row in rows] == [("V1", ""), ("V1.1", "current")]
    assert run("release", "rollback", "V1").code == 0
    assert "current" in next(line for line in run("release", "list").out.splitlines() if "V1 " in line)
    ran = run("release", "verify", "current")
    assert (ran.code, "V1: 2 cases" in ran.out) == (0, True)
    path = two.workspace.folder.release_dir("V1") / "b" / "segmentations" / "spleen.nii.gz"
    path.chmod(0o644)
    path.write_bytes(b"")
    ran = run("release", "verify", "V1")
    assert (ran.code, "b/segmentations/spleen.nii.gz was changed" in ran.err) == (1, True)
    assert run("release", "verify", "V9").code == 2


@pytest.mark.parametrize("layout", ["abdomenatlas-8k", "nnunet", "monai", "dicom-seg", "rtstruct", "stl"])
def test_a_release_goes_out_in_a_layout(two, run, tmp_path, layout):
    ran = run("export", "current", "--layout", layout, "-o", tmp_path / "out", "--organs", "liver,spleen")
    assert (ran.code, "exported 2 cases" in ran.err) == (0, True), ran.err
    if layout == "nnunet":
        labels = read_nifti(tmp_path / "out" / "labelsTr" / "a.nii.gz").voxels
        assert np.count_nonzero(labels == 2) == 10 * 11 * 9


def test_a_case_that_a_layout_cannot_show_is_listed(two, run, tmp_path):
    ran = run("export", "V1", "--layout", "abdomenatlas-1.0", "-o", tmp_path / "out")
    assert (ran.code, "unknown in this case" in ran.err) == (1, True)


def test_help_names_every_layout(run):
    text = " ".join(run("export", "--help").out.split())
    assert all(layout in text for layout in EXPORTERS)
    assert run("export", "V1", "--layout", "zip", "-o", "out").code == 2
