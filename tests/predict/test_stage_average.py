"""A project's round with several networks, some of which ran elsewhere, and with their mean as one more."""

import json
import shutil
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest
from scipy import ndimage

from omentum.errors import ConfigError, UnknownNetworkError
from omentum.incoming import add_cases
from omentum.networks.mask_folders import forget_mask_folder, keep_mask_folder
from omentum.predict import predict_case as stage
from omentum.predict.stage import predict_round
from omentum.project.project import begin_project, opened
from omentum.project.settings import Settings
from omentum.volumes.mask_files import read_masks
from omentum.volumes.probabilities import read_probabilities

pytestmark = pytest.mark.usefixtures("quick_pictures")

ORGANS = ("spleen", "liver", "pancreas")


@pytest.fixture
def project(tmp_path, monkeypatch, write_weights, ct_file):
    """A project with two cases and two networks: one that runs in it, one that ran elsewhere."""
    monkeypatch.setenv("OMENTUM_HOME", str(tmp_path / "home"))
    root = tmp_path / "atlas"
    begin_project(root, Settings(organs=ORGANS, networks=("bands", "elsewhere"), held_out_share=0.0))
    write_weights(root / "networks" / "bands" / "weights.safetensors", gain=0.02)
    with opened(root) as workspace:
        add_cases(workspace, [ct_file("a.nii.gz"), ct_file("b.nii.gz", orientation="SAR")])
    for case_id in ("a", "b"):
        leave(tmp_path / "left", root, case_id, "spleen", seed=1)
        leave(tmp_path / "left", root, case_id, "aorta", seed=2)
    keep_mask_folder("elsewhere", tmp_path / "left", "omentum", ())
    return root


def leave(folder, root, case_id, name, seed):
    """Write a mask of half the voxels, and give it."""
    ct = nib.load(root / "cases" / case_id / "ct.nii.gz")
    drawn = np.random.default_rng(seed).random(ct.shape) < 0.5
    path = folder / case_id / f"{name}.nii.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(drawn.astype(np.uint8), ct.affine), path)
    return drawn


def as_published(workspace):
    """Use the published recipe, of whose rules only the largest piece touches these organs."""
    return replace(workspace, settings=workspace.settings.changed(postprocessing="published"))


def probability(made, name):
    maps = read_probabilities(made.probabilities_path)
    full = np.zeros(maps.geometry.shape)
    if name in maps.parts:
        box, values = maps.parts[name]
        full[box] = values
    return full


def largest(mask):
    labels, _ = ndimage.label(mask, np.ones((3, 3, 3)))
    return labels == 1 + np.argmax(np.bincount(labels.ravel())[1:])


def test_files_predict_as_any_network_of_the_project(project):
    with opened(project) as workspace:
        bands, elsewhere = predict_round(workspace)
        assert bands.done == elsewhere.done == ("a", "b")
        made = workspace.predictions("elsewhere")
        assert set(made) == {"a", "b"}
        for case_id, one in made.items():
            drawn = nib.load(project.parent / "left" / case_id / "spleen.nii.gz")
            masks = read_masks(one.masks_path)
            assert masks.organs == one.organs == ("spleen",), "organs of the project that have files"
            assert np.array_equal(masks.mask("spleen"), np.asarray(drawn.dataobj) > 0)
        assert set(workspace.opinions()) == {"a", "b"}
        assert [batch.skipped for batch in predict_round(workspace)] == [("a", "b")] * 2


def test_files_that_changed_make_their_prediction_stale_and_no_others(project):
    with opened(project) as workspace:
        predict_round(workspace)
        drawn = leave(project.parent / "left", project, "b", "spleen", seed=7)
        bands, elsewhere = predict_round(workspace)
        assert bands.done == ()
        assert (elsewhere.done, elsewhere.skipped) == (("b",), ("a",))
        masks = read_masks(workspace.predictions("elsewhere")["b"].masks_path)
        assert np.array_equal(masks.mask("spleen"), drawn)


def test_a_case_without_files_is_set_aside_with_its_reason_and_the_others_go_on(project):
    shutil.rmtree(project.parent / "left" / "a")
    with opened(project) as workspace:
        bands, elsewhere = predict_round(workspace)
        assert bands.done == ("a", "b")
        assert elsewhere.done == ("b",)
        (failure,) = elsewhere.failed
        assert failure.key == "a"
        assert "neither a.nii.gz nor a/ holds an organ" in failure.reason
        assert set(workspace.predictions("elsewhere")) == {"b"}
        leave(project.parent / "left", project, "a", "spleen", seed=1)
        assert predict_round(workspace)[1].done == ("a",)


