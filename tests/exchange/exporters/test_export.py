import json
import tarfile
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest

from omentum.errors import ConfigError, ReleaseError
from omentum.exchange.exporters.export import EXPORTERS, export_release
from omentum.exchange.exporters.exporter import Export
from omentum.exchange.exporters.training_sets import folds_by_patient
from omentum.records import MaskSource
from omentum.runners.in_process import InProcessRunner
from omentum.volumes.labels import organ
from omentum.volumes.mask_files import write_masks
from omentum.volumes.masks import MaskSet
from omentum.volumes.nifti import read_nifti_geometry, write_nifti
from omentum.volumes.volume import Volume

from .conftest import SHAPE, made_masks, volume_on


@pytest.fixture
def export(tmp_path):
    """Exports cases in a layout; gives the folder and the batch."""

    def call(cases, layout, *organs, version="V1", out="out"):
        asked = Export(version=version, out=tmp_path / out, organs=organs)
        return tmp_path / out, export_release(cases, layout, asked, InProcessRunner())

    return call


def files(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} - {
        "export.json",
        "organs.json",
    }


@pytest.fixture
def predicted(released, tmp_path):
    """A released case whose project still has the prediction, in which the liver was not revised yet."""
    case = released("LAS")
    geometry = read_nifti_geometry(case.ct_path)
    masks = {name: volume_on("LAS", mask).voxels for name, mask in made_masks().items()}
    masks["liver"] = np.roll(masks["liver"], 2, axis=0)
    parts = masks.items()
    path = tmp_path / "project" / "masks.nii.gz"
    write_masks(path, MaskSet.build(geometry, masks, parts))
    label = tmp_path / "project" / "original_label.nii.gz"
    write_nifti(label, Volume(masks["aorta"], geometry))
    return replace(case, prediction_path=path, original_label_path=label, data_set="04_LiTS"), masks


def test_the_layout_of_abdomenatlas_8k_is_the_published_one(export, predicted, shared):
    case, masks = predicted
    own = case.original_label_path.with_name("source_label.nii.gz")
    own.write_bytes(b"as it came")
    out, batch = export([replace(case, source_label_path=own)], "abdomenatlas-8k")
    assert batch.failed == ()
    folder = out / "04_LiTS_c1"
    published = json.loads((shared / "reference/assembly/expected.json").read_text())["cases"][
        "04_LiTS/liver_0"
    ]
    assert sorted(path.name for path in folder.iterdir()) == published["files"]
    names = {path.name for path in (folder / "segmentations").iterdir()}
    assert names == {f"{name}.nii.gz" for name in masks} | {"liver_V1.nii.gz"}
    before = nib.load(folder / "segmentations" / "liver_V1.nii.gz")
    np.testing.assert_array_equal(np.asarray(before.dataobj) > 0, masks["liver"])
    assembled = nib.load(folder / "pseudo_label.nii.gz")
    assert assembled.get_data_dtype() == published["stored_dtype"]
    np.testing.assert_array_equal(assembled.get_fdata(), nib.load(case.labels_path).get_fdata())
    np.testing.assert_array_equal(assembled.affine, nib.load(case.ct_path).affine)
    assert (folder / "original_label.nii.gz").read_bytes() == b"as it came"
    said = np.asarray(nib.load(folder / "pseudo_label_V1.nii.gz").dataobj)
    top = masks["liver"] & ~masks["aorta"]
    assert (said[top] == organ("liver").index).all()


def test_the_published_layout_says_so_where_the_original_label_is_ours(export, predicted):
    case, _ = predicted
    out, _ = export([case], "abdomenatlas-8k")
    folder = out / "04_LiTS_c1"
    assert (folder / "original_label.nii.gz").read_bytes() == case.original_label_path.read_bytes()
    assert json.loads((folder / "labels.json").read_text())["6"] == "liver"


def test_a_case_that_is_named_after_its_data_set_is_not_so_twice(export, predicted):
    case, _ = predicted
    out, _ = export([replace(case, case_id="04_LiTS_7")], "abdomenatlas-8k")
    assert (out / "04_LiTS_7" / "ct.nii.gz").is_file()


def test_the_published_layout_needs_what_the_network_said_unless_it_said_nothing(export, released):
    case = released()
    _, batch = export([case], "abdomenatlas-8k")
    (failure,) = batch.failed
    assert "no longer in the project" in failure.reason
    original = tuple(replace(mask, source=MaskSource.ORIGINAL) for mask in case.masks)
    out, batch = export([replace(case, masks=original)], "abdomenatlas-8k", out="original")
    assert batch.failed == ()
    assert {path.name for path in (out / "made_c1").iterdir()} == {
        "ct.nii.gz", "pseudo_label.nii.gz", "segmentations",
    }  # fmt: skip


