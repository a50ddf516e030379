"""Masks that another program left take part as a network does: alone, and in the mean with one of ours."""

import json
import shutil

import nibabel as nib
import numpy as np
import pytest

from omentum.predict.inference_config import InferenceConfig
from omentum.predict.mask_files import MaskFilesPredictor
from omentum.predict.network_predictor import NetworkPredictor
from omentum.predict.postprocess.recipes import RECIPES
from omentum.predict.predict_files import predict_files
from omentum.volumes.labels import organ

pytestmark = pytest.mark.usefixtures("quick_pictures")

NO_RULES = InferenceConfig(without=tuple(RECIPES["default"]))


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


@pytest.fixture
def left(tmp_path):
    """Function: a case and the voxels of organs to files, as AbdomenAtlas has them, or soft ones."""

    def leave(case_id, ct, below="segmentations", **organs):
        for name, voxels in organs.items():
            path = tmp_path / "left" / case_id / below / f"{name}.nii.gz"
            path.parent.mkdir(parents=True, exist_ok=True)
            nib.save(nib.Nifti1Image(voxels.astype(np.uint8), nib.load(ct).affine), path)
        return tmp_path / "left"

    return leave


def opinion_of(folder, **more):
    return MaskFilesPredictor(name="elsewhere", folder=folder, **more)


def hu_of(ct):
    return np.asarray(nib.load(ct).dataobj)


def _move(path, by_mm):
    image = nib.load(path)
    affine = image.affine.copy()
    affine[0, 3] += by_mm
    nib.save(nib.Nifti1Image(np.asarray(image.dataobj), affine), path)


def mask(folder, name):
    return np.asarray(nib.load(folder / "segmentations" / f"{name}.nii.gz").dataobj) > 0


def names(folder):
    return {path.name.partition(".")[0] for path in folder.iterdir()}


def drawn(ct, seed=0):
    """A mask of specks and holes, which every rule would change."""
    return np.random.default_rng(seed).random(nib.load(ct).shape) < 0.4


def test_alone_their_masks_are_left_as_they_are(plan, ct_file, left, out):
    ct = ct_file(orientation="LPI")
    liver = drawn(ct)
    folder = left("one", ct, liver=liver, spleen=np.zeros(liver.shape))
    predict_files(plan({"one": ct}, opinion_of(folder), save=frozenset({"masks", "probabilities"})))
    assert names(out / "segmentations") == {"liver", "spleen"}
    assert np.array_equal(mask(out, "liver"), liver)
    assert not mask(out, "spleen").any()
    probability = np.asarray(nib.load(out / "probabilities" / "liver.nii.gz").dataobj)
    assert np.array_equal(probability, 255 * liver)
    told = json.loads((out / "summary.json").read_text())
    assert told["made_with"]["network"] == "elsewhere"
    assert told["organs"]["liver"] == {"volume_ml": round(0.064 * liver.sum(), 3), "removed_ml": {}}
    assert set(told["seconds"]) == {"read", "write", "total"}


@pytest.mark.parametrize("layout", ["omentum", "published"])
def test_the_mean_with_a_network_that_runs_here_is_that_of_both(
    plan, write_weights, ct_file, left, out, tmp_path, organ_hu, layout
):
    ct = ct_file()
    hu = hu_of(ct)
    rng = np.random.default_rng(1)
    soft = np.where(rng.random(hu.shape) < 0.5, rng.integers(3, 256, hu.shape), 0)
    folder = left("one", ct, spleen=drawn(ct), aorta=drawn(ct, 2))
    left("one", ct, "soft_pred", spleen=soft)
    unsure = NetworkPredictor("unsure", write_weights(tmp_path / "w.safetensors", gain=0.02), config=NO_RULES)
    made = plan({"one": ct}, unsure, opinion_of(folder), config=NO_RULES, layout=layout)
    assert predict_files(made).done == ("one",)
    average = out if layout == "omentum" else out / "one" / "average"
    each = out / "networks" if layout == "omentum" else out / "one" / "backbones"
    ours = np.rint(255 / (1 + np.exp(-0.02 * (30 - np.abs(hu - organ_hu("spleen"))))))
    mean = np.ceil((np.where(ours < 3, 0, ours) + soft) / 2 - 0.5)
    assert np.array_equal(mask(average, "spleen"), mean > 127.5)
    assert np.array_equal(mask(each / "elsewhere", "spleen"), drawn(ct)), "drawn masks stay as drawn"
    assert np.array_equal(mask(average, "aorta"), drawn(ct, 2)), "which the other does not know"
    assert names(average / "segmentations") == {*unsure.organs, "aorta"}
    assert names(each / "elsewhere" / "segmentations") == {"spleen", "aorta"}


