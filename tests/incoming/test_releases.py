"""Releases of other projects come in with the source, reader and network of every mask."""

import json
from contextlib import ExitStack
from hashlib import sha256

import numpy as np
import pytest

from omentum.assemble.lineage import read_lineage
from omentum.assemble.lineage_table import TABLE_NAME, read_table
from omentum.assemble.stage import assemble_round
from omentum.incoming import add_cases
from omentum.names import reader_pseudonym
from omentum.project.paths import read_secret
from omentum.project.project import begin_project, opened
from omentum.project.settings import Settings
from omentum.records import Decision, DecisionKind, MaskSource
from omentum.volumes.nifti import read_nifti

ORGANS = ("spleen", "liver", "pancreas")
TRACED = (
    "source", "reader", "says", "network", "weights_sha256", "network_shown", "base_sha256",
    "revision_sha256", "time", "volume_ml", "round", "decided_by",
)  # fmt: skip


@pytest.fixture
def project_at(tmp_path, atlas, monkeypatch):
    """Function: a name to an empty project of that name."""
    monkeypatch.setenv("OMENTUM_HOME", str(tmp_path / "home"))
    for where in ("exchange.label_files", "predict.predict_case"):  # boxes are no plausible organs
        monkeypatch.setattr(f"omentum.{where}.mask_findings", lambda *_: ())
    monkeypatch.setattr("omentum.review.hand_in.findings_of_new", lambda *_: {})
    with ExitStack() as stack:

        def make(name, network="made-up"):
            root = tmp_path / name
            settings = Settings(organs=ORGANS, networks=(network,), held_out_share=0.0, audit_share=0.0)
            begin_project(root, settings)
            return type(atlas)(tmp_path, stack.enter_context(opened(root)))

        yield make


@pytest.fixture
def masks(atlas):
    return {
        "liver": atlas.box((3, 10), (3, 10), (3, 10)),
        "spleen": atlas.box((12, 18), (3, 10), (3, 10)),
        "pancreas": atlas.box((3, 10), (12, 16), (3, 10)),
    }


@pytest.fixture
def north(project_at, masks):
    """A project with an original liver and no original spleen, a revised pancreas, and a predicted case."""
    made = project_at("north")
    made.add("n1", original={"liver": masks["liver"], "spleen": np.zeros_like(masks["spleen"])})
    made.add("n2")
    made.predict("n1", masks)
    made.predict("n2", {**masks, "pancreas": np.zeros_like(masks["pancreas"])})
    made.hand_in("n1", "pancreas", made.box((4, 11), (12, 16), (3, 10)), reader="anna")
    assemble_round(made.workspace, "V1")
    return made


@pytest.fixture
def south(project_at, masks):
    """A project whose reader accepted one mask and found another organ absent; its patient is held out."""
    made = project_at("south")
    made.add("s1")
    made.predict("s1", masks)
    made.hand_in("s1", "liver", masks["liver"], reader="ben")
    made.hand_in("s1", "spleen", np.zeros_like(masks["spleen"]), reader="anna")
    assemble_round(made.workspace, "V1")
    return made


def release_of(made, version="V1"):
    return made.workspace.folder.release_dir(version)


def traced(folder):
    """What a release says of each mask, and its voxels."""
    rows = {}
    for path in sorted(folder.glob("*/lineage.json")):
        lineage = read_lineage(path.parent)
        for name, row in lineage["organs"].items():
            mask = read_nifti(path.parent / "segmentations" / f"{name}.nii.gz").voxels
            said = {key: row.get(key) for key in TRACED}
            said |= {"patient": lineage["patient_id"], "held_out": lineage["held_out"]}
            rows[path.parent.name, name] = said | {"voxels": sha256(mask.tobytes()).hexdigest()}
    return rows


def test_two_projects_are_merged_with_all_that_is_known_of_every_mask(north, south, project_at):
    third = project_at("third")
    for made in (north, south):
        added = add_cases(third.workspace, [release_of(made)])
        assert (added.cases.failed, added.predictions.failed, added.revisions.failed) == ((), (), ())
    assemble_round(third.workspace, "V1")
    merged = traced(release_of(third))
    assert merged == traced(release_of(north)) | traced(release_of(south))
    sources = {key: row["source"] for key, row in merged.items()}
    assert sources["n1", "liver"] == sources["n1", "spleen"] == "original"
    assert sources["n1", "pancreas"] == sources["s1", "spleen"] == "revised"
    assert sources["n2", "liver"] == sources["s1", "pancreas"] == "predicted"


def test_a_release_that_is_added_twice_adds_nothing(north, project_at):
    third = project_at("third")
    add_cases(third.workspace, [release_of(north)])
    before = known(third)
    again = add_cases(third.workspace, [release_of(north)])
    assert again.cases.done == again.predictions.done == again.revisions.done == ()
    assert set(again.cases.skipped) == {"n1", "n2"}
    assert (again.labels.changed, again.notices, again.cases.failed) == ({}, (), ())
    assert known(third) == before


