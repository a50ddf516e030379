import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from omentum.assemble.current_release import current_release, release_named, roll_back
from omentum.assemble.manifest import read_left_out, verify_release
from omentum.assemble.releasable import releasable
from omentum.assemble.stage import assemble_round, network_of, plan_round
from omentum.errors import ReleaseError, UnknownNetworkError
from omentum.project.project import prediction_stage
from omentum.records import Arrival, Decision, DecisionKind, MaskFinding, MaskSource
from omentum.volumes.file_hash import file_sha256
from omentum.volumes.labels import organ
from omentum.volumes.nifti import read_nifti


@pytest.fixture
def masks(atlas):
    return {
        "liver": atlas.box((3, 10), (3, 10), (3, 10)),
        "spleen": atlas.box((12, 18), (3, 10), (3, 10)),
        "pancreas": atlas.box((3, 10), (12, 16), (3, 10)),
    }


@pytest.fixture
def drawn(atlas):
    """What readers draw in place of any of them."""
    return atlas.box((4, 11), (2, 9), (5, 12))


@pytest.fixture
def revised(atlas, masks, drawn, hand_in):
    """`a` has an original liver; of its liver and spleen there are revisions. `b` is just predicted."""
    atlas.add("a", original={"liver": masks["liver"]})
    atlas.add("b")
    atlas.predict("a", masks)
    atlas.predict("b", masks)
    for name in ("liver", "spleen"):
        hand_in(atlas.workspace, "a", name, drawn)
    return atlas


def released(workspace, case_id: str, name: str, version: str = "V1"):
    folder = workspace.folder.release_dir(version) / case_id
    source = json.loads((folder / "lineage.json").read_text())["organs"][name]["source"]
    return source, read_nifti(folder / "segmentations" / f"{name}.nii.gz").voxels > 0


def test_original_beats_revised_beats_predicted_voxel_for_voxel(revised, masks, drawn):
    told = []
    release = assemble_round(revised.workspace, "V1", progress=lambda *step: told.append(step))
    expected = {
        ("a", "liver"): ("original", masks["liver"]),
        ("a", "spleen"): ("revised", drawn),
        ("a", "pancreas"): ("predicted", masks["pancreas"]),
        ("b", "liver"): ("predicted", masks["liver"]),
    }
    for (case_id, name), (source, mask) in expected.items():
        seen, voxels = released(revised.workspace, case_id, name)
        assert seen == source
        np.testing.assert_array_equal(voxels, mask)
    combined = read_nifti(release.folder / "a" / "combined_labels.nii.gz").voxels
    assert (combined[masks["liver"]] == organ("liver").index).all(), "original lies on top"
    assert told == [("assemble", 1, 2, "a"), ("assemble", 2, 2, "b")]


def test_the_release_is_noted_with_the_hash_of_its_manifest(revised):
    release = assemble_round(revised.workspace, "V1")
    (noted,) = revised.workspace.store.releases.all()
    assert (noted.version, noted.n_cases) == ("V1", 2)
    assert noted.manifest_sha256 == release.manifest_sha256
    assert verify_release(noted.folder) == []


def test_a_decision_lets_a_revision_win_over_an_original_label(revised, masks, drawn):
    decision = Decision(
        case_id="a", organ="liver", kind=DecisionKind.PREFER, by="chief", time=datetime.now(UTC)
    )
    revised.workspace.store.decisions.add(decision)
    assemble_round(revised.workspace, "V1")
    assert released(revised.workspace, "a", "liver")[0] == "revised"
    np.testing.assert_array_equal(released(revised.workspace, "a", "liver")[1], drawn)


def test_what_is_released_is_what_stands(revised):
    found = [one.labelled for one in releasable(revised.workspace, "synthetic").cases]
    standing = revised.workspace.standing()
    assert [(one.case.case_id, *map(_nameless, one.masks), one.held) for one in found] == [
        (one.case.case_id, *map(_nameless, one.masks), one.held) for one in standing
    ]


def _nameless(mask):
    """Leave out who drew a mask, as a release has the reader's pseudonym."""
    return replace(mask, revision=mask.revision and replace(mask.revision, reader=""))


def test_a_release_waits_for_cases_that_are_not_predicted_yet(revised):
    revised.add("c")
    with pytest.raises(ReleaseError, match=r"1 cases are not predicted by .* \(c\)"):
        assemble_round(revised.workspace, "V1")
    with pytest.raises(ReleaseError, match="not predicted"):
        plan_round(revised.workspace)


