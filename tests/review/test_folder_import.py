"""What readers leave in folders: every file is taken, known, or set aside with the reason."""

import json
import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk

from omentum.errors import ReviewError
from omentum.records import MaskSource, Says
from omentum.review import folder_import
from omentum.review.folder_export import export_round
from omentum.review.folder_import import import_round
from omentum.volumes.nifti import read_nifti, write_nifti
from omentum.volumes.volume import Volume

VOXEL_ML = 0.064


@pytest.fixture
def tasks(queued, tmp_path) -> Path:
    """All three tasks, exported for anna."""
    export_round(queued.workspace, tmp_path / "tasks", reader="anna")
    return tmp_path / "tasks"


def states(workspace) -> dict[tuple[str, str], str]:
    return {(task.case_id, task.organ): task.state.value for task in workspace.store.tasks.of_round(1)}


def told(imported) -> dict[str, str]:
    return {one.file: one.reason for one in imported.set_aside}


def itk(atlas, mask, path: Path, **fields: str) -> None:
    """Save a mask as SimpleITK, and with it 3D Slicer, does."""
    image = sitk.ReadImage(str(atlas.write(path.with_name("_.nii.gz"), mask.astype(np.uint8))))
    path.with_name("_.nii.gz").unlink()
    for name, value in fields.items():
        image[name] = value
    sitk.WriteImage(image, str(path), useCompression=True)


