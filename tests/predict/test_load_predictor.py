"""Names stand for weights or for files, and are checked before any CT is read."""

import nibabel as nib
import numpy as np
import pytest

from omentum.errors import CheckpointError, ConfigError, ImageError, UnknownNetworkError, UnknownOrganError
from omentum.networks.catalogue import add_model
from omentum.networks.left_files import keep_files
from omentum.predict.inference_config import Manner
from omentum.predict.load_predictor import opinion_named
from omentum.predict.predictor import Predictor
from omentum.predict.predictors import FilesOpinion


@pytest.fixture(autouse=True)
def user(tmp_path, monkeypatch):
    monkeypatch.setenv("OMENTUM_HOME", str(tmp_path / "home"))


@pytest.fixture
def left(tmp_path):
    """Files of TotalSegmentator for the case `one`, kept as `elsewhere`."""
    folder = tmp_path / "left"
    (folder / "one").mkdir(parents=True)
    nib.save(nib.Nifti1Image(np.zeros((9, 9, 9), np.uint8), np.eye(4)), folder / "one" / "liver.nii.gz")
    keep_files("elsewhere", folder, "totalsegmentator", ())
    return folder


def test_weights_are_found_by_their_name_and_predict_as_asked_for(weights):
    add_model(weights, "mine")
    manner = Manner(overlap=0.25, recipe="published")
    made = opinion_named("mine", organs=("liver",), manner=manner)
    assert isinstance(made, Predictor)
    assert (made.name, made.organs, made.manner) == ("mine", ("liver",), manner)
    assert opinion_named("mine").manner == Manner()


def test_a_projects_own_network_comes_first(weights, write_weights, tmp_path):
    add_model(weights, "mine")
    write_weights(tmp_path / "networks" / "mine" / "weights.safetensors", organs=("liver",))
    assert opinion_named("mine", project_networks=tmp_path / "networks").organs == ("liver",)
    assert len(opinion_named("mine").organs) > 1


def test_what_cannot_be_used_is_refused(weights, tmp_path):
    add_model(weights, "mine")
    (tmp_path / "networks" / "bad").mkdir(parents=True)
    (tmp_path / "networks" / "bad" / "weights.safetensors").write_text("no weights")
    with pytest.raises(UnknownNetworkError, match="yours"):
        opinion_named("yours")
    with pytest.raises(UnknownOrganError, match="aorta"):
        opinion_named("mine", organs=("aorta",))
    with pytest.raises(CheckpointError, match="bad"):
        opinion_named("bad", project_networks=tmp_path / "networks")
    with pytest.raises(ConfigError, match="float7"):
        opinion_named("mine", manner=Manner(numbers="float7"))


def test_files_are_found_by_their_name_and_know_the_organs_of_their_ids(left):
    made = opinion_named("elsewhere")
    assert isinstance(made, FilesOpinion)
    assert made.name == "elsewhere"
    assert {"liver", "gall_bladder", "lung_left"} <= set(made.organs)
    assert "femur_left" not in made.organs
    settings = made.settings("one")
    assert set(settings) == {"network", "weights_sha256", "organs"}
    assert (settings["network"], settings["organs"]) == ("elsewhere", list(made.organs))
    with pytest.raises(ImageError, match="two"):
        made.settings("two")


def test_of_the_organs_asked_for_files_have_those_that_they_know(left):
    assert opinion_named("elsewhere", organs=("femur_left", "liver", "spleen")).organs == ("spleen", "liver")
    with pytest.raises(ConfigError, match="the files of 'elsewhere' have none of them"):
        opinion_named("elsewhere", organs=("femur_left", "liver_tumor"))
    with pytest.raises(UnknownOrganError, match="soul"):
        opinion_named("elsewhere", organs=("soul",))


def test_files_know_only_the_organs_that_they_were_kept_with(left):
    keep_files("fewer", left, "totalsegmentator", ("liver", "colon"))
    assert opinion_named("fewer").organs == ("liver", "colon")
    assert opinion_named("fewer", organs=("abdomenatlas-1.0",)).organs == ("liver",)


def test_files_whose_folder_is_gone_are_refused(left):
    left.rename(left.with_name("moved"))
    with pytest.raises(ConfigError, match="no such folder"):
        opinion_named("elsewhere")


def test_files_that_changed_have_another_hash(left):
    before = opinion_named("elsewhere").settings("one")
    assert before == opinion_named("elsewhere").settings("one")
    nib.save(nib.Nifti1Image(np.ones((9, 9, 9), np.uint8), np.eye(4)), left / "one" / "liver.nii.gz")
    assert opinion_named("elsewhere").settings("one")["weights_sha256"] != before["weights_sha256"]
