"""What one network makes of one CT, as files: read with nibabel and json alone."""

import json

import nibabel as nib
import numpy as np
import pytest
from scipy.special import entr, expit

from omentum import __version__
from omentum.errors import ConfigError, ImageError, NotHounsfieldError, UnreadableImageError
from omentum.predict import predict_files as stage
from omentum.predict.inference_config import InferenceConfig
from omentum.predict.network_predictor import NetworkPredictor
from omentum.predict.predict_files import folder_steps
from omentum.volumes.labels import ORGANS
from omentum.volumes.nifti import write_nifti
from omentum.volumes.read import read_ct
from omentum.volumes.volume import Volume

WRITTEN = {"segmentations", "labels.nii.gz", "labels.json", "preview.png", "summary.json"}


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


@pytest.fixture
def predict(plan):
    """Predict one CT into `out`."""

    def run(source, *opinions, **more):
        made = plan({"one": source}, *opinions, **more)
        folder_steps(made)("one")
        return made

    return run


def names(folder):
    return {path.name for path in folder.iterdir()}


def files(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def summary_of(folder):
    return json.loads((folder / "summary.json").read_text())


@pytest.mark.parametrize("orientation", ["RAS", "LPS", "SPR"])
def test_a_ct_without_a_project_gets_all_the_files_that_others_script_against(
    predict, predictor, ct_file, out, truth, orientation
):
    source = ct_file(orientation=orientation)
    predict(source)
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
        assert np.array_equal(mask, truth(hu, name)), name
        painted[mask > 0] = next(row.index for row in ORGANS if row.name == name)
    labels = nib.load(out / "labels.nii.gz")
    assert labels.get_data_dtype() == np.uint8
    assert np.array_equal(np.asanyarray(labels.dataobj), painted)
    np.testing.assert_allclose(labels.affine, ct.affine, atol=1e-5)


@pytest.mark.usefixtures("quick_pictures")
def test_labels_json_says_which_index_is_which_organ(predict, ct_file, out):
    predict(ct_file())
    table = json.loads((out / "labels.json").read_text())
    assert table == {"0": "background", **{str(row.index): row.name for row in ORGANS}}


@pytest.mark.usefixtures("quick_pictures")
def test_the_summary_says_what_was_done_with_what_and_lists_every_file(
    predict, predictor, ct_file, out, truth
):
    source = ct_file()
    predict(source)
    told = summary_of(out)
    assert set(told) == {
        *("omentum", "made_with", "device", "organs", "notes", "findings", "seconds", "files", "ct_notes")
    }
    assert told["omentum"] == __version__
    assert told["made_with"] == {
        "source": str(source.resolve()),
        **predictor.settings("one"),
        "layout": "omentum",
        "save": ["masks"],
        "resample_tilt": False,
    }
    assert list(told["organs"]) == list(predictor.organs)
    n_voxels = int(truth(read_ct(source).voxels, "liver").sum())
    assert told["organs"]["liver"]["volume_ml"] == pytest.approx(n_voxels * 64 / 1000, abs=1e-3)
    assert told["organs"]["pancreas"] == {"volume_ml": 0, "removed_ml": {}}
    assert set(told["seconds"]) == {"read", "resample", "network", "masks", "write", "total"}
    assert all(value >= 0 for value in told["seconds"].values())
    steps = sum(value for step, value in told["seconds"].items() if step != "total")
    assert told["seconds"]["total"] == pytest.approx(steps, abs=0.01)
    assert set(told["files"]) == files(out) - {"summary.json"}


@pytest.mark.usefixtures("quick_pictures")
def test_the_summary_says_what_rules_took_away_and_what_a_person_should_know(
    predict, box_ct, organ_hu, tmp_path, out
):
    ct = box_ct("LPS")
    hu = np.where(ct.voxels == organ_hu("liver"), 0, ct.voxels).astype(np.int16)
    hu[-1, -1, 0] = organ_hu("spleen")
    write_nifti(tmp_path / "ct.nii.gz", Volume(hu, ct.geometry))
    predict(tmp_path / "ct.nii.gz")
    told = summary_of(out)
    assert told["organs"]["spleen"]["removed_ml"] == {"specks": 0.064}
    assert told["organs"]["kidney_left"]["removed_ml"] == {}
    (note,) = told["notes"]
    assert note.startswith("liver_tumor: no liver was found")


@pytest.mark.parametrize(
    ("save", "written"),
    [
        ({"masks"}, {"segmentations", "labels.nii.gz", "labels.json"}),
        ({"probabilities"}, {"probabilities"}),
        ({"entropy"}, {"entropy"}),
        ({"entropy", "masks"}, {"segmentations", "labels.nii.gz", "labels.json", "entropy"}),
    ],
    ids=lambda value: "+".join(sorted(value)),
)
@pytest.mark.usefixtures("quick_pictures")
def test_what_is_to_be_saved_is_and_nothing_else(predict, predictor, ct_file, out, save, written):
    predict(ct_file(), save=frozenset(save))
    assert names(out) == written | {"preview.png", "summary.json"}
    for folder in written & {"segmentations", "probabilities", "entropy"}:
        assert names(out / folder) == {f"{name}.nii.gz" for name in predictor.organs}
    assert set(summary_of(out)["files"]) == files(out) - {"summary.json"}


@pytest.mark.usefixtures("quick_pictures")
def test_probabilities_and_entropies_are_those_of_the_network(
    predict, write_weights, ct_file, out, organ_hu, tmp_path
):
    source = ct_file()
    unsure = NetworkPredictor("bands", write_weights(tmp_path / "unsure.safetensors", gain=0.02))
    predict(source, unsure, save=frozenset({"probabilities", "entropy"}))
    hu = np.asarray(nib.load(source).dataobj, dtype=float)
    probability = expit(0.02 * (30 - np.abs(hu - organ_hu("spleen"))))
    for folder, expected, off in (("probabilities", probability, 1), ("entropy", entr(probability), 2.5)):
        image = nib.load(out / folder / "spleen.nii.gz")
        assert image.get_data_dtype() == np.uint8
        np.testing.assert_allclose(image.affine, nib.load(source).affine, atol=1e-5)
        assert np.abs(np.asarray(image.dataobj) - 255 * expected).max() <= off
        assert len(np.unique(image.dataobj)) > 3


def test_a_dicom_series_gets_its_ct_as_nifti_too(predict, dicom_folder, box_ct, out, truth):
    predict(dicom_folder)
    assert names(out) == WRITTEN | {"ct.nii.gz"}
    ct = nib.load(out / "ct.nii.gz")
    original = box_ct("LPS")
    assert np.array_equal(np.asanyarray(ct.dataobj), original.voxels)
    np.testing.assert_allclose(ct.affine, original.geometry.affine, atol=1e-4)
    mask = nib.load(out / "segmentations" / "liver.nii.gz")
    np.testing.assert_allclose(mask.affine, ct.affine)
    assert np.array_equal(np.asanyarray(mask.dataobj), truth(original.voxels, "liver"))


@pytest.mark.slow
def test_a_real_dicom_series_is_predicted_on_its_own_grid(predict, shared, tiny_weights, out):
    predict(shared / "data" / "chaos_03" / "dicom", NetworkPredictor("tiny", tiny_weights))
    ct = nib.load(out / "ct.nii.gz")
    labels = nib.load(out / "labels.nii.gz")
    assert labels.shape == ct.shape
    np.testing.assert_allclose(labels.affine, ct.affine)


@pytest.mark.parametrize("layout", ["omentum", "published"])
@pytest.mark.usefixtures("quick_pictures")
def test_the_summary_comes_last(predict, ct_file, out, monkeypatch, layout):
    before = []
    really = stage.write_json

    def note(path, content):
        before.append((path.relative_to(out).as_posix(), files(out)))
        really(path, content)

    monkeypatch.setattr(stage, "write_json", note)
    predict(ct_file(), layout=layout)
    ((written, there),) = before
    assert written == ("summary.json" if layout == "omentum" else "one/summary.json")
    assert there == files(out) - {written}


@pytest.mark.parametrize("layout", ["omentum", "published"])
def test_a_ct_that_cannot_be_used_leaves_nothing(predict, tmp_path, out, layout):
    (tmp_path / "bad.nii.gz").write_bytes(b"no image")
    for name, error in (("bad.nii.gz", ImageError), ("nowhere.nii.gz", UnreadableImageError)):
        with pytest.raises(error):
            predict(tmp_path / name, layout=layout)
    assert not out.exists()


@pytest.mark.usefixtures("quick_pictures")
@pytest.mark.parametrize("layout", ["omentum", "published"])
def test_values_that_are_not_hu_are_refused_put_right_or_noted(predict, box_ct, tmp_path, out, layout):
    ct, path = box_ct(), tmp_path / "stored.nii.gz"
    write_nifti(path, Volume((ct.voxels + 1024).astype(np.int16), ct.geometry))
    with pytest.raises(NotHounsfieldError, match="stored"):
        predict(path, layout=layout)
    assert not out.exists()
    folder = out / "one" if layout == "published" else out
    predict(path, layout=layout, hu_offset=-1024.0)
    np.testing.assert_array_equal(np.asanyarray(nib.load(folder / "ct.nii.gz").dataobj), ct.voxels)
    assert summary_of(folder)["made_with"]["hu_offset"] == -1024.0
    assert not any(one["rule"] == "not_hu" for one in summary_of(folder)["findings"])
    predict(path, layout=layout, accept_values=True)
    (told,) = [one for one in summary_of(folder)["findings"] if one["rule"] == "not_hu"]
    assert told["organ"] == "whole_ct"
    assert "cannot be Hounsfield units" in told["said"]
    with pytest.raises(ConfigError, match="give another folder"):
        predict(folder / "ct.nii.gz", layout=layout, hu_offset=-1024.0)


@pytest.mark.usefixtures("quick_pictures")
def test_a_ct_that_cannot_be_used_leaves_an_earlier_prediction_as_it_was(predict, ct_file, out, tmp_path):
    predict(ct_file())
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    (tmp_path / "bad.nii.gz").write_bytes(b"no image")
    with pytest.raises(ImageError):
        predict(tmp_path / "bad.nii.gz")
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before


@pytest.mark.usefixtures("quick_pictures")
def test_by_the_published_recipe_no_hole_is_filled(predict, weights, ct_file, out, organ_hu):
    config = InferenceConfig(recipe="published")
    source = ct_file(orientation="LPI")
    predict(source, NetworkPredictor("bands", weights, config=config), config=config)
    told = summary_of(out)
    assert (told["made_with"]["recipe"], told["made_with"]["overlap"]) == ("published", 0.75)
    hu = np.asanyarray(nib.load(source).dataobj)
    liver = np.asanyarray(nib.load(out / "segmentations" / "liver.nii.gz").dataobj)
    assert np.array_equal(liver, hu == organ_hu("liver")), "what the tumour takes is not filled"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"layout": "bids"}, "--layout is 'bids', but the layouts are omentum, published"),
        (
            {"save": frozenset({"masks", "logits"})},
            "--save is 'logits', but what can be saved is entropy, masks",
        ),
        ({"save": frozenset()}, "--save is '', but name some of"),
    ],
)
def test_what_cannot_be_is_refused_before_any_ct_is_read(plan, tmp_path, more, said):
    with pytest.raises(ConfigError) as caught:
        plan({"one": tmp_path / "nowhere.nii.gz"}, **more)
    assert said in str(caught.value)
