"""What readers leave in folders: every file is taken, known, or set aside with the reason."""

import json

import numpy as np
import pytest

from omentum.errors import ReviewError
from omentum.records import MaskSource, ReaderAnswer
from omentum.review import folder_import
from omentum.review.folder_import import import_round
from omentum.volumes.nifti import read_nifti

from .conftest import VOXEL_ML, painted, states, told


def test_a_revised_mask_comes_back_voxel_for_voxel_with_what_it_changed(queued, exported, liver, drawn):
    queued.revise(exported, "a", "liver", drawn)
    imported = import_round(queued.workspace, exported, minutes=3.0)
    (taken,) = imported.taken
    revision = taken.result.revision
    assert taken.result.stands
    np.testing.assert_array_equal(read_nifti(revision.path).voxels > 0, drawn)
    assert revision.path.name == f"{revision.sha256}.nii.gz"
    assert not revision.path.stat().st_mode & 0o222
    assert (revision.reader, revision.minutes, revision.round_number) == ("anna", 3.0, 1)
    assert (revision.says, revision.base_source) == (ReaderAnswer.REVISED, MaskSource.PREDICTED)
    assert revision.base_sha256 == queued.workspace.store.predictions.hashes_of("a", "synthetic")["liver"]
    assert revision.added_ml == pytest.approx((drawn & ~liver).sum() * VOXEL_ML)
    assert revision.removed_ml == pytest.approx((liver & ~drawn).sum() * VOXEL_ML)
    assert revision.dice_to_base == pytest.approx(2 * (liver & drawn).sum() / (liver.sum() + drawn.sum()))
    assert states(queued.workspace) == {
        ("a", "liver"): "done",
        ("a", "spleen"): "claimed",
        ("b", "spleen"): "claimed",
    }
    assert imported.set_aside == []
    files = {path.relative_to(exported).as_posix() for path in exported.rglob("*") if path.is_file()}
    assert {one.file for one in (*imported.known, *imported.taken)} == files


def test_the_same_folder_again_adds_nothing_and_a_mask_drawn_further_is_the_next_word(
    queued, exported, liver, drawn
):
    queued.revise(exported, "a", "liver", drawn)
    first = import_round(queued.workspace, exported, minutes=4.0).revisions
    again = import_round(queued.workspace, exported, minutes=9.0)
    assert (again.taken, again.revisions) == ([], first)
    for mask in (liver, drawn):
        queued.revise(exported, "a", "liver", mask)
        assert len(import_round(queued.workspace, exported).taken) == 1
    assert len(queued.workspace.store.revisions.all()) == 3
    assert queued.workspace.standing()[0].masks[-1].revision.number == 3


def test_a_task_of_an_earlier_round_comes_back_as_it_was_shown(queued, exported, liver):
    queued.revise(exported, "a", "liver", liver)
    queued.next_round("synthetic-r1")
    queued.predict("a", {"liver": ~liver})
    (revision,) = import_round(queued.workspace, exported).revisions
    assert (revision.says, revision.round_number, revision.network) == (ReaderAnswer.ACCEPTED, 1, "synthetic")
    assert (revision.added_ml, revision.removed_ml, revision.dice_to_base) == (0.0, 0.0, 1.0)


def test_a_base_that_is_gone_leaves_its_measures_unknown(queued, exported, drawn, spleen):
    queued.revise(exported, "a", "liver", drawn)
    queued.predict("a", {"liver": spleen})
    (revision,) = import_round(queued.workspace, exported).revisions
    assert (revision.says, revision.added_ml, revision.dice_to_base) == (ReaderAnswer.REVISED, None, None)


def test_a_folder_of_an_older_version_is_still_taken(queued, exported, liver, drawn):
    path = exported / "a" / "task.json"
    now = json.loads(path.read_text())
    hashes = {row["organ"]: row["base"] for row in now["organs"]}
    old = {key: now[key] for key in ("round", "case_id", "network", "hot_spots")}
    organs = [{key: row[key] for key in ("organ", "rank", "attention_ml")} for row in now["organs"]]
    path.write_text(json.dumps(old | {"organs": organs, "sha256": hashes}))
    queued.revise(exported, "a", "liver", liver)
    imported = import_round(queued.workspace, exported)
    (revision,) = imported.revisions
    assert (revision.says, revision.reader, revision.task_number) == (ReaderAnswer.ACCEPTED, "reader-1", None)
    assert told(imported) == {}
    assert states(queued.workspace)["a", "liver"] == "done"
    painted(drawn, exported / "a" / "labels.nii.gz")
    assert "older version" in told(import_round(queued.workspace, exported))["a/labels.nii.gz"]


