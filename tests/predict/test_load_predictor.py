"""Names stand for weights or for files, and are checked before any CT is read."""

import nibabel as nib
import numpy as np
import pytest

from omentum.errors import CheckpointError, ConfigError, ImageError, UnknownNetworkError, UnknownOrganError
from omentum.networks.catalogue import add_model
from omentum.networks.mask_folders import keep_mask_folder
from omentum.predict.inference_config import InferenceConfig
from omentum.predict.load_predictor import load_predictor
from omentum.predict.mask_files import MaskFilesPredictor
from omentum.predict.network_predictor import NetworkPredictor


@pytest.fixture(autouse=True)
def user(tmp_path, monkeypatch):
    monkeypatch.setenv("OMENTUM_HOME", str(tmp_path / "home"))


@pytest.fixture
def left(tmp_path):
    """Files of TotalSegmentator for the case `one`, kept as `elsewhere`."""
    folder = tmp_path / "left"
    (folder / "one").mkdir(parents=True)
    nib.save(nib.Nifti1Image(np.zeros((9, 9, 9), np.uint8), np.eye(4)), folder / "one" / "liver.nii.gz")
    keep_mask_folder("elsewhere", folder, "totalsegmentator", ())
    return folder


def test_weights_are_found_by_their_name_and_predict_as_asked_for(weights):
    add_model(weights, "mine")
    config = InferenceConfig(overlap=0.25, recipe="published")
    made = load_predictor("mine", organs=("liver",), config=config)
    assert isinstance(made, NetworkPredictor)
    assert (made.name, made.organs, made.config) == ("mine", ("liver",), config)
    assert load_predictor("mine").config == InferenceConfig()


def test_a_projects_own_network_comes_first(weights, write_weights, tmp_path):
    add_model(weights, "mine")
    write_weights(tmp_path / "networks" / "mine" / "weights.safetensors", organs=("liver",))
    assert load_predictor("mine", project_networks=tmp_path / "networks").organs == ("liver",)
    assert len(load_predictor("mine").organs) > 1


def test_what_cannot_be_used_is_refused(weights, tmp_path):
    add_model(weights, "mine")
    (tmp_path / "networks" / "bad").mkdir(parents=True)
    (tmp_path / "networks" / "bad" / "weights.safetensors").write_text("no weights")
    with pytest.raises(UnknownNetworkError, match="yours"):
        load_predictor("yours")
    with pytest.raises(UnknownOrganError, match="aorta"):
        load_predictor("mine", organs=("aorta",))
    with pytest.raises(CheckpointError, match="bad"):
        load_predictor("bad", project_networks=tmp_path / "networks")
    with pytest.raises(ConfigError, match="float7"):
        load_predictor("mine", config=InferenceConfig(numbers="float7"))


def test_files_are_found_by_their_name_and_know_the_organs_of_their_ids(left):
    made = load_predictor("elsewhere")
    assert isinstance(made, MaskFilesPredictor)
    assert made.name == "elsewhere"
    assert {"liver", "gall_bladder", "lung_left"} <= set(made.organs)
    assert "femur_left" not in made.organs
    settings = made.settings("one")
    assert set(settings) == {"network", "weights_sha256", "organs"}
    assert (settings["network"], settings["organs"]) == ("elsewhere", list(made.organs))
    with pytest.raises(ImageError, match="two"):
        made.settings("two")


def test_of_the_organs_asked_for_files_have_those_that_they_know(left):
    assert load_predictor("elsewhere", organs=("femur_left", "liver", "spleen")).organs == ("spleen", "liver")
    with pytest.raises(ConfigError, match="the files of 'elsewhere' have none of them"):
        load_predictor("elsewhere", organs=("femur_left", "liver_tumor"))
    with pytest.raises(UnknownOrganError, match="soul"):
        load_predictor("elsewhere", organs=("soul",))


def test_files_know_only_the_organs_that_they_were_kept_with(left):
    keep_mask_folder("fewer", left, "totalsegmentator", ("liver", "colon"))
    assert load_predictor("fewer").organs == ("liver", "colon")
    assert load_predictor("fewer", organs=("abdomenatlas-1.0",)).organs == ("liver",)


def test_files_whose_folder_is_gone_are_refused(left):
    left.rename(left.with_name("moved"))
    with pytest.raises(ConfigError, match="no such folder"):
        load_predictor("elsewhere")


def test_files_that_changed_have_another_hash(left):
    before = load_predictor("elsewhere").settings("one")
    assert before == load_predictor("elsewhere").settings("one")
    nib.save(nib.Nifti1Image(np.ones((9, 9, 9), np.uint8), np.eye(4)), left / "one" / "liver.nii.gz")
    assert load_predictor("elsewhere").settings("one")["weights_sha256"] != before["weights_sha256"]