def test_a_project_without_any_mask_makes_no_release(atlas):
    atlas.add("a")
    with pytest.raises(ReleaseError, match="not predicted"):
        assemble_round(atlas.workspace, "V1")
    assert atlas.workspace.store.releases.all() == []


def test_a_version_is_never_made_twice(revised, hand_in, masks):
    release = assemble_round(revised.workspace, "V1")
    hand_in(revised.workspace, "b", "liver", masks["spleen"])
    with pytest.raises(ReleaseError, match="'V1'"):
        assemble_round(revised.workspace, "V1")
    assert verify_release(release.folder) == []
    assert assemble_round(revised.workspace, "V2").n_cases == 2
    assert released(revised.workspace, "b", "liver", "V2")[0] == "revised"


def test_a_release_that_was_in_place_when_its_run_was_killed_is_noted_by_the_same_command(
    revised, monkeypatch
):
    def killed(_release):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(revised.workspace.store.releases, "add", killed)
        with pytest.raises(KeyboardInterrupt):
            assemble_round(revised.workspace, "V1")
    folder = revised.workspace.folder.release_dir("V1")
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    release = assemble_round(revised.workspace, "V1")
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
    assert (release.version, release.n_cases) == ("V1", 2)
    assert release.manifest_sha256 == file_sha256(folder / "manifest.json")
    (noted,) = revised.workspace.store.releases.all()
    assert noted.time == release.time
    with pytest.raises(ReleaseError):
        assemble_round(revised.workspace, "V1")


def test_a_folder_that_is_no_whole_release_is_not_taken_for_one(revised):
    folder = revised.workspace.folder.release_dir("V1")
    folder.mkdir(parents=True)
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(ReleaseError, match="already"):
        assemble_round(revised.workspace, "V1")
    assert revised.workspace.store.releases.all() == []
    assert (folder / "notes.txt").read_text() == "mine"


def test_one_case_never_blocks_the_others_and_is_in_the_next_version_once_put_right(revised, masks):
    workspace, store = revised.workspace, revised.workspace.store
    revised.add("c", "d", "e")
    for case_id in ("d", "e"):
        revised.predict(case_id, masks)
    store.ledger.mark_failed(
        prediction_stage("synthetic"), "c", f"{workspace.folder.root}/cases/c: cut short"
    )
    store.cases.exclude("e", "motion")
    path = workspace.folder.prediction_dir("b", "synthetic") / "masks.nii.gz"
    whole = path.read_bytes()
    path.write_bytes(whole[:-40])
    shutil.rmtree(revised.folder("d"))
    plan = plan_round(workspace)
    assert (plan.n_cases, set(plan.left_out), plan.excluded) == (3, {"c"}, {"e": "motion"})
    release = assemble_round(workspace, "V1")
    told = read_left_out(release.folder)
    assert (release.n_cases, told.excluded) == (1, {"e": "motion"})
    assert sorted(told.left_out) == ["b", "c", "d"]
    assert told.left_out["c"] == "it could not be predicted: cases/c: cut short"
    assert told.left_out["d"].startswith("cases/d/ct.nii.gz: there is no such file")
    path.write_bytes(whole)
    revised.predict("c", masks)
    assert assemble_round(workspace, "V2").n_cases == 3
    assert verify_release(release.folder) == []


def test_a_case_whose_files_are_gone_is_left_out_also_where_an_earlier_release_has_it(revised):
    assert assemble_round(revised.workspace, "V1").n_cases == 2
    shutil.rmtree(revised.folder("b"))
    release = assemble_round(revised.workspace, "V2")
    assert list(read_left_out(release.folder).left_out) == ["b"]


def test_a_mask_that_is_held_back_is_unknown_and_a_case_of_such_masks_alone_is_left_out(
    atlas, masks, hand_in
):
    def holding(name):
        return (MaskFinding(organ=name, rule="sides", said="swapped", severity=1.0, holds=True),)

    atlas.add("a", "b")
    for case_id in ("a", "b"):
        atlas.predict(case_id, masks)
    hand_in(atlas.workspace, "a", "liver", masks["spleen"], findings=holding("liver"))
    for name in masks:
        hand_in(atlas.workspace, "b", name, masks["spleen"], findings=holding(name))
    assert plan_round(atlas.workspace).n_masks_held == 1
    folder = assemble_round(atlas.workspace, "V1").folder
    assert "swapped" in read_left_out(folder).left_out["b"]
    card = (folder / "data-set-card.md").read_text()
    assert "- `liver` is held back until a person confirms it, and unknown here: swapped (a)." in card
    assert not (folder / "a" / "segmentations" / "liver.nii.gz").exists()


