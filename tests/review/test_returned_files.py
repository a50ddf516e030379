"""Files that readers leave in a folder: each is a mask, part of one, or set aside with the reason."""

import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk

from omentum.review.folder_import import import_round
from omentum.volumes.nifti import read_nifti, write_nifti
from omentum.volumes.volume import Volume

from .conftest import VOXEL_ML, painted, told


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


SAVED = {
    "plain": lambda atlas, mask, at: atlas.write(at / "liver_revised.nii.gz", mask),
    "not compressed": lambda atlas, mask, at: atlas.write(at / "liver_revised.nii", mask),
    "browser copy": lambda atlas, mask, at: atlas.write(at / "liver_revised (1).nii.gz", mask),
    "Slicer's copy": lambda atlas, mask, at: atlas.write(at / "liver_revised_1.nii.gz", mask),
    "capital": lambda atlas, mask, at: atlas.write(at / "Liver_Revised.nii.gz", mask),
    "255": lambda atlas, mask, at: atlas.write(at / "liver_revised.nii.gz", mask * np.uint8(255)),
    "saved over": lambda atlas, mask, at: atlas.write(at / "liver.nii.gz", mask * np.uint8(6)),
    "nrrd": lambda atlas, mask, at: itk(atlas, mask, at / "liver_revised.nrrd"),
    "Slicer's label map": lambda atlas, mask, at: itk(atlas, mask, at / "liver_revised-label.nrrd"),
    "pair": lambda atlas, mask, at: nib.save(
        nib.Nifti1Pair.from_image(nib.load(atlas.write(at / "_.nii.gz", mask))), at / "liver_revised.img"
    ),
    "pair, compressed": lambda atlas, mask, at: nib.save(
        nib.Nifti1Pair.from_image(nib.load(atlas.write(at / "_.nii.gz", mask))), at / "liver_revised.img.gz"
    ),
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
    "painted": lambda _atlas, mask, at: painted(mask, at / "labels.nii.gz"),
    "turned": lambda atlas, mask, at: nib.save(
        nib.as_closest_canonical(nib.load(atlas.write(at / "_.nii.gz", mask))), at / "liver_revised.nii.gz"
    ),
}  # fmt: skip


def _cropped(atlas, mask, path):
    grid = read_nifti(path.with_name("ct.nii.gz")).geometry
    write_nifti(path, Volume(mask, grid).cropped((slice(2, 20), slice(2, 18), slice(1, 17))))


def test_whatever_program_saved_it_and_under_whatever_name_it_is_the_same_mask(
    queued, exported, drawn, tmp_path
):
    revisions = []
    for how, save in SAVED.items():
        folder = shutil.copytree(exported, tmp_path / how)
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
    queued, exported, drawn, spleen, tmp_path
):
    at = exported / "a"
    queued.revise(exported, "b", "spleen", spleen)
    queued.write(at / "livre_revised.nii.gz", drawn)
    queued.write(at / "heart_revised.nii.gz", drawn)
    (at / "notes.txt").write_text("the liver is fine")
    (at / "spleen_revised.nii.gz").write_bytes(b"no image")
    itk(queued, drawn, at / "S.seg.nrrd", **segments("liver", "lesion?"))
    shutil.copytree(at, exported / "of nobody")
    (exported / "of nobody" / "task.json").unlink()
    for name in (".DS_Store", "._liver_revised.nii.gz", "Thumbs.db"):
        (at / name).write_bytes(b"")
    imported = import_round(queued.workspace, exported)
    reasons = told(imported)
    assert "did you mean liver?" in reasons["a/livre_revised.nii.gz"]
    assert "no organ is called 'heart'" in reasons["a/heart_revised.nii.gz"]
    assert "not a mask" in reasons["a/notes.txt"]
    assert "cannot be read" in reasons["a/spleen_revised.nii.gz"]
    assert "'lesion?' is named after no organ" in reasons["a/S.seg.nrrd"]
    assert "no case is called 'of nobody'" in reasons["of nobody/livre_revised.nii.gz"]
    assert sorted(one.key for one in imported.revisions) == [("a", "liver"), ("b", "spleen")]
    files = {path.relative_to(exported).as_posix() for path in exported.rglob("*") if path.is_file()}
    taken_or_known = {one.file for one in (*imported.known, *imported.taken)}
    assert taken_or_known | reasons.keys() == files


def test_two_files_for_one_organ_are_taken_only_if_they_are_one_mask(queued, exported, liver, drawn):
    at = exported / "a"
    queued.write(at / "liver_revised.nii.gz", drawn)
    queued.write(at / "liver_revised (1).nii.gz", liver)
    imported = import_round(queued.workspace, exported)
    assert imported.taken == []
    assert set(told(imported)) == {"a/liver_revised.nii.gz", "a/liver_revised (1).nii.gz"}
    assert "differ; keep one" in told(imported)["a/liver_revised.nii.gz"]
    queued.write(at / "liver_revised (1).nii.gz", drawn)
    imported = import_round(queued.workspace, exported)
    assert (len(imported.taken), told(imported)) == (1, {})
    queued.write(at / "liver_revised (2).nii.gz", liver)  # the first was handed in before
    assert [one.file for one in import_round(queued.workspace, exported).taken] == [
        "a/liver_revised (2).nii.gz"
    ]


def test_what_was_painted_over_another_organ_changes_both_but_a_tumour_takes_nothing_from_its_host(
    queued, exported, liver
):
    path = exported / "a" / "labels.nii.gz"
    labels = read_nifti(path)
    voxels = labels.voxels.copy()
    assert set(np.unique(voxels)) == {0, 1, 6}
    voxels[3:5, 3:17, 2:17] = 1  # liver that is spleen
    voxels[10, 10, 10] = 27  # a tumour in the liver
    write_nifti(path, Volume(voxels, labels.geometry))
    imported = import_round(queued.workspace, exported)
    taken = {one.result.revision.organ: one.result.revision for one in imported.taken}
    assert taken["liver"].removed_ml == pytest.approx((voxels[3:5] == 1).sum() * VOXEL_ML)
    assert taken["spleen"].removed_ml == 0.0
    assert taken["liver"].added_ml == 0.0
    assert len(taken) == 3


def test_labels_are_set_aside_where_the_masks_that_they_were_painted_of_have_changed(
    queued, exported, drawn, liver
):
    painted(drawn, exported / "a" / "labels.nii.gz")
    queued.predict("a", {"liver": liver})
    assert "predicted the case again" in told(import_round(queued.workspace, exported))["a/labels.nii.gz"]


def test_masks_are_known_by_the_names_in_them_in_any_spelling_as_labels_are(queued, exported, drawn):
    itk(queued, drawn, exported / "a" / "mine.seg.nrrd", **segments("LIVER, revised"))
    path = queued.write(exported / "b" / "spleen_revised.nii.gz", drawn)
    image = nib.load(path)
    table = b'<CaretExtension><LabelTable><Label Key="1">Right kidney</Label></LabelTable></CaretExtension>'
    image.header.extensions.append(nib.nifti1.Nifti1Extension(0, table))
    nib.save(nib.Nifti1Image(np.asarray(image.dataobj), image.affine, image.header), path)
    imported = import_round(queued.workspace, exported)
    assert [one.key for one in imported.revisions] == [("a", "liver")]
    assert "kidney_right" in told(imported)["b/spleen_revised.nii.gz"]