def test_a_folder_without_a_task_is_known_by_its_name_and_compared_with_the_prediction(
    queued, tmp_path, liver, drawn
):
    folder = tmp_path / "mine"
    queued.revise(folder, "a", "liver", drawn)
    queued.write(folder / "c" / "average" / "segmentations" / "liver_revised.nii.gz", liver)
    queued.write(folder / "c" / "liver.nii.gz", drawn)
    imported = import_round(queued.workspace, folder, reader="bert")
    assert [(one.key, one.says, one.base_source) for one in imported.revisions] == [
        (("a", "liver"), ReaderAnswer.REVISED, None),
        (("c", "liver"), ReaderAnswer.ACCEPTED, MaskSource.PREDICTED),
    ]
    assert imported.revisions[0].removed_ml == pytest.approx((liver & ~drawn).sum() * VOXEL_ML)
    assert "_revised" in told(imported)["c/liver.nii.gz"]


def test_a_revision_without_a_task_or_prediction_is_compared_with_the_original_label_or_with_nothing(
    atlas, tmp_path, liver, drawn
):
    atlas.add("a", "b", original={"liver": liver})
    for case_id, name, mask in (("a", "liver", drawn), ("a", "spleen", drawn), ("b", "liver", liver)):
        atlas.revise(tmp_path / "mine", case_id, name, mask)
    revised, unknown, same = import_round(atlas.workspace, tmp_path / "mine").revisions
    assert revised.added_ml == pytest.approx((drawn & ~liver).sum() * VOXEL_ML)
    assert revised.removed_ml == pytest.approx((liver & ~drawn).sum() * VOXEL_ML)
    assert (unknown.added_ml, unknown.removed_ml, unknown.dice_to_base) == (None, None, None)
    assert (same.says, same.base_source, same.dice_to_base) == (
        ReaderAnswer.ACCEPTED,
        MaskSource.ORIGINAL,
        1.0,
    )


def test_a_folder_of_another_project_is_set_aside(queued, exported, drawn):
    path = exported / "a" / "task.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"project": "0" * 16}))
    queued.revise(exported, "a", "liver", drawn)
    imported = import_round(queued.workspace, exported)
    assert imported.taken == []
    assert "another project" in told(imported)["a/liver_revised.nii.gz"]


def test_minutes_are_shared_out_equally_also_where_a_mask_cannot_be_taken_yet(
    queued, exported, drawn, spleen
):
    queued.revise(exported, "a", "liver", drawn)
    queued.revise(exported, "a", "spleen", spleen)
    (exported / "b" / "spleen_revised.nii.gz").write_bytes(b"no image")
    assert [one.minutes for one in import_round(queued.workspace, exported, minutes=9.0).revisions] == [
        3.0,
        3.0,
    ]
    queued.revise(exported, "b", "spleen", spleen)
    times = {("b", "spleen"): 0.5}
    (taken,) = import_round(queued.workspace, exported, minutes=9.0, minutes_of=times).taken
    assert taken.result.revision.minutes == 0.5
    with pytest.raises(ReviewError, match="minutes of an import are nan"):
        import_round(queued.workspace, exported, minutes=float("nan"))


def test_an_empty_mask_says_that_the_organ_is_absent(queued, exported, liver):
    queued.revise(exported, "a", "liver", np.zeros_like(liver))
    (revision,) = import_round(queued.workspace, exported).revisions
    assert revision.says is ReaderAnswer.ABSENT
    assert revision.removed_ml == pytest.approx(liver.sum() * VOXEL_ML)


def test_folders_without_any_file_are_refused(queued, tmp_path):
    with pytest.raises(ReviewError, match="is no folder"):
        import_round(queued.workspace, tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ReviewError, match="holds no file"):
        import_round(queued.workspace, tmp_path / "empty")


@pytest.mark.parametrize("at", ["hand_in", "the database"])
def test_an_import_that_was_killed_goes_on_and_nothing_is_lost_or_kept_twice(
    queued, exported, drawn, spleen, monkeypatch, at
):
    queued.revise(exported, "a", "liver", drawn)
    queued.revise(exported, "b", "spleen", spleen)
    real = folder_import.hand_in

    def dies_at_b(workspace, hand_ins):
        if hand_ins and hand_ins[0].case_id == "b":
            raise KeyboardInterrupt
        return real(workspace, hand_ins)

    def dies(*_args, **_options):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        if at == "hand_in":
            patch.setattr(folder_import, "hand_in", dies_at_b)
        else:
            patch.setattr("omentum.review.hand_in.settle_tasks", dies)
        with pytest.raises(KeyboardInterrupt):
            import_round(queued.workspace, exported)
    assert len(import_round(queued.workspace, exported).revisions) == 2
    assert [one.case_id for one in queued.workspace.store.revisions.all()] == ["a", "b"]
    assert states(queued.workspace)["b", "spleen"] == "done"
