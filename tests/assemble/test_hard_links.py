import json

import pytest

from omentum.assemble import hard_links
from omentum.assemble.manifest import verify_release
from omentum.assemble.release import build_release


@pytest.fixture
def cases(make, blob):
    known = []
    for n in range(2):
        case = make.case(f"case_{n}", {"spleen": blob(7)})
        prediction = make.prediction(case, {"liver": blob(3 * n), "aorta": blob(3 * n + 1)})
        known.append(make.inputs(case, prediction))
    return known


def inodes(folder):
    return {
        path.relative_to(folder).as_posix(): path.stat().st_ino
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def first(cases, tmp_path):
    return build_release("V1", tmp_path / "releases", cases).folder


def test_what_is_unchanged_is_one_file_on_disk_and_what_is_not_is_another(first, cases, make, blob, tmp_path):
    revision = make.revision(cases[1].case, "liver", blob(50))
    cases[1] = make.inputs(cases[1].case, cases[1].prediction, revision)
    second = build_release("V1.1", tmp_path / "releases", cases, earlier=first).folder
    before, after = inodes(first), inodes(second)
    shared = {name for name in before if before[name] == after.get(name)}
    assert {name for name in before if name.startswith("case_0/")} <= shared
    changed = {"lineage.json", "segmentations/liver.nii.gz", "combined_labels.nii.gz"}
    assert {name for name in after if name.startswith("case_1/")} - shared == {
        f"case_1/{name}" for name in changed
    }
    assert verify_release(second) == verify_release(first) == []


def test_nothing_is_ever_linked_to_a_file_of_the_project(first, cases, tmp_path):
    build_release("V1.1", tmp_path / "releases", cases, earlier=first)
    sources = list(make_files(cases))
    assert sources
    assert {path.stat().st_nlink for path in sources} == {1}


def make_files(cases):
    for inputs in cases:
        yield from (path for path in inputs.case.ct_path.parent.rglob("*") if path.is_file())


def test_a_release_that_shares_files_is_the_same_as_one_that_does_not(first, cases, tmp_path):
    shared = build_release("V1", tmp_path / "shared", cases, earlier=first)
    assert shared.manifest_sha256 == build_release("V1", tmp_path / "alone", cases).manifest_sha256


def test_a_file_that_was_changed_in_the_earlier_release_is_not_taken_over(first, cases, tmp_path):
    damaged = first / "case_0" / "segmentations" / "aorta.nii.gz"
    damaged.chmod(0o644)
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"?")
    second = build_release("V1.1", tmp_path / "releases", cases, earlier=first).folder
    assert verify_release(second) == []
    assert inodes(second)["case_0/ct.nii.gz"] == inodes(first)["case_0/ct.nii.gz"]


def test_a_disk_without_links_gets_copies(first, cases, tmp_path, monkeypatch):
    def refused(*_arguments):
        raise OSError("no links here")

    monkeypatch.setattr(hard_links.os, "link", refused)
    second = build_release("V1.1", tmp_path / "releases", cases, earlier=first).folder
    assert verify_release(second) == []
    assert not set(inodes(first).values()) & set(inodes(second).values())


def test_a_case_that_the_earlier_release_lacks_or_left_half_is_assembled(first, cases, tmp_path):
    (first / "case_1" / "lineage.json").unlink()
    second = build_release("V1.1", tmp_path / "releases", cases, earlier=first).folder
    assert json.loads((second / "case_1" / "lineage.json").read_text())["case_id"] == "case_1"
    assert verify_release(second) == []
