"""Changed files of a release stay out, and what contradicts the project is told."""

import json

import pytest

from omentum.incoming import add_cases
from omentum.names import reader_pseudonym
from omentum.project.paths import read_secret
from omentum.volumes.nifti import read_nifti

from .conftest import release_of


def _ct(made, case_id):
    return release_of(made) / case_id / "ct.nii.gz"


def test_a_changed_file_is_set_aside_and_the_others_come_in(north, project_at, omentum):
    folder = release_of(north)
    changed = folder / "n2" / "segmentations" / "liver.nii.gz"
    changed.chmod(0o644)
    changed.write_bytes((folder / "n2" / "segmentations" / "spleen.nii.gz").read_bytes())
    (folder / "n1" / "segmentations" / "pancreas.nii.gz").unlink()
    third = project_at("third")
    found = omentum("-C", third.workspace.folder.root, "add", folder, "--json")
    assert found.code == 1
    told = {row["case"]: row["reason"] for row in json.loads(found.out)["failed"]}
    assert "changed since it was released" in told[str(changed)]
    assert "missing" in told[str(folder / "n1" / "segmentations" / "pancreas.nii.gz")]
    assert "segmentations/liver.nii.gz" in found.err
    assert [case.case_id for case in third.workspace.store.cases.all()] == ["n1", "n2"]
    assert third.workspace.store.revisions.all() == []
    assert set(third.workspace.store.predictions.of_case("n2")["made-up"].organs) == {"spleen", "pancreas"}


@pytest.mark.parametrize("name", ["ct.nii.gz", "lineage.json"])
def test_a_case_whose_ct_or_lineage_was_changed_stays_out(north, project_at, name):
    path = release_of(north) / "n1" / name
    path.chmod(0o644)
    path.write_bytes(path.read_bytes() + b" ")
    third = project_at("third")
    added = add_cases(third.workspace, [release_of(north)])
    assert added.cases.done == ("n2",)
    assert [one.key for one in added.cases.failed] == [str(path)]


def test_a_release_whose_lists_disagree_is_refused_as_a_whole(north, project_at):
    path = release_of(north) / "manifest.json"
    path.chmod(0o644)
    path.write_text(path.read_text().replace('"version": "V1"', '"version": "V9"'))
    added = add_cases(project_at("third").workspace, [release_of(north)])
    (failure,) = added.cases.failed
    assert "SHA256SUMS" in failure.reason
    assert added.cases.done == ()


@pytest.mark.parametrize(("name", "failed"), [("mine", []), ("n2", ["n2/ct.nii.gz"])])
def test_a_known_ct_gets_the_masks_though_another_has_its_name(north, project_at, name, failed):
    third = project_at("third")
    copy = third.write(third.root / "scans" / f"{name}.nii.gz", read_nifti(_ct(north, "n1")).voxels)
    if failed:  # the same file too
        copy.write_bytes(_ct(north, "n1").read_bytes())
    add_cases(third.workspace, [copy])
    added = add_cases(third.workspace, [release_of(north)])
    assert [one.key.removeprefix(f"{release_of(north)}/") for one in added.cases.failed] == failed
    assert added.cases.skipped == (name,)
    assert third.workspace.store.cases.get(name).source == str(copy)
    assert "--update-labels" in added.labels.changed[name]
    (revision,) = third.workspace.store.revisions.all()
    anna = reader_pseudonym(read_secret(north.workspace.folder), "anna")
    assert (revision.case_id, revision.organ, revision.reader) == (name, "pancreas", anna)


def test_a_reading_that_contradicts_one_of_this_project_waits_and_is_told(north, project_at, masks):
    third = project_at("third")
    add_cases(third.workspace, [_ct(north, "n1")], case_id="n1")
    third.hand_in("n1", "pancreas", third.box((5, 12), (11, 15), (2, 9)), reader="carl")
    added = add_cases(third.workspace, [release_of(north)])
    (told,) = [one for one in added.notices if "pancreas" in one.key]
    assert told.reason.startswith("taken, and ")
    mine, theirs = third.workspace.store.revisions.of_organ("n1", "pancreas")
    assert theirs.conflicts_with == mine.number


def test_patients_stay_on_the_side_that_the_release_says(south, project_at, monkeypatch):
    store = south.workspace.store
    monkeypatch.setattr("omentum.exchange.intake.is_held_out", lambda *_: True)
    monkeypatch.setattr("omentum.exchange.intake._FIRST_PATIENTS", 0)
    third = project_at("third")
    add_cases(third.workspace, [release_of(south)])
    assert not third.workspace.store.cases.get("s1").held_out
    assert third.workspace.store.cases.get("s1").patient_id == store.cases.get("s1").patient_id


def test_a_patient_whose_side_contradicts_the_release_stays_and_is_told(south, project_at, monkeypatch):
    monkeypatch.setattr("omentum.exchange.intake.is_held_out", lambda *_: True)
    monkeypatch.setattr("omentum.exchange.intake._FIRST_PATIENTS", 0)
    third = project_at("third")
    copy = third.write(third.root / "scans" / "mine.nii.gz", read_nifti(_ct(south, "s1")).voxels)
    add_cases(third.workspace, [copy])
    added = add_cases(third.workspace, [release_of(south)])
    (told,) = added.notices
    assert "learned from in the release and kept for evaluation in this project" in told.reason
    assert third.workspace.store.cases.get("mine").held_out
