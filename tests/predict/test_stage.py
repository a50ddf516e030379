import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from omentum import __version__
from omentum.errors import ImageError, UnreadableImageError
from omentum.predict import stage
from omentum.predict.predictor import Predictor
from omentum.predict.stage import FolderLedger, predict_case, predict_file
from omentum.volumes.labels import ORGANS
from omentum.volumes.mask_files import read_masks
from omentum.volumes.probabilities import read_probabilities
from omentum.volumes.read import read_ct

WRITTEN = {"segmentations", "labels.nii.gz", "labels.json", "preview.png", "summary.json"}


def names(folder):
    return {path.name for path in folder.iterdir()}


def summary_of(folder):
    return json.loads((folder / "summary.json").read_text())


@pytest.fixture
def ledger(predictor, ct_file, tmp_path):
    return FolderLedger({"one": tmp_path / "out"}, {"one": ct_file()}, predictor)


@pytest.mark.parametrize("orientation", ["RAS", "LPS", "SPR"])
def test_a_ct_without_a_project_gets_all_the_files_that_others_script_against(
    predictor, ct_file, tmp_path, organ_hu, orientation
):
    source = ct_file(orientation=orientation)
    out = tmp_path / "out"
    predict_file(predictor, source, out)
    assert names(out) == WRITTEN
    assert names(out / "segmentations") == {f"{name}.nii.gz" for name in predictor.organs}
    ct = nib.load(source)
    hu = np.asanyarray(ct.dataobj)
    painted = np.zeros(hu.shape)
    for name in predictor.organs:  # by rising index, later ones on top
        image = nib.load(out / "segmentations" / f"{name}.nii.gz")
        assert image.get_data_dtype() == np.uint8
        assert image.shape == ct.shape
        np.testing.assert_allclose(image.affine, ct.affine, atol=1e-5)
        mask = np.asanyarray(image.dataobj)
        assert np.array_equal(mask, hu == organ_hu(name)), name
        painted[mask > 0] = next(row.index for row in ORGANS if row.name == name)
    labels = nib.load(out / "labels.nii.gz")
    assert labels.get_data_dtype() == np.uint8
    assert np.array_equal(np.asanyarray(labels.dataobj), painted)
    np.testing.assert_allclose(labels.affine, ct.affine, atol=1e-5)


def test_labels_json_says_which_index_is_which_organ(predictor, ct_file, tmp_path):
    predict_file(predictor, ct_file(), tmp_path / "out")
    table = json.loads((tmp_path / "out" / "labels.json").read_text())
    assert table == {"0": "background", **{str(row.index): row.name for row in ORGANS}}


def test_the_summary_says_what_was_done_with_what(predictor, ct_file, tmp_path, organ_hu):
    source = ct_file()
    predict_file(predictor, source, tmp_path / "out")
    told = summary_of(tmp_path / "out")
    assert told["source"] == str(source.resolve())
    assert told["omentum"] == __version__
    assert (told["network"], told["weights_sha256"]) == ("bands", predictor.weights_sha256)
    assert told["overlap"] == 0.5
    assert list(told["organs"]) == list(predictor.organs)
    n_voxels = int((read_ct(source).voxels == organ_hu("liver")).sum())
    assert told["organs"]["liver"]["volume_ml"] == pytest.approx(n_voxels * 64 / 1000, abs=1e-3)
    assert told["organs"]["pancreas"]["volume_ml"] == 0
    assert set(told["seconds"]) == {"read", "resample", "trunk", "heads", "masks", "total"}
    assert all(value >= 0 for value in told["seconds"].values())


def test_a_dicom_series_gets_its_ct_as_nifti_too(predictor, dicom_folder, box_ct, tmp_path, organ_hu):
    out = tmp_path / "out"
    predict_file(predictor, dicom_folder, out)
    assert names(out) == WRITTEN | {"ct.nii.gz"}
    ct = nib.load(out / "ct.nii.gz")
    original = box_ct("LPS")
    assert np.array_equal(np.asanyarray(ct.dataobj), original.voxels)
    np.testing.assert_allclose(ct.affine, original.geometry.affine, atol=1e-4)
    mask = nib.load(out / "segmentations" / "liver.nii.gz")
    np.testing.assert_allclose(mask.affine, ct.affine)
    assert np.array_equal(np.asanyarray(mask.dataobj), original.voxels == organ_hu("liver"))


@pytest.mark.slow
def test_a_real_dicom_series_is_predicted_on_its_own_grid(shared, tiny_weights, tmp_path):
    predict_file(Predictor("tiny", tiny_weights), shared / "data" / "chaos_03" / "dicom", tmp_path / "out")
    ct = nib.load(tmp_path / "out" / "ct.nii.gz")
    labels = nib.load(tmp_path / "out" / "labels.nii.gz")
    assert labels.shape == ct.shape
    np.testing.assert_allclose(labels.affine, ct.affine)


@pytest.mark.parametrize("how", ["file", "case"])
def test_the_summary_comes_last(predictor, ct_file, tmp_path, monkeypatch, how):
    out = tmp_path / "out"
    before = []
    really = stage.write_json

    def note(path, content):
        before.append((path.name, names(out)))
        really(path, content)

    monkeypatch.setattr(stage, "write_json", note)
    if how == "file":
        predict_file(predictor, ct_file(), out)
    else:
        predict_case(predictor, "one", ct_file(), out)
    assert before == [("summary.json", names(out) - {"summary.json"})]


