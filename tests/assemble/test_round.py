import json

import numpy as np
import pytest

from omentum.assemble import round as assemble_module
from omentum.assemble.current import current_release, release_named, roll_back
from omentum.assemble.manifest import verify_release
from omentum.assemble.round import (
    assemble_round,
    labelled_cases,
    network_of,
    plan_round,
    prefer_revision,
)
from omentum.errors import ReleaseError, UnknownCaseError, UnknownNetworkError, UnknownOrganError
from omentum.project.project import prediction_stage
from omentum.records import MaskSource
from omentum.review.round import import_round
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
def revised(atlas, masks, drawn, tmp_path):
    """`a` has an original liver; of its liver and spleen there are revisions. `b` is just predicted."""
    atlas.add("a", original={"liver": masks["liver"]})
    atlas.add("b")
    atlas.predict("a", masks)
    atlas.predict("b", masks)
    for name in ("liver", "spleen"):
        atlas.revise(tmp_path / "tasks", "a", name, drawn)
    import_round(atlas.workspace, tmp_path / "tasks")
    return atlas


def released(workspace, case_id: str, name: str, version: str = "V1"):
    folder = workspace.folder.release_dir(version) / case_id
    source = json.loads((folder / "lineage.json").read_text())["organs"][name]["source"]
    return source, read_nifti(folder / "segmentations" / f"{name}.nii.gz").voxels > 0


def test_original_beats_revised_beats_predicted_voxel_for_voxel(revised, masks, drawn):
    told = []
    release = assemble_round(revised.workspace, "V1", progress=told.append)
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
    assert [one.key for one in told] == ["a", "b"]


def test_the_release_is_noted_with_the_hash_of_its_manifest(revised):
    release = assemble_round(revised.workspace, "V1")
    (noted,) = revised.workspace.store.releases.all()
    assert (noted.version, noted.n_cases) == ("V1", 2)
    assert noted.manifest_sha256 == release.manifest_sha256
    assert verify_release(noted.folder) == []


def test_a_decision_lets_a_revision_win_over_an_original_label(revised, masks, drawn):
    prefer_revision(revised.workspace, "a", "liver")
    prefer_revision(revised.workspace, "a", "liver")
    assemble_round(revised.workspace, "V1")
    assert released(revised.workspace, "a", "liver")[0] == "revised"
    np.testing.assert_array_equal(released(revised.workspace, "a", "liver")[1], drawn)
    (a, _) = labelled_cases(revised.workspace)
    assert {mask.organ: mask.source for mask in a.masks}["liver"] is MaskSource.REVISED


def test_a_decision_on_no_case_or_no_organ_is_refused(revised):
    with pytest.raises(UnknownCaseError):
        prefer_revision(revised.workspace, "nobody", "liver")
    with pytest.raises(UnknownOrganError):
        prefer_revision(revised.workspace, "a", "livr")
    assert revised.workspace.store.facts.get("revised_over_original") is None


def test_a_release_waits_for_cases_that_are_not_predicted_yet(revised):
    revised.add("c")
    with pytest.raises(ReleaseError, match=r"1 cases are not predicted by .* \(c\)"):
        assemble_round(revised.workspace, "V1")
    assert [one.case.case_id for one in labelled_cases(revised.workspace)] == ["a", "b"]


def test_a_project_without_any_mask_makes_no_release(atlas):
    atlas.add("a")
    with pytest.raises(ReleaseError, match="not predicted"):
        assemble_round(atlas.workspace, "V1")
    assert atlas.workspace.store.releases.all() == []


def test_a_version_is_never_made_twice(revised, tmp_path, masks):
    release = assemble_round(revised.workspace, "V1")
    revised.revise(tmp_path / "more", "b", "liver", masks["spleen"])
    import_round(revised.workspace, tmp_path / "more")
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
    assert release.manifest_sha256 == assemble_module.file_sha256(folder / "manifest.json")
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


def test_a_case_that_cannot_be_assembled_stops_the_release_and_the_rest_is_kept(revised):
    path = revised.workspace.folder.prediction_dir("b", "made-up") / "masks.nii.gz"
    whole = path.read_bytes()
    path.write_bytes(whole[:-40])
    with pytest.raises(ReleaseError, match=r"1 of 2 cases failed \(b:"):
        assemble_round(revised.workspace, "V1")
    assert revised.workspace.store.releases.all() == []
    path.write_bytes(whole)
    assert assemble_round(revised.workspace, "V1").n_cases == 2