def segments(*names: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    for number, name in enumerate(names):
        value = {"Name": name, "LabelValue": str(number + 1), "Layer": "0"}
        fields |= {f"Segment{number}_{key}": one for key, one in value.items()}
    return fields


def test_a_revised_mask_comes_back_voxel_for_voxel_with_what_it_changed(queued, tasks, liver, drawn):
    queued.revise(tasks, "a", "liver", drawn)
    imported = import_round(queued.workspace, tasks, minutes=3.0)
    (taken,) = imported.taken
    revision = taken.result.revision
    assert taken.result.stands
    np.testing.assert_array_equal(read_nifti(revision.path).voxels > 0, drawn)
    assert revision.path.name == f"{revision.sha256}.nii.gz"
    assert not revision.path.stat().st_mode & 0o222
    assert (revision.reader, revision.minutes, revision.round_number) == ("anna", 3.0, 1)
    assert (revision.says, revision.base_source) == (Says.REVISED, MaskSource.PREDICTED)
    assert revision.base_sha256 == queued.workspace.store.predictions.hashes_of("a", "made-up")["liver"]
    assert revision.added_ml == pytest.approx((drawn & ~liver).sum() * VOXEL_ML)
    assert revision.removed_ml == pytest.approx((liver & ~drawn).sum() * VOXEL_ML)
    assert revision.dice_to_base == pytest.approx(2 * (liver & drawn).sum() / (liver.sum() + drawn.sum()))
    assert states(queued.workspace) == {
        ("a", "liver"): "done",
        ("a", "spleen"): "claimed",
        ("b", "spleen"): "claimed",
    }
    assert imported.set_aside == []
    files = {path.relative_to(tasks).as_posix() for path in tasks.rglob("*") if path.is_file()}
    assert {one.file for one in (*imported.known, *imported.taken)} == files


def test_the_same_folder_again_adds_nothing_and_a_mask_drawn_further_is_the_next_word(
    queued, tasks, liver, drawn
):
    queued.revise(tasks, "a", "liver", drawn)
    first = import_round(queued.workspace, tasks, minutes=4.0).revisions
    again = import_round(queued.workspace, tasks, minutes=9.0)
    assert (again.taken, again.revisions) == ([], first)
    for mask in (liver, drawn):
        queued.revise(tasks, "a", "liver", mask)
        assert len(import_round(queued.workspace, tasks).taken) == 1
    assert len(queued.workspace.store.revisions.all()) == 3
    assert queued.workspace.standing()[0].masks[-1].revision.number == 3


def test_a_task_of_an_earlier_round_comes_back_as_it_was_shown(queued, tasks, liver):
    queued.revise(tasks, "a", "liver", liver)
    queued.next_round("made-up-r1")
    queued.predict("a", {"liver": ~liver})
    (revision,) = import_round(queued.workspace, tasks).revisions
    assert (revision.says, revision.round_number, revision.network) == (Says.ACCEPTED, 1, "made-up")
    assert (revision.added_ml, revision.removed_ml, revision.dice_to_base) == (0.0, 0.0, 1.0)


def test_a_base_that_is_gone_leaves_its_measures_unknown(queued, tasks, drawn, spleen):
    queued.revise(tasks, "a", "liver", drawn)
    queued.predict("a", {"liver": spleen})
    (revision,) = import_round(queued.workspace, tasks).revisions
    assert (revision.says, revision.added_ml, revision.dice_to_base) == (Says.REVISED, None, None)


SAVED = {
    "plain": lambda atlas, mask, at: atlas.write(at / "liver_revised.nii.gz", mask),
    "not compressed": lambda atlas, mask, at: atlas.write(at / "liver_revised.nii", mask),
    "browser copy": lambda atlas, mask, at: atlas.write(at / "liver_revised (1).nii.gz", mask),
    "Slicer's copy": lambda atlas, mask, at: atlas.write(at / "liver_revised_1.nii.gz", mask),
    "capital": lambda atlas, mask, at: atlas.write(at / "Liver_Revised.nii.gz", mask),
    "255": lambda atlas, mask, at: atlas.write(at / "liver_revised.nii.gz", mask * np.uint8(255)),
    "saved over": lambda atlas, mask, at: atlas.write(at / "liver.nii.gz", mask * np.uint8(6)),
    "nrrd": lambda atlas, mask, at: itk(atlas, mask, at / "liver_revised.nrrd"),
    "mha": lambda atlas, mask, at: itk(atlas, mask, at / "liver_revised.mha"),
    "seg without names": lambda atlas, mask, at: itk(
        atlas, mask, at / "liver_revised.seg.nrrd", **segments("Segment_1")
    ),
    "seg by name": lambda atlas, mask, at: itk(
        atlas, mask, at / "Segmentation.seg.nrrd", **segments("liver_revised")
    ),
    "seg of what was shown": lambda atlas, mask, at: itk(
        atlas, mask, at / "Segmentation.seg.nrrd", **segments("Liver")
    ),
    "cropped": lambda atlas, mask, at: _cropped(atlas, mask, at / "liver_revised.nii.gz"),
    "painted": lambda _atlas, mask, at: _painted(mask, at / "labels.nii.gz"),
    "turned": lambda atlas, mask, at: nib.save(
        nib.as_closest_canonical(nib.load(atlas.write(at / "_.nii.gz", mask))), at / "liver_revised.nii.gz"
    ),
}  # fmt: skip


def _cropped(atlas, mask, path):
    grid = read_nifti(path.with_name("ct.nii.gz")).geometry
    write_nifti(path, Volume(mask, grid).cropped((slice(2, 20), slice(2, 18), slice(1, 17))))


def _painted(mask, path):
    labels = read_nifti(path)
    voxels = labels.voxels.copy()
    voxels[voxels == 6] = 0
    voxels[mask] = 6
    write_nifti(path, Volume(voxels, labels.geometry))


def test_whatever_program_saved_it_and_under_whatever_name_it_is_the_same_mask(
    queued, tasks, drawn, tmp_path
):
    revisions = []
    for how, save in SAVED.items():
        folder = shutil.copytree(tasks, tmp_path / how)
        save(queued, drawn, folder / "a")
        (folder / "a" / "_.nii.gz").unlink(missing_ok=True)
        imported = import_round(queued.workspace, folder)
        assert told(imported) == {}, how
        (revision,) = imported.revisions
        revisions.append(revision)
    assert revisions == revisions[:1] * len(SAVED)
    np.testing.assert_array_equal(read_nifti(revisions[0].path).voxels > 0, drawn)
    assert len(queued.workspace.store.revisions.all()) == 1


def test_what_cannot_be_taken_is_named_with_the_reason_and_stops_nothing(
    queued, tasks, drawn, spleen, tmp_path
):
    at = tasks / "a"
    queued.revise(tasks, "b", "spleen", spleen)
    queued.write(at / "livre_revised.nii.gz", drawn)
    queued.write(at / "heart_revised.nii.gz", drawn)
    (at / "notes.txt").write_text("the liver is fine")
    (at / "spleen_revised.nii.gz").write_bytes(b"no image")
    itk(queued, drawn, at / "S.seg.nrrd", **segments("liver", "lesion?"))
    shutil.copytree(at, tasks / "of nobody")
    (tasks / "of nobody" / "task.json").unlink()
    for name in (".DS_Store", "._liver_revised.nii.gz", "Thumbs.db"):
        (at / name).write_bytes(b"")
    imported = import_round(queued.workspace, tasks)
    reasons = told(imported)
    assert "did you mean liver?" in reasons["a/livre_revised.nii.gz"]
    assert "no organ is called 'heart'" in reasons["a/heart_revised.nii.gz"]
    assert "not a mask" in reasons["a/notes.txt"]
    assert "cannot be read" in reasons["a/spleen_revised.nii.gz"]
    assert "'lesion?' is named after no organ" in reasons["a/S.seg.nrrd"]
    assert "no case is called 'of nobody'" in reasons["of nobody/livre_revised.nii.gz"]
    assert sorted(one.key for one in imported.revisions) == [("a", "liver"), ("b", "spleen")]
    files = {path.relative_to(tasks).as_posix() for path in tasks.rglob("*") if path.is_file()}
    assert {one.file for one in (*imported.known, *imported.taken, *imported.set_aside)} == files


def test_two_files_for_one_organ_are_taken_only_if_they_are_one_mask(queued, tasks, liver, drawn):
    at = tasks / "a"
    queued.write(at / "liver_revised.nii.gz", drawn)
    queued.write(at / "liver_revised (1).nii.gz", liver)
    imported = import_round(queued.workspace, tasks)
    assert imported.taken == []
    assert set(told(imported)) == {"a/liver_revised.nii.gz", "a/liver_revised (1).nii.gz"}
    assert "differ; keep one" in told(imported)["a/liver_revised.nii.gz"]
    queued.write(at / "liver_revised (1).nii.gz", drawn)
    imported = import_round(queued.workspace, tasks)
    assert (len(imported.taken), told(imported)) == (1, {})
    queued.write(at / "liver_revised (2).nii.gz", liver)  # the first was handed in before
    assert [one.file for one in import_round(queued.workspace, tasks).taken] == ["a/liver_revised (2).nii.gz"]


def test_what_was_painted_over_another_organ_changes_both_but_a_tumour_takes_nothing_from_its_host(
    queued, tasks, liver
):
    path = tasks / "a" / "labels.nii.gz"
    labels = read_nifti(path)
    voxels = labels.voxels.copy()
    assert set(np.unique(voxels)) == {0, 1, 6}
    voxels[3:5, 3:17, 2:17] = 1  # liver that is spleen
    voxels[10, 10, 10] = 27  # a tumour in the liver
    write_nifti(path, Volume(voxels, labels.geometry))
    imported = import_round(queued.workspace, tasks)
    taken = {one.result.revision.organ: one.result.revision for one in imported.taken}
    assert taken["liver"].removed_ml == pytest.approx((voxels[3:5] == 1).sum() * VOXEL_ML)
    assert taken["spleen"].removed_ml == 0.0
    assert taken["liver"].added_ml == 0.0
    assert len(taken) == 3


def test_labels_are_set_aside_where_the_masks_that_they_were_painted_of_have_changed(
    queued, tasks, drawn, liver
):
    _painted(drawn, tasks / "a" / "labels.nii.gz")
    queued.predict("a", {"liver": liver})
    assert "predicted the case again" in told(import_round(queued.workspace, tasks))["a/labels.nii.gz"]


def test_a_folder_of_an_older_version_is_still_taken(queued, tasks, liver, drawn):
    path = tasks / "a" / "task.json"
    now = json.loads(path.read_text())
    hashes = {row["organ"]: row["base"] for row in now["organs"]}
    old = {key: now[key] for key in ("round", "case_id", "network", "hot_spots")}
    organs = [{key: row[key] for key in ("organ", "rank", "attention_ml")} for row in now["organs"]]
    path.write_text(json.dumps(old | {"organs": organs, "sha256": hashes}))
    queued.revise(tasks, "a", "liver", liver)
    imported = import_round(queued.workspace, tasks)
    (revision,) = imported.revisions
    assert (revision.says, revision.reader, revision.task_number) == (Says.ACCEPTED, "reader-1", None)
    assert told(imported) == {}
    assert states(queued.workspace)["a", "liver"] == "done"
    _painted(drawn, tasks / "a" / "labels.nii.gz")
    assert "older version" in told(import_round(queued.workspace, tasks))["a/labels.nii.gz"]


def test_a_folder_without_a_task_is_known_by_its_name_and_compared_with_the_prediction(
    queued, tmp_path, liver, drawn
):
    folder = tmp_path / "mine"
    queued.revise(folder, "a", "liver", drawn)
    queued.write(folder / "c" / "average" / "segmentations" / "liver_revised.nii.gz", liver)
    queued.write(folder / "c" / "liver.nii.gz", drawn)
    imported = import_round(queued.workspace, folder, reader="bert")
    assert [(one.key, one.says, one.base_source) for one in imported.revisions] == [
        (("a", "liver"), Says.REVISED, None),
        (("c", "liver"), Says.ACCEPTED, MaskSource.PREDICTED),
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
    assert (same.says, same.base_source, same.dice_to_base) == (Says.ACCEPTED, MaskSource.ORIGINAL, 1.0)


def test_a_folder_of_another_project_is_set_aside(queued, tasks, drawn):
    path = tasks / "a" / "task.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"project": "0" * 16}))
    queued.revise(tasks, "a", "liver", drawn)
    imported = import_round(queued.workspace, tasks)
    assert imported.taken == []
    assert "another project" in told(imported)["a/liver_revised.nii.gz"]


def test_minutes_are_shared_out_equally_also_where_a_mask_cannot_be_taken_yet(queued, tasks, drawn, spleen):
    queued.revise(tasks, "a", "liver", drawn)
    queued.revise(tasks, "a", "spleen", spleen)
    (tasks / "b" / "spleen_revised.nii.gz").write_bytes(b"no image")
    assert [one.minutes for one in import_round(queued.workspace, tasks, minutes=9.0).revisions] == [3.0, 3.0]
    queued.revise(tasks, "b", "spleen", spleen)
    times = {("b", "spleen"): 0.5}
    (taken,) = import_round(queued.workspace, tasks, minutes=9.0, minutes_of=times).taken
    assert taken.result.revision.minutes == 0.5
    with pytest.raises(ReviewError, match="minutes of an import are nan"):
        import_round(queued.workspace, tasks, minutes=float("nan"))


def test_an_empty_mask_says_that_the_organ_is_absent(queued, tasks, liver):
    queued.revise(tasks, "a", "liver", np.zeros_like(liver))
    (revision,) = import_round(queued.workspace, tasks).revisions
    assert revision.says is Says.ABSENT
    assert revision.removed_ml == pytest.approx(liver.sum() * VOXEL_ML)


def test_folders_without_any_file_are_refused(queued, tmp_path):
    with pytest.raises(ReviewError, match="is no folder"):
        import_round(queued.workspace, tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ReviewError, match="holds no file"):
        import_round(queued.workspace, tmp_path / "empty")


@pytest.mark.parametrize("at", ["submit", "the database"])
def test_an_import_that_was_killed_goes_on_and_nothing_is_lost_or_kept_twice(
    queued, tasks, drawn, spleen, monkeypatch, at
):
    queued.revise(tasks, "a", "liver", drawn)
    queued.revise(tasks, "b", "spleen", spleen)
    real = folder_import.submit

    def dies_at_b(workspace, hand_ins):
        if hand_ins and hand_ins[0].case_id == "b":
            raise KeyboardInterrupt
        return real(workspace, hand_ins)

    def dies(*_args, **_options):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        if at == "submit":
            patch.setattr(folder_import, "submit", dies_at_b)
        else:
            patch.setattr("omentum.review.hand_in.settle_tasks", dies)
        with pytest.raises(KeyboardInterrupt):
            import_round(queued.workspace, tasks)
    assert len(import_round(queued.workspace, tasks).revisions) == 2
    assert [one.case_id for one in queued.workspace.store.revisions.all()] == ["a", "b"]
    assert states(queued.workspace)["b", "spleen"] == "done"


def test_masks_are_known_by_the_names_in_them_in_any_spelling_as_labels_are(queued, tasks, drawn):
    itk(queued, drawn, tasks / "a" / "mine.seg.nrrd", **segments("LIVER, revised"))
    path = queued.write(tasks / "b" / "spleen_revised.nii.gz", drawn)
    image = nib.load(path)
    table = b'<CaretExtension><LabelTable><Label Key="1">Right kidney</Label></LabelTable></CaretExtension>'
    image.header.extensions.append(nib.nifti1.Nifti1Extension(0, table))
    nib.save(nib.Nifti1Image(np.asarray(image.dataobj), image.affine, image.header), path)
    imported = import_round(queued.workspace, tasks)
    assert [one.key for one in imported.revisions] == [("a", "liver")]
    assert "kidney_right" in told(imported)["b/spleen_revised.nii.gz"]