def test_a_case_of_a_project_gets_its_files(predictor, ct_file, tmp_path, organ_hu):
    source, folder = ct_file(), tmp_path / "case"
    made = predict_case(predictor, "one", source, folder)
    assert names(folder) == {
        *("masks.nii.gz", "labels.nii.gz", "labels.json"),
        *("probabilities.zarr.zip", "preview.png", "summary.json"),
    }
    assert (made.case_id, made.network, made.organs) == ("one", "bands", predictor.organs)
    assert made.weights_sha256 == predictor.weights_sha256
    hu = read_ct(source).voxels
    masks = read_masks(made.masks_path)
    assert masks.organs == predictor.organs
    for name in predictor.organs:
        assert np.array_equal(masks.mask(name), hu == organ_hu(name))
    maps = read_probabilities(made.probabilities_path)
    box, probability = maps.on_grid("liver", masks.geometry)
    assert np.array_equal(probability > 0.5, masks.mask("liver")[box])
    assert summary_of(folder)["organs"]["liver"]["volume_ml"] > 0


def test_a_ct_that_cannot_be_used_leaves_nothing(predictor, tmp_path):
    (tmp_path / "bad.nii.gz").write_bytes(b"no image")
    with pytest.raises(ImageError):
        predict_file(predictor, tmp_path / "bad.nii.gz", tmp_path / "out")
    with pytest.raises(UnreadableImageError):
        predict_file(predictor, tmp_path / "nowhere.nii.gz", tmp_path / "out")
    with pytest.raises(ImageError):
        predict_case(predictor, "bad", tmp_path / "bad.nii.gz", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_ct_that_cannot_be_used_leaves_an_earlier_prediction_as_it_was(predictor, ct_file, tmp_path):
    out = tmp_path / "out"
    predict_file(predictor, ct_file(), out)
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    (tmp_path / "bad.nii.gz").write_bytes(b"no image")
    with pytest.raises(ImageError):
        predict_file(predictor, tmp_path / "bad.nii.gz", out)
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before


def test_masks_of_organs_no_longer_asked_for_do_not_stay(weights, predictor, ct_file, tmp_path):
    out = tmp_path / "out"
    predict_file(predictor, ct_file(), out)
    by_hand = out / "segmentations" / "aorta.nii.gz"
    by_hand.write_bytes(b"drawn by somebody")
    predict_file(Predictor("bands", weights, organs=["liver"]), ct_file(), out)
    assert names(out / "segmentations") == {"liver.nii.gz", "aorta.nii.gz"}
    assert by_hand.read_bytes() == b"drawn by somebody"


@pytest.mark.parametrize("write", ["write_organ_files", "_write_pictures", "write_json"])
def test_a_prediction_that_was_killed_does_not_count(
    predictor, ct_file, tmp_path, ledger, monkeypatch, write
):
    out = tmp_path / "out"
    predict_file(predictor, ct_file(), out)
    assert ledger.done("one")

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(stage, write, killed)
        with pytest.raises(KeyboardInterrupt):
            predict_file(predictor, ct_file(), out)
    assert not ledger.done("one")
    predict_file(predictor, ct_file(), out)
    assert ledger.done("one")


def test_a_case_of_a_project_has_no_summary_while_its_files_are_replaced(
    predictor, ct_file, tmp_path, monkeypatch
):
    made = predict_case(predictor, "one", ct_file(), tmp_path / "case")

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(stage, "write_probabilities", killed)
    with pytest.raises(KeyboardInterrupt):
        predict_case(predictor, "one", ct_file(), tmp_path / "case")
    assert not made.summary_path.exists()


def test_a_case_whose_files_are_there_is_done(predictor, ct_file, tmp_path, ledger):
    assert not ledger.done("one")
    predict_file(predictor, ct_file(), tmp_path / "out")
    assert ledger.done("one")


def test_a_case_whose_mask_or_summary_somebody_removed_is_not_done(predictor, ct_file, tmp_path, ledger):
    out = tmp_path / "out"
    for removed in (out / "segmentations" / "liver.nii.gz", out / "summary.json"):
        predict_file(predictor, ct_file(), out)
        removed.unlink()
        assert not ledger.done("one")


def test_another_ct_in_the_same_folder_is_not_done(predictor, ct_file, tmp_path):
    out = tmp_path / "out"
    predict_file(predictor, ct_file("one.nii.gz"), out)
    other = ct_file("other.nii.gz")
    assert not FolderLedger({"other": out}, {"other": other}, predictor).done("other")


def test_the_same_ct_by_another_path_is_done(predictor, ct_file, tmp_path, monkeypatch):
    source = ct_file()
    predict_file(predictor, source, tmp_path / "out")
    monkeypatch.chdir(source.parent)
    relative = {"one": Path("one.nii.gz")}
    assert FolderLedger({"one": tmp_path / "out"}, relative, predictor).done("one")


@pytest.mark.parametrize("changed", ["weights", "organs", "overlap", "name"])
def test_other_weights_organs_windows_or_networks_make_it_stale(
    predictor, weights, write_weights, ct_file, tmp_path, changed
):
    source, out = ct_file(), tmp_path / "out"
    predict_file(predictor, source, out)
    other = {
        "weights": lambda: Predictor("bands", write_weights(tmp_path / "w" / "w.safetensors", gain=0.25)),
        "organs": lambda: Predictor("bands", weights, organs=["liver"]),
        "overlap": lambda: Predictor("bands", weights, overlap=0.25),
        "name": lambda: Predictor("other", weights),
    }[changed]()
    assert not FolderLedger({"one": out}, {"one": source}, other).done("one")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "3", "{}", '{"organs": null}', '{"organs": ["liver"]}', "\xff"]
)
def test_a_summary_that_is_none_of_ours_is_not_done_and_does_no_harm(
    predictor, ct_file, tmp_path, ledger, text
):
    out = tmp_path / "out"
    out.mkdir()
    (out / "summary.json").write_text(text, encoding="latin-1")
    assert not ledger.done("one")
    predict_file(predictor, ct_file(), out)
    assert ledger.done("one")