def test_the_hash_of_a_ct_that_an_older_version_did_not_keep_is_kept_from_then_on(revised):
    arrivals = revised.workspace.store.arrivals
    before = arrivals.all()
    arrivals.keep(Arrival(case_id="b", voxels="v"))
    assemble_round(revised.workspace, "V1")
    now = arrivals.all()["b"]
    assert (now.ct_sha256, now.voxels) == (before["b"].ct_sha256, "v")


def average(atlas, case_id, masks):
    """Note what the networks of the round said of a case together."""
    atlas.predict(case_id, masks, network="average")
    store = atlas.workspace.store
    made = store.predictions.of_network("average")[case_id]
    store.predictions.keep(replace(made, made_with={"networks": list(atlas.workspace.networks)}), {})


def test_the_average_of_this_rounds_networks_is_released_unless_another_is_named(revised, masks):
    workspace = revised.workspace
    other = {**masks, "pancreas": masks["pancreas"] ^ masks["liver"]}
    for case_id in ("a", "b"):
        average(revised, case_id, other)
    assemble_round(workspace, "V1")
    np.testing.assert_array_equal(released(workspace, "b", "pancreas")[1], other["pancreas"])
    assemble_round(workspace, "V2", network="synthetic")
    np.testing.assert_array_equal(released(workspace, "b", "pancreas", "V2")[1], masks["pancreas"])
    with pytest.raises(UnknownNetworkError, match="synthetic, average"):
        assemble_round(workspace, "V3", network="nobody")


def test_an_average_of_other_networks_than_this_rounds_is_not_taken(revised, masks):
    revised.predict("a", masks, network="average")
    assert network_of(revised.workspace) == "synthetic"


def test_an_average_that_has_not_come_to_a_case_holds_the_release_up_unless_a_network_failed(revised, masks):
    average(revised, "a", masks)
    with pytest.raises(ReleaseError, match=r"not predicted by average .b.* `omentum predict --average`"):
        assemble_round(revised.workspace, "V1")
    ledger = revised.workspace.store.ledger
    ledger.forget(prediction_stage("synthetic"), "b")
    ledger.mark_failed(prediction_stage("synthetic"), "b", "cut short")
    assert list(releasable(revised.workspace, "average").left_out) == ["b"]


def test_the_newest_release_counts_until_one_rolls_back(revised, hand_in, masks):
    workspace = revised.workspace
    assert current_release(workspace) is None
    with pytest.raises(ReleaseError, match="no release yet"):
        release_named(workspace, "current")
    first = assemble_round(workspace, "V1")
    hand_in(workspace, "b", "liver", masks["spleen"])
    second = assemble_round(workspace, "V1.1")
    assert release_named(workspace, "current").version == "V1.1"
    assert (second.folder / "a" / "ct.nii.gz").samefile(first.folder / "a" / "ct.nii.gz")
    assert roll_back(workspace, "V1").folder == first.folder
    assert release_named(workspace, "current").version == "V1"
    assert verify_release(second.folder) == [], "nothing is removed"
    with pytest.raises(ReleaseError, match="choose another version"):
        assemble_round(workspace, "current")


def test_a_release_that_is_not_what_it_was_is_not_rolled_back_to(revised):
    folder = assemble_round(revised.workspace, "V1").folder
    path = folder / "a" / "segmentations" / "liver.nii.gz"
    path.chmod(0o644)
    path.write_bytes(b"")
    with pytest.raises(ReleaseError, match="is not what it was"):
        roll_back(revised.workspace, "V1")


def test_a_plan_reads_no_file_of_a_case(revised, masks, hand_in):
    assemble_round(revised.workspace, "V1")
    hand_in(revised.workspace, "b", "liver", masks["spleen"])
    for path in revised.workspace.folder.cases_dir.rglob("*.nii.gz"):
        path.unlink()
    plan = plan_round(revised.workspace)
    assert (plan.n_cases, plan.n_cases_new, plan.n_cases_gone, plan.n_masks_other) == (2, 0, 0, 1)
    assert plan.organs["liver"] == {MaskSource.ORIGINAL: 1, MaskSource.REVISED: 1}
