"""Releases of other projects come in with the source, reader and network of every mask."""

import json
from hashlib import sha256

from omentum.assemble.lineage import read_lineage
from omentum.assemble.lineage_table import TABLE_NAME, read_table
from omentum.assemble.stage import assemble_round
from omentum.incoming import add_cases
from omentum.names import reader_pseudonym
from omentum.project.paths import read_secret
from omentum.records import Decision, DecisionKind, MaskSource
from omentum.volumes.nifti import read_nifti

from .conftest import release_of

TRACED = (
    "source", "reader", "says", "network", "weights_sha256", "network_shown", "base_sha256",
    "revision_sha256", "time", "volume_ml", "round", "decided_by",
)  # fmt: skip


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