def test_the_trunk_is_spelt_as_published_in_the_published_layout_alone(export, predicted):
    case, _ = predicted
    mask = case.masks[0]
    trunk = replace(mask, organ="celiac_trunk")
    out, _ = export([replace(case, masks=(trunk,))], "abdomenatlas-8k")
    assert (out / "04_LiTS_c1" / "segmentations" / "celiac_truck.nii.gz").is_file()
    out, _ = export([replace(case, masks=(trunk,))], "monai", out="monai")
    assert json.loads((out / "dataset.json").read_text())["labels"] == {
        "0": "background",
        "1": "celiac_trunk",
    }


def test_abdomenatlas_1_numbers_organs_by_their_place_in_the_subset(export, released, monkeypatch):
    short = replace(EXPORTERS["abdomenatlas-1.0"], organs=("kidney_left", "liver", "aorta"))
    monkeypatch.setitem(EXPORTERS, "abdomenatlas-1.0", short)
    out, batch = export([released()], "abdomenatlas-1.0")
    assert batch.done == ("c1",)
    assert files(out) == {
        "c1/ct.nii.gz", "c1/combined_labels.nii.gz", "c1/segmentations/kidney_left.nii.gz",
        "c1/segmentations/liver.nii.gz", "c1/segmentations/aorta.nii.gz",
    }  # fmt: skip
    labels = np.asarray(nib.load(out / "c1" / "combined_labels.nii.gz").dataobj)
    assert set(np.unique(labels)) == {0, 1, 3, 5}
    liver = volume_on("LPS", made_masks()["liver"] & ~made_masks()["aorta"]).voxels
    np.testing.assert_array_equal(labels == 5, liver)


def test_a_case_that_lacks_an_organ_is_left_out_where_it_would_look_absent(export, released):
    whole_case, other = released(), released(case_id="c2")
    lacking = replace(other, masks=tuple(mask for mask in other.masks if mask.organ != "aorta"))
    out, batch = export([whole_case, lacking], "nnunet", "liver", "aorta")
    assert batch.done == ("c1",)
    (failure,) = batch.failed
    assert failure.key == "c2"
    assert "aorta: unknown in this case" in failure.reason
    assert files(out) == {
        "dataset.json", "splits_final.json", "imagesTr/c1_0000.nii.gz", "labelsTr/c1.nii.gz",
    }  # fmt: skip
    out, batch = export([whole_case, lacking], "nnunet", out="all")
    assert batch.done == ("c1", "c2")
    assert "aorta" not in json.loads((out / "dataset.json").read_text())["labels"], "what all cases know"


def test_nnunet_finds_its_raw_layout_with_the_held_out_as_test_set(export, released):
    cases = [released(case_id=f"c{n}", held_out=n == 3) for n in range(4)]
    out, _ = export(cases, "nnunet")
    about = json.loads((out / "dataset.json").read_text())
    assert about["channel_names"] == {"0": "CT"}
    assert about["labels"] == {
        "background": 0, "spleen": 1, "kidney_right": 2, "kidney_left": 3, "liver": 4, "aorta": 5,
    }  # fmt: skip
    assert (about["numTraining"], about["file_ending"]) == (3, ".nii.gz")
    assert len(list((out / "imagesTr").iterdir())) == len(list((out / "labelsTr").iterdir())) == 3
    assert [path.name for path in (out / "imagesTs").iterdir()] == ["c3_0000.nii.gz"]
    for path in (out / "labelsTr").iterdir():
        image, ct = nib.load(path), nib.load(out / "imagesTr" / path.name.replace(".nii", "_0000.nii"))
        assert image.shape == ct.shape
        np.testing.assert_array_equal(image.affine, ct.affine)
        assert set(np.unique(np.asarray(image.dataobj))) <= set(range(6))
    splits = json.loads((out / "splits_final.json").read_text())
    assert sorted(name for fold in splits for name in fold["val"]) == ["c0", "c1", "c2"]