def test_labelled_cases_tell_apart_what_other_windows_or_weights_predicted(revised, masks):
    def hashes() -> dict[tuple[str, str], str]:
        return {
            (one.case.case_id, mask.organ): mask.sha256
            for one in labelled_cases(revised.workspace)
            for mask in one.masks
        }

    before = hashes()
    revised.predict("b", {**masks, "liver": masks["liver"] | masks["spleen"]})
    after = hashes()
    changed = {key for key in before if before[key] != after[key]}
    assert changed == {("b", "liver"), ("b", "spleen"), ("b", "pancreas")}


def test_the_average_of_this_rounds_networks_is_released_unless_another_is_named(revised, masks):
    workspace = revised.workspace
    other = {**masks, "pancreas": masks["pancreas"] ^ masks["liver"]}
    for case_id in ("a", "b"):
        revised.predict(case_id, other, network="average")
    stage = prediction_stage("average")
    for case_id, detail in workspace.store.ledger.details(stage).items():
        made_with = {"networks": list(workspace.networks)}
        workspace.store.ledger.mark_done(stage, case_id, {**detail, "made_with": made_with})
    assemble_round(workspace, "V1")
    np.testing.assert_array_equal(released(workspace, "b", "pancreas")[1], other["pancreas"])
    assemble_round(workspace, "V2", network="made-up")
    np.testing.assert_array_equal(released(workspace, "b", "pancreas", "V2")[1], masks["pancreas"])
    with pytest.raises(UnknownNetworkError, match="made-up, average"):
        assemble_round(workspace, "V3", network="nobody")


def test_an_average_of_other_networks_than_this_rounds_is_not_taken(revised, masks):
    revised.predict("a", masks, network="average")
    assert network_of(revised.workspace) == "made-up"


def test_an_average_that_has_not_come_to_a_case_holds_the_release_up(revised, masks):
    stage = prediction_stage("average")
    revised.predict("a", masks, network="average")
    detail = revised.workspace.store.ledger.details(stage)["a"]
    made_with = {"networks": list(revised.workspace.networks)}
    revised.workspace.store.ledger.mark_done(stage, "a", {**detail, "made_with": made_with})
    with pytest.raises(ReleaseError, match=r"not predicted by average .b.* `omentum predict --average`"):
        assemble_round(revised.workspace, "V1")


def test_the_newest_release_counts_until_one_rolls_back(revised, tmp_path, masks):
    workspace = revised.workspace
    assert current_release(workspace) is None
    with pytest.raises(ReleaseError, match="no release yet"):
        release_named(workspace, "current")
    first = assemble_round(workspace, "V1")
    revised.revise(tmp_path / "more", "b", "liver", masks["spleen"])
    import_round(workspace, tmp_path / "more")
    second = assemble_round(workspace, "V1.1")
    assert release_named(workspace, "current").version == "V1.1"
    assert (second.folder / "a" / "ct.nii.gz").samefile(first.folder / "a" / "ct.nii.gz")
    assert roll_back(workspace, "V1").folder == first.folder
    assert release_named(workspace, "current").version == "V1"
    assert verify_release(second.folder) == [], "nothing is removed"
    with pytest.raises(ReleaseError, match="none can be"):
        assemble_round(workspace, "current")


def test_a_release_that_is_not_what_it_was_is_not_rolled_back_to(revised):
    folder = assemble_round(revised.workspace, "V1").folder
    path = folder / "a" / "segmentations" / "liver.nii.gz"
    path.chmod(0o644)
    path.write_bytes(b"")
    with pytest.raises(ReleaseError, match="is not what it was"):
        roll_back(revised.workspace, "V1")


def test_a_plan_reads_no_file_of_a_case(revised, masks, tmp_path):
    assemble_round(revised.workspace, "V1")
    revised.revise(tmp_path / "more", "b", "liver", masks["spleen"])
    import_round(revised.workspace, tmp_path / "more")
    for path in revised.workspace.folder.cases_dir.rglob("*.nii.gz"):
        path.unlink()
    plan = plan_round(revised.workspace)
    assert (plan.n_cases, plan.n_cases_new, plan.n_cases_gone, plan.n_masks_other) == (2, 0, 0, 1)
    assert plan.organs["liver"] == {MaskSource.ORIGINAL: 1, MaskSource.REVISED: 1}
