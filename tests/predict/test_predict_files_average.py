"""Several networks on one CT: their mean by hand in float64, and the files of each and of all."""

import json

import nibabel as nib
import numpy as np
import pytest
from scipy import ndimage
from scipy.special import expit

from omentum.errors import ConfigError
from omentum.predict.average import joint_predictor
from omentum.predict.inference_config import InferenceConfig
from omentum.predict.network_predictor import NetworkPredictor
from omentum.predict.postprocess.recipes import RECIPES
from omentum.predict.predict_files import predict_files
from omentum.volumes.nifti import write_nifti
from omentum.volumes.volume import Volume

pytestmark = pytest.mark.usefixtures("quick_pictures")

NO_RULES = InferenceConfig(without=tuple(RECIPES["default"]))
LIKE = {"sure": (0.5, 20.0), "unsure": (0.05, 45.0)}
"""Gain and width of two networks: one sees little and is sure of it, the other more."""


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


@pytest.fixture
def network(write_weights, tmp_path):
    """Function: a name, a gain, a width and whatever else to a network that is loaded."""

    def make(name, *like, config=NO_RULES, **more):
        weights = write_weights(tmp_path / "w" / name / "w.safetensors", *like, **more)
        return NetworkPredictor(name, weights, config=config)

    return make


@pytest.fixture
def two(network):
    return [network(name, *like) for name, like in LIKE.items()]


@pytest.fixture
def source(box_ct, tmp_path):
    """A CT whose Hounsfield units go up and down around those of spleen and right kidney, 100 and 200."""
    rng = np.random.default_rng(4)
    ct = box_ct("LPS")
    hu = ndimage.gaussian_filter(rng.random(ct.geometry.shape), 1.0)
    hu = 150 + 60 * (hu - hu.mean()) / hu.std()
    path = tmp_path / "cts" / "one.nii.gz"
    # Nowhere is a probability a half, so that rounding does not decide.
    write_nifti(path, Volume((np.rint(hu) + 0.4).astype(np.float32), ct.geometry))
    return path


def bytes_of(source, like, level):
    """What a network keeps of an organ; under 3 it is nothing."""
    hu = np.asarray(nib.load(source).dataobj, dtype=float)
    values = np.rint(255 * expit(like[0] * (like[1] - np.abs(hu - level))))
    return np.where(values < 3, 0, values)


def mask(folder, name):
    return np.asarray(nib.load(folder / "segmentations" / f"{name}.nii.gz").dataobj) > 0