def test_folds_never_split_a_patient_and_are_even(released):
    case = released()
    cases = [replace(case, case_id=f"c{n}", patient_id=f"p{n % 7}") for n in range(23)]
    folds = folds_by_patient(cases)
    patient = {one.case_id: one.patient_id for one in cases}
    assert len(folds) == 5
    for fold in folds:
        assert not {patient[name] for name in fold["train"]} & {patient[name] for name in fold["val"]}
        assert sorted(fold["train"] + fold["val"]) == sorted(patient)
    assert sorted(name for fold in folds for name in fold["val"]) == sorted(patient)
    assert folds_by_patient(cases[:1]) == []


def test_monai_finds_pairs_that_exist(export, released):
    cases = [released(case_id="c1"), released(case_id="c2", held_out=True)]
    out, _ = export(cases, "monai")
    about = json.loads((out / "dataset.json").read_text())
    assert about["training"] == [{"image": "./imagesTr/c1.nii.gz", "label": "./labelsTr/c1.nii.gz"}]
    assert about["test"] == ["./imagesTs/c2.nii.gz"]
    for pair in about["training"] + about["validation"]:
        assert (out / pair["image"]).is_file()
        assert (out / pair["label"]).is_file()
    assert about["labels"]["4"] == "liver"


def test_monai_itself_reads_the_list(export, released):
    load = pytest.importorskip("monai.data").load_decathlon_datalist
    out, _ = export([released()], "monai")
    (pair,) = load(out / "dataset.json", is_segmentation=True, data_list_key="training")
    assert pair["image"] == str(out / "imagesTr" / "c1.nii.gz")


def test_an_archive_of_masks_has_no_ct_and_tells_which_it_was(export, released):
    case = released()
    out, _ = export([case], "masks-only")
    with tarfile.open(out / "masks.tar") as archive:
        names = set(archive.getnames())
        sums = archive.extractfile("c1/ct.sha256").read().decode()
        labels = archive.extractfile("c1/combined_labels.nii.gz").read()
        owners = {(one.uname, one.mtime) for one in archive}
    assert not any("ct.nii" in name for name in names)
    assert {"c1/segmentations/liver.nii.gz", "labels.json", "data-set-card.md"} <= names
    assert sums == f"{'c' * 64}  ct.nii.gz\n"
    assert labels == case.labels_path.read_bytes()
    assert owners == {("", 0)}
    again, _ = export([case], "masks-only", out="again")
    assert (again / "masks.tar").read_bytes() == (out / "masks.tar").read_bytes()


@pytest.mark.parametrize("layout", ["dicom-seg", "rtstruct", "stl", "nnunet", "monai", "abdomenatlas-8k"])
def test_the_same_release_gives_the_same_bytes(export, predicted, layout):
    case, _ = predicted
    first, _ = export([case], layout, out="first")
    second, _ = export([case], layout, out="second")
    for name in files(first):
        ours, theirs = (folder / name for folder in (first, second))
        if name.endswith("seg.dcm") or "seg_" in name:
            continue  # highdicom writes the time of day
        assert ours.read_bytes() == theirs.read_bytes(), name


def test_an_export_goes_on_in_its_own_folder_and_in_no_other(export, released, tmp_path):
    case = released()
    out, _ = export([case], "stl")
    (out / "c1" / "liver.stl").unlink()
    export([case], "stl")
    assert (out / "c1" / "liver.stl").is_file()
    with pytest.raises(ReleaseError, match="not empty"):
        export([case], "monai")
    with pytest.raises(ReleaseError, match="not empty"):
        export([case], "stl", version="V2")


def test_a_layout_that_there_is_not_and_organs_that_nobody_has_are_refused(export, released):
    with pytest.raises(ConfigError, match="layouts are abdomenatlas-1"):
        export([released()], "nifti")
    case = released()
    apart = [replace(case, masks=case.masks[:1]), replace(case, case_id="c2", masks=case.masks[1:])]
    with pytest.raises(ReleaseError, match="no organ is known in every case"):
        export(apart, "nnunet")


def test_what_covers_an_organ_shows_it_where_it_is_left_out(export, released):
    out, _ = export([released()], "nnunet", "kidney_right")
    labels = np.asarray(nib.load(out / "labelsTr" / "c1.nii.gz").dataobj)
    expected = volume_on("LPS", made_masks()["kidney_right"]).reoriented("LPS").voxels
    np.testing.assert_array_equal(labels, expected)
    assert labels.shape == SHAPE


@pytest.mark.parametrize("layout", sorted(EXPORTERS))
def test_the_same_release_gives_the_same_bytes_again(export, predicted, layout):
    case, _ = predicted
    folders = [export([case], layout, out=out)[0] for out in ("first", "again")]
    first, again = (
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for folder in folders
    )
    assert first == again