def test_files_that_are_gone_are_told_of_and_what_was_made_of_them_no_longer_counts(project):
    with opened(project) as workspace:
        predict_round(workspace)
        shutil.rmtree(project.parent / "left" / "a")
        (_, elsewhere) = predict_round(workspace)
        assert [failure.key for failure in elsewhere.failed] == ["a"]
        assert set(workspace.predictions("elsewhere")) == {"b"}
        shutil.rmtree(project.parent / "left")
        with pytest.raises(ConfigError, match="no such folder"):
            predict_round(workspace)
        assert set(workspace.predictions("bands")) == {"a", "b"}


def test_a_network_nobody_knows_is_refused_before_any_case_is_read(project):
    forget_mask_folder("elsewhere")
    with opened(project) as workspace:
        with pytest.raises(UnknownNetworkError, match="elsewhere"):
            predict_round(workspace)
        assert workspace.predictions("bands") == {}


def test_the_mean_is_one_more_network_of_the_project(project):
    with opened(project) as workspace:
        batches = predict_round(as_published(workspace), average=True)
        assert [batch.done for batch in batches] == [("a", "b")] * 3
        average = workspace.predictions("average")
        assert set(average) == {"a", "b"}
        assert workspace.store.ledger.done_keys("predict average") == {"a", "b"}
        for case_id, made in average.items():
            assert made.folder == workspace.folder.prediction_dir(case_id, "average")
            assert made.organs == ORGANS
            each = [workspace.predictions(name)[case_id] for name in ("bands", "elsewhere")]
            mean = np.ceil(sum(probability(one, "spleen") for one in each) / 2 - 0.5)
            assert np.array_equal(probability(made, "spleen"), np.where(mean < 3, 0, mean))
            assert np.array_equal(read_masks(made.masks_path).mask("spleen"), largest(mean > 127.5))
            alone = probability(made, "liver")
            assert np.array_equal(alone, probability(each[0], "liver")), "of which the files say nothing"
            told = json.loads(made.summary_path.read_text())
            assert told["made_with"]["networks"] == ["bands", "elsewhere"]
            assert told["made_with"]["recipe"] == "published"
            assert made.preview_path.is_file()


def test_a_mean_that_is_there_is_not_made_again_until_what_it_is_made_of_changes(project, write_weights):
    with opened(project) as workspace:
        predict_round(workspace, average=True)
        assert [batch.done for batch in predict_round(workspace, average=True)] == [()] * 3
        leave(project.parent / "left", project, "b", "spleen", seed=7)
        assert [batch.done for batch in predict_round(workspace, average=True)] == [(), ("b",), ("b",)]
        write_weights(project / "networks" / "bands" / "weights.safetensors", gain=0.03)
        batches = predict_round(workspace, average=True)
        assert [batch.done for batch in batches] == [("a", "b"), (), ("a", "b")]
        batches = predict_round(as_published(workspace), average=True)
        assert [batch.done for batch in batches] == [("a", "b"), (), ("a", "b")]


def test_a_case_that_one_network_could_not_predict_has_no_mean(project):
    with opened(project) as workspace:
        predict_round(workspace, average=True)
        shutil.rmtree(project.parent / "left" / "a")
        batches = predict_round(workspace, average=True)
        assert [batch.skipped for batch in batches] == [("a", "b"), ("b",), ("b",)]
        assert set(workspace.predictions("average")) == {"b"}, "nor an old one"


@pytest.mark.parametrize("networks", [["bands"], ["bands", "bands"], ["bands", "elsewhere", "bands"]])
def test_a_mean_of_one_network_or_of_one_twice_is_refused_before_any_case_is_read(project, networks):
    with opened(project) as workspace:
        with pytest.raises(ConfigError, match="two networks or more, each named once"):
            predict_round(workspace, networks=networks, average=True)
        assert workspace.predictions("bands") == {}


def test_a_mean_that_was_killed_goes_on(project, monkeypatch):
    really = stage.write_masks

    def killed(path, masks):
        if {"b", "average"} <= set(path.parts):
            raise KeyboardInterrupt
        really(path, masks)

    with opened(project) as workspace, monkeypatch.context() as broken:
        broken.setattr(stage, "write_masks", killed)
        with pytest.raises(KeyboardInterrupt):
            predict_round(workspace, average=True)
    with opened(project) as workspace:
        assert set(workspace.predictions("average")) == {"a"}
        *others, average = predict_round(workspace, average=True)
        assert [batch.done for batch in others] == [(), ()]
        assert (average.done, average.skipped) == (("b",), ("a",))


def test_progress_is_told_of_each_case_of_each_network_and_of_the_mean(project):
    told = []
    with opened(project) as workspace:
        predict_round(workspace, average=True, progress=lambda *seen: told.append(seen))
    assert [key for *_, key in told] == ["a", "b"] * 3