def files(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def summary_of(folder):
    return json.loads((folder / "summary.json").read_text())


def test_the_folder_holds_the_masks_of_the_mean_and_each_network_its_own_below(plan, two, source, out):
    predict_files(plan({"one": source}, *two, config=NO_RULES))
    for name, level in (("spleen", 100), ("kidney_right", 200)):
        each = {network: bytes_of(source, like, level) for network, like in LIKE.items()}
        mean = sum(each.values()) / 2
        for folder, values in (
            (out, mean),
            *((out / "networks" / key, value) for key, value in each.items()),
        ):
            assert np.array_equal(mask(folder, name), np.ceil(values - 0.5) > 127.5), (folder, name)
        n_voxels = [mask(out / folder, name).sum() for folder in ("networks/sure", ".", "networks/unsure")]
        assert n_voxels[0] < n_voxels[1] < n_voxels[2], "the mean is none of the two"


def test_the_mean_is_on_the_finest_grid_whichever_network_has_it(plan, network, ct_file, out, truth):
    """Where the coarse network alone would smear the border, the fine one brings the CT's own grid."""
    for names in (("fine", "coarse"), ("coarse", "fine")):
        opinions = [network(name, spacing_mm={"fine": 4.0, "coarse": 8.0}[name]) for name in names]
        made = plan(
            {"one": ct_file()}, *opinions, config=NO_RULES, save=frozenset({"masks", "probabilities"})
        )
        predict_files(made)
        values = {
            folder: np.asarray(nib.load(out / folder / "probabilities" / "kidney_left.nii.gz").dataobj, float)
            for folder in (".", "networks/fine", "networks/coarse")
        }
        mean = (values["networks/fine"] + values["networks/coarse"]) / 2
        assert np.abs(values["."] - mean).max() <= 1.01
        assert np.abs(values["."] - values["networks/fine"]).max() > 20


def test_a_network_that_does_not_know_an_organ_has_no_say_in_it(plan, network, source, out):
    opinions = [
        network("sure", *LIKE["sure"], organs=("spleen", "liver")),
        network("unsure", *LIKE["unsure"], organs=("spleen", "kidney_right")),
    ]
    predict_files(plan({"one": source}, *opinions, config=NO_RULES))
    organs = {path.name.partition(".")[0] for path in (out / "segmentations").iterdir()}
    assert organs == {"spleen", "kidney_right", "liver"}
    assert np.array_equal(mask(out, "kidney_right"), bytes_of(source, LIKE["unsure"], 200) > 127.5)
    mean = sum(bytes_of(source, like, 100) for like in LIKE.values()) / 2
    assert np.array_equal(mask(out, "spleen"), np.ceil(mean - 0.5) > 127.5)


def test_the_mean_is_cleaned_by_the_same_rules(plan, network, ct_file, out, truth):
    opinions = [network(name, config=InferenceConfig()) for name in ("first", "second")]
    predict_files(plan({"one": ct_file()}, *opinions))
    hu = np.asarray(nib.load(ct_file()).dataobj)
    assert np.array_equal(mask(out, "liver"), truth(hu, "liver"))
    n_hidden = (truth(hu, "liver") & (hu != 600)).sum()
    assert summary_of(out)["organs"]["liver"]["removed_ml"] == {"holes": pytest.approx(-0.064 * n_hidden)}


def test_by_the_published_recipe_the_mean_is_published_too(plan, network, ct_file, out, organ_hu):
    config = InferenceConfig(recipe="published")
    opinions = [network(name, config=config) for name in ("first", "second")]
    predict_files(plan({"one": ct_file()}, *opinions, config=config))
    hu = np.asarray(nib.load(ct_file()).dataobj)
    assert np.array_equal(mask(out, "liver"), hu == organ_hu("liver")), "no hole is filled"


def test_the_summary_is_that_of_the_mean_and_tells_who_had_a_say(plan, two, source, out):
    predict_files(plan({"one": source}, *two, config=NO_RULES))
    told = summary_of(out)
    made_with = told["made_with"]
    assert made_with["network"] == "average"
    assert made_with["networks"] == [one.settings("one") for one in two]
    assert made_with["organs"] == list(two[0].organs)
    assert (made_with["recipe"], made_with["without"]) == ("default", list(NO_RULES.without))
    n_voxels = mask(out, "spleen").sum()
    assert told["organs"]["spleen"]["volume_ml"] == pytest.approx(0.064 * n_voxels, abs=1e-3)
    assert set(told["seconds"]) == {"read", "sure", "unsure", "average", "write", "total"}
    assert set(told["files"]) == files(out) - {"summary.json"}


def test_a_second_run_does_nothing_and_another_choice_of_networks_leaves_no_file(plan, two, source, out):
    both = plan({"one": source}, *two, config=NO_RULES)
    predict_files(both)
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    assert predict_files(both).skipped == ("one",)
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == before
    assert predict_files(plan({"one": source}, two[0], config=NO_RULES)).done == ("one",)
    assert not (out / "networks").exists()
    assert predict_files(plan({"one": source}, *two[::-1], config=NO_RULES)).done == ("one",)
    other_rules = InferenceConfig(without=NO_RULES.without[1:])
    assert predict_files(plan({"one": source}, *two[::-1], config=other_rules)).done == ("one",)


def test_what_is_to_be_saved_is_saved_of_the_mean_and_of_each(plan, two, source, out):
    save = frozenset({"masks", "probabilities", "entropy"})
    predict_files(plan({"one": source}, *two, config=NO_RULES, save=save))
    organs = {f"{name}.nii.gz" for name in two[0].organs}
    kinds = ("segmentations", "probabilities", "entropy")
    own = {f"{kind}/{name}" for kind in kinds for name in organs} | {"labels.nii.gz", "labels.json"}
    networks = {f"networks/{name}/{file}" for name in LIKE for file in own}
    assert files(out) == own | networks | {"preview.png", "summary.json"}
    levels = {"spleen": 100, "kidney_right": 200}
    for name, level in levels.items():
        mean = sum(bytes_of(source, like, level) for like in LIKE.values()) / 2
        image = nib.load(out / "probabilities" / f"{name}.nii.gz")
        assert np.abs(np.asarray(image.dataobj) - mean)[mean >= 3].max() <= 0.5
    predict_files(plan({"one": source}, *two, config=NO_RULES, save=frozenset({"probabilities"})))
    assert {name.split("/")[-2] for name in files(out) if name.endswith(".nii.gz")} == {"probabilities"}


@pytest.mark.parametrize("n_cts", [1, 2])
def test_the_published_tree_has_each_network_and_the_average(plan, two, source, ct_file, out, n_cts):
    sources = {"one": source, "two": ct_file()} if n_cts == 2 else {"one": source}
    save = frozenset({"masks", "probabilities", "entropy"})
    predict_files(plan(sources, *two, config=NO_RULES, layout="published", save=save))
    assert {path.name for path in out.iterdir()} == set(sources)
    organs = {f"{name}.nii.gz" for name in two[0].organs}
    targets = organs - {"liver_tumor.nii.gz"}
    masks = {"pseudo_label.nii.gz", *(f"segmentations/{name}" for name in organs)}
    soft = {f"soft_pred/{name}" for name in organs} | {f"entropy/{name}" for name in targets}
    tree = {f"backbones/{name}/{file}" for name in LIKE for file in masks | soft}
    tree |= {f"average/{file}" for file in masks} | {"ct.nii.gz"}
    for name in sources:
        assert files(out / name) == tree | {"summary.json"}
        assert set(summary_of(out / name)["files"]) == tree
    each = {name: bytes_of(source, like, 100) for name, like in LIKE.items()}
    mean = sum(each.values()) / 2
    assert np.array_equal(mask(out / "one" / "average", "spleen"), np.ceil(mean - 0.5) > 127.5)
    for name, values in each.items():
        backbone = out / "one" / "backbones" / name
        assert np.array_equal(mask(backbone, "spleen"), values > 127.5)
        inside = ndimage.binary_dilation(values > 127.5, np.ones((3, 3, 3)))
        soft_pred = np.asarray(nib.load(backbone / "soft_pred" / "spleen.nii.gz").dataobj)
        assert np.array_equal(soft_pred, np.where(inside & (values >= 3), values, 0))


def test_in_the_published_tree_one_network_has_no_average(plan, two, source, out):
    predict_files(plan({"one": source}, two[0], config=NO_RULES, layout="published"))
    assert {path.name for path in (out / "one").iterdir()} == {"ct.nii.gz", "backbones", "summary.json"}
    assert not (out / "one" / "backbones" / "sure" / "soft_pred").exists(), "masks alone are saved"


@pytest.mark.parametrize("kind", [".nii.gz", ".nii", ".NII.GZ", "DICOM"])
def test_in_the_published_tree_the_ct_is_nifti_whatever_it_came_as(
    plan, predictor, box_ct, dicom_folder, tmp_path, out, kind
):
    original = box_ct("LPS")
    source = dicom_folder
    if kind != "DICOM":
        source = tmp_path / "cts" / f"one{kind}"
        write_nifti(source, Volume(np.ascontiguousarray(original.voxels), original.geometry))
    predict_files(plan({"one": source}, layout="published"))
    path = out / "one" / "ct.nii.gz"
    ct = nib.load(path)
    assert path.read_bytes()[:2] == b"\x1f\x8b"
    assert np.array_equal(np.asarray(ct.dataobj), original.voxels)
    np.testing.assert_allclose(ct.affine, original.geometry.affine, atol=1e-4)
    labels = nib.load(out / "one" / "backbones" / "bands" / "pseudo_label.nii.gz")
    np.testing.assert_allclose(labels.affine, ct.affine, atol=1e-4)
    if kind.lower() == ".nii.gz" and kind.islower():
        assert path.read_bytes() == source.read_bytes()


@pytest.mark.parametrize("names", [(), ("one", "one"), ("one", "average"), ("average",), ("a", "b", "a")])
def test_each_network_is_named_once_and_none_average(network, names):
    loaded = {name: network(name) for name in names}
    opinions = [loaded[name] for name in names]
    with pytest.raises(ConfigError, match="each must be named once, and none 'average'"):
        joint_predictor(opinions, NO_RULES)