def known(made):
    """What a project keeps of masks."""
    store = made.workspace.store
    return (
        [(case.case_id, case.source) for case in store.cases.all()],
        store.revisions.all(),
        store.predictions.of_network("made-up"),
        store.labels.current(),
    )


def test_a_project_knows_its_own_release(north):
    workspace = north.workspace
    again = add_cases(workspace, [release_of(north)])
    assert again.cases.done == again.predictions.done == again.revisions.done == ()
    assert (again.left_alone, again.cases.failed) == ((), ())
    assert [case.source for case in workspace.store.cases.all()] == ["scans/n1.nii.gz", "scans/n2.nii.gz"]


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


def _ct(made, case_id):
    return release_of(made) / case_id / "ct.nii.gz"


def test_decisions_come_along(project_at, masks):
    north = project_at("north")
    north.add("n1", original={"liver": masks["liver"]})
    north.predict("n1", masks)
    drawn = north.box((4, 11), (2, 9), (5, 12))
    revision = north.hand_in("n1", "liver", drawn, reader="anna")
    north.workspace.store.decisions.add(
        Decision(
            case_id="n1",
            organ="liver",
            kind=DecisionKind.PREFER,
            revision_number=revision.number,
            by="chief",
            time=revision.time,
        )
    )
    assemble_round(north.workspace, "V1")
    third = project_at("third")
    add_cases(third.workspace, [release_of(north)])
    (decision,) = third.workspace.store.decisions.of_case("n1")
    chief = reader_pseudonym(read_secret(north.workspace.folder), "chief")
    assert (decision.by, decision.kind, decision.stands) == (chief, DecisionKind.PREFER, MaskSource.REVISED)
    assemble_round(third.workspace, "V1")
    assert traced(release_of(third)) == traced(release_of(north))


def test_no_name_of_a_reader_leaves_the_project_in_a_release(north):
    files = [path for path in release_of(north).rglob("*") if path.suffix in (".json", ".md", ".parquet")]
    assert len(files) >= 4
    assert all(b"anna" not in path.read_bytes() for path in files)
    rows = read_table(release_of(north) / TABLE_NAME)
    assert {row["reader"] for row in rows if row["reader"]} == {
        reader_pseudonym(read_secret(north.workspace.folder), "anna")
    }


def test_a_release_of_the_project_itself_brings_no_revision_a_second_time(north):
    before = north.workspace.store.revisions.all()
    add_cases(north.workspace, [release_of(north)])
    assert north.workspace.store.revisions.all() == before


def test_networks_of_one_name_and_other_weights_stay_apart(north, project_at, masks):
    other = project_at("other")
    other.add("o1")
    other.predict("o1", masks, weights="x" * 64)
    assemble_round(other.workspace, "V1")
    third = project_at("third")
    add_cases(third.workspace, [release_of(north)])
    added = add_cases(third.workspace, [release_of(other)])
    (told,) = added.notices
    assert "kept as a prediction by made-up-xxxxxxxx" in told.reason
    assert set(third.workspace.store.predictions.of_case("o1")) == {"made-up-xxxxxxxx"}
    again = add_cases(third.workspace, [release_of(other)])
    assert again.predictions.done == ()


def test_predictions_of_the_very_weights_that_predict_here_are_of_that_network(
    project_at, home, abdomens, omentum
):
    north, third = project_at("north", network="tiny"), project_at("third", network="tiny")
    scan = abdomens / "phantom_0000" / "ct.nii.gz"
    for command in (("add", scan, "--accept-values"), ("predict",), ("assemble", "--version", "V1")):
        assert omentum("-C", north.workspace.folder.root, *command).code == 0
    added = omentum("-C", third.workspace.folder.root, "add", release_of(north), "--json", "--accept-values")
    assert added.code == 0, added.err
    assert json.loads(added.out)["predictions"] == ["phantom_0000/tiny"]
    assert omentum("-C", third.workspace.folder.root, "assemble", "--version", "V1").code == 0
    assert traced(release_of(third)) == traced(release_of(north))


def test_what_a_release_leaves_out_and_what_is_not_of_it_is_told(project_at, masks, omentum):
    north = project_at("north")
    for case_id in ("n1", "n2"):
        north.add(case_id)
        north.predict(case_id, masks)
    north.workspace.store.cases.exclude("n2", "motion")
    assemble_round(north.workspace, "V1")
    folder = release_of(north)
    for name in ("notes.txt", "._manifest.json", "n1/._ct.nii.gz", "n1/Thumbs.db"):
        (folder / name).write_bytes(b"mine")
    third = project_at("third")
    found = omentum("-C", third.workspace.folder.root, "add", folder, "--json")
    assert found.code == 0
    told = json.dumps(json.loads(found.out)["left_out"])
    assert "excluded it: motion" in told
    assert told.count("does not belong to the release") == 4
    assert [one.case_id for one in third.workspace.store.cases.all()] == ["n1"]