def test_only_organs_that_are_asked_for_take_part(plan, ct_file, left, out):
    ct = ct_file()
    folder = left("one", ct, spleen=drawn(ct), aorta=drawn(ct), liver=drawn(ct))
    predict_files(plan({"one": ct}, opinion_of(folder, organs=("liver", "spleen", "colon"))))
    assert names(out / "segmentations") == {"spleen", "liver"}


def test_a_case_without_files_or_with_ones_that_do_not_fit_is_set_aside_and_the_others_go_on(
    plan, ct_file, left, out, predictor
):
    sources = {name: ct_file(f"{name}.nii.gz") for name in ("a", "none", "other_grid", "z")}
    for name in ("a", "z"):
        folder = left(name, sources[name], liver=drawn(sources[name]))
    left("other_grid", sources["a"], liver=np.zeros((5, 5, 5)))
    _move(folder / "other_grid" / "segmentations" / "liver.nii.gz", by_mm=3.0)
    made = plan(sources, predictor, opinion_of(folder))
    batch = predict_files(made)
    assert batch.done == ("a", "z")
    reasons = {failure.key: failure.reason for failure in batch.failed}
    assert set(reasons) == {"none", "other_grid"}
    assert "neither none.nii.gz nor none/ holds an organ" in reasons["none"]
    assert "5 x 5 x 5" in reasons["other_grid"]
    assert names(out) == {"a", "z"}
    left("none", sources["none"], liver=drawn(sources["none"]))
    again = predict_files(made)
    assert (again.done, again.skipped) == (("none",), ("a", "z"))


def test_a_mask_that_is_cropped_is_placed_and_told(plan, ct_file, left, out):
    ct = ct_file()
    folder = left("one", ct, liver=np.ones((5, 4, 3)), spleen=drawn(ct))
    predict_files(plan({"one": ct}, opinion_of(folder)))
    whole = np.zeros(drawn(ct).shape, dtype=bool)
    whole[:5, :4, :3] = True
    assert np.array_equal(mask(out, "liver"), whole)
    (note,) = json.loads((out / "summary.json").read_text())["notes"]
    assert note.startswith("liver.nii.gz: ")


def test_files_that_changed_or_are_gone_make_a_prediction_stale(plan, ct_file, left, out):
    sources = {name: ct_file(f"{name}.nii.gz") for name in ("a", "b")}
    for name, ct in sources.items():
        folder = left(name, ct, liver=drawn(ct))
    made = plan(sources, opinion_of(folder))
    predict_files(made)
    assert predict_files(made).skipped == ("a", "b")
    left("b", sources["b"], liver=drawn(sources["b"], 5))
    assert (predict_files(made).done, predict_files(made).skipped) == (("b",), ("a", "b"))
    assert np.array_equal(mask(out / "b", "liver"), drawn(sources["b"], 5))
    left("b", sources["b"], colon=drawn(sources["b"]))
    assert predict_files(made).done == ("b",)
    shutil.rmtree(folder / "a")
    batch = predict_files(made)
    assert ([failure.key for failure in batch.failed], batch.skipped) == (["a"], ("b",))
    assert mask(out / "a", "liver").any(), "what was made before is not lost"


def test_the_mean_is_stale_as_soon_as_one_network_is(plan, ct_file, left, predictor):
    ct = ct_file()
    folder = left("one", ct, liver=drawn(ct))
    made = plan({"one": ct}, predictor, opinion_of(folder))
    predict_files(made)
    assert predict_files(made).skipped == ("one",)
    left("one", ct, liver=drawn(ct, 5))
    assert predict_files(made).done == ("one",)


def test_label_maps_and_another_programs_names_do_as_well(plan, ct_file, out, tmp_path):
    ct = ct_file()
    affine = nib.load(ct).affine
    folder = tmp_path / "left"
    (folder / "two").mkdir(parents=True)
    labels = np.where(drawn(ct), organ("liver").index, 0) + np.where(drawn(ct), 0, organ("spleen").index)
    nib.save(nib.Nifti1Image(labels.astype(np.uint8), affine), folder / "one.nii.gz")
    predict_files(plan({"one": ct}, opinion_of(folder, organs=("liver", "spleen"))))
    assert np.array_equal(mask(out, "liver"), drawn(ct))
    assert np.array_equal(mask(out, "spleen"), ~drawn(ct))
    nib.save(nib.Nifti1Image(drawn(ct).astype(np.uint8), affine), folder / "two" / "gallbladder.nii.gz")
    predict_files(plan({"two": ct}, opinion_of(folder, ids="totalsegmentator")))
    assert names(out / "segmentations") == {"gall_bladder"}
    assert np.array_equal(mask(out, "gall_bladder"), drawn(ct))
