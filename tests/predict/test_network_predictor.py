import json

import numpy as np
import pytest
from scipy import ndimage

from omentum.errors import CheckpointError, ConfigError, UnknownOrganError
from omentum.networks.infer import organ_probabilities
from omentum.networks.weights import load_network, tensors_sha256
from omentum.predict import network_predictor as module
from omentum.predict.inference_config import InferenceConfig
from omentum.predict.network_predictor import NetworkPredictor
from omentum.volumes.geometry import ALL_ORIENTATIONS, Geometry
from omentum.volumes.volume import Volume

CUBE = np.ones((3, 3, 3))


def largest(mask, k=1):
    """The largest pieces of a mask, with scipy."""
    labels, n_pieces = ndimage.label(mask, CUBE)
    sizes = ndimage.sum_labels(mask, labels, np.arange(1, n_pieces + 1))
    return np.isin(labels, 1 + np.argsort(-sizes, kind="stable")[:k]) & mask


def ball_ct(organ_hu, spacing_mm, orientation="RAS"):
    """A liver of 30 mm radius on the right, smooth at its border, in a field of 120 mm."""
    shape = tuple(round(120 / step) for step in spacing_mm)
    affine = np.diag([*spacing_mm, 1.0])
    affine[:3, 3] = [-(side - 1) / 2 * step for side, step in zip(shape, spacing_mm, strict=True)]
    geometry = Geometry(shape, affine).reoriented(orientation)
    places = geometry.to_mm(np.moveaxis(np.indices(geometry.shape), 0, -1))
    inside = np.linalg.norm(places - (18, 5, -8), axis=-1) <= 30
    hu = np.where(inside, organ_hu("liver"), 0.0).astype(np.float32)
    return Volume(hu, geometry), inside


@pytest.mark.parametrize("orientation", ALL_ORIENTATIONS)
def test_masks_are_exact_on_the_cts_own_grid_in_every_orientation(predictor, box_ct, truth, orientation):
    ct = box_ct(orientation)
    masks = predictor.predict(ct).masks
    assert masks.geometry is ct.geometry
    for name in predictor.organs:
        assert np.array_equal(masks.mask(name), truth(ct.voxels, name)), name


@pytest.mark.parametrize(
    "spacing_mm", [(4.0, 4.0, 4.0), (1.5, 1.5, 5.0), (2.0, 3.0, 8.0), (6.0, 6.0, 6.0), (0.9, 1.1, 12.0)]
)
@pytest.mark.parametrize("orientation", ["RAS", "LPI", "SAR"])
def test_masks_lie_where_the_organ_is_at_any_spacing(predictor, organ_hu, spacing_mm, orientation):
    ct, truth = ball_ct(organ_hu, spacing_mm, orientation)
    mask = predictor.predict(ct).masks.mask("liver")
    assert mask.shape == ct.geometry.shape
    # The Hounsfield units at the organ's border are averages, so that this network misses its rim.
    shrunk = mask & ~truth
    assert shrunk.sum() <= 0.02 * truth.sum()
    assert mask.sum() > 0.5 * truth.sum()
    centre_mm = ct.geometry.to_mm(np.argwhere(mask).mean(axis=0))
    np.testing.assert_allclose(centre_mm, ct.geometry.to_mm(np.argwhere(truth).mean(axis=0)), atol=1.5)


def test_only_the_largest_piece_of_an_organ_is_kept_and_several_of_a_tumour(
    predictor, box_ct, organ_hu, truth
):
    ct = box_ct()
    hu = ct.voxels.copy()
    hu[0:2, 0:2, 0:2] = organ_hu("liver")
    hu[10:12, 10:12, 9:11] = organ_hu("liver_tumor")
    made = predictor.predict(Volume(hu, ct.geometry))
    masks = made.masks
    assert np.array_equal(masks.mask("liver"), largest(truth(hu, "liver")))
    assert ndimage.label(hu == organ_hu("liver_tumor"), CUBE)[1] == 2
    assert np.array_equal(masks.mask("liver_tumor"), hu == organ_hu("liver_tumor"))
    n_hidden = masks.mask("liver").sum() - largest(hu == organ_hu("liver")).sum()
    removed_ml = {"largest": pytest.approx(8 * 0.064), "holes": pytest.approx(-0.064 * n_hidden)}
    assert made.removed_ml == {"liver": removed_ml}


def test_what_rules_took_away_and_say_comes_with_the_prediction(weights, box_ct, organ_hu):
    ct = box_ct()
    hu = np.where(ct.voxels == organ_hu("liver"), 0, ct.voxels).astype(np.int16)
    hu[0, 0, 0] = organ_hu("spleen")
    made = NetworkPredictor("bands", weights).predict(Volume(hu, ct.geometry))
    assert made.removed_ml == {"spleen": {"specks": pytest.approx(0.064)}}
    assert [note.partition(":")[0] for note in made.notes] == ["liver_tumor"]
    config = InferenceConfig(without=("hosts", "specks", "largest"))
    free = NetworkPredictor("bands", weights, config=config).predict(Volume(hu, ct.geometry))
    assert (free.removed_ml, free.notes) == ({}, ())
    assert free.masks.mask("spleen")[0, 0, 0]


def test_an_organ_that_is_nowhere_is_there_and_empty(predictor, box_ct):
    made = predictor.predict(box_ct())
    assert "pancreas" in made.masks.organs
    assert not made.masks.mask("pancreas").any()
    assert made.maps.organs == made.masks.organs == predictor.organs
    assert "pancreas" not in made.maps.parts


def test_probabilities_lie_on_a_grid_parallel_to_the_ct_and_hold_the_whole_organ(predictor, box_ct, organ_hu):
    ct = box_ct("PIR")
    maps = predictor.predict(ct).maps
    assert maps.geometry.same_grid(ct.geometry)
    for name in ("liver", "spleen"):
        box, values = maps.parts[name]
        assert values.dtype == np.uint8
        full = np.zeros(ct.geometry.shape, dtype=np.uint8)
        full[box] = values
        assert np.array_equal(full > 127, ct.voxels == organ_hu(name))


def test_a_box_leaves_out_only_what_is_too_unlikely_to_count(write_weights, box_ct, organ_hu, tmp_path):
    unsure = NetworkPredictor("bands", write_weights(tmp_path / "unsure.safetensors", gain=0.02))
    ct = box_ct()
    maps = unsure.predict(ct).maps
    for name in unsure.organs:
        logits = 0.02 * (30 - np.abs(ct.voxels - organ_hu(name)))
        expected = np.rint(255 / (1 + np.exp(-logits)))
        full = np.zeros(ct.geometry.shape)
        if name in maps.parts:
            box, values = maps.parts[name]
            full[box] = values
        counts = expected >= 3
        np.testing.assert_allclose(full[counts], expected[counts], atol=1)
        if name == "spleen":  # soft tissue is not far from it
            assert (counts & (expected < 100)).any()


def test_organs_may_be_a_subset_in_any_order_and_change_nothing_of_each_other(weights, predictor, box_ct):
    some = NetworkPredictor("bands", weights, organs=["liver", "spleen"])
    assert some.organs == ("spleen", "liver")
    ct = box_ct()
    fewer, all_of_them = some.predict(ct).masks, predictor.predict(ct).masks
    assert fewer.organs == ("spleen", "liver")
    for name in some.organs:
        assert np.array_equal(fewer.mask(name), all_of_them.mask(name))


def test_an_organ_without_a_head_is_refused_before_any_ct_is_read(weights):
    with pytest.raises(UnknownOrganError, match=r"'aorta'.*spleen"):
        NetworkPredictor("bands", weights, organs=["liver", "aorta"])
    with pytest.raises(UnknownOrganError, match="soul"):
        NetworkPredictor("bands", weights, organs=["soul"])


def test_numbers_that_there_are_not_are_refused_before_any_ct_is_read(weights):
    with pytest.raises(ConfigError, match=r"'float7'.*float32"):
        NetworkPredictor("bands", weights, config=InferenceConfig(numbers="float7"))


def test_settings_tell_all_that_decides_what_a_prediction_is(weights, predictor):
    settings = predictor.settings("any")
    assert settings == {
        "network": "bands",
        "weights_sha256": tensors_sha256(load_network(weights).state_dict()),
        "organs": list(predictor.organs),
        "overlap": 0.5,
        "numbers": settings["numbers"],
        "recipe": "default",
        "without": [],
    }
    assert settings["numbers"] in {"float32", "bfloat16", "float16"}
    assert json.loads(json.dumps(settings)) == settings
    config = InferenceConfig(recipe="published", without=("veins",), numbers="float32")
    other = NetworkPredictor("bands", weights, config=config).settings("any")
    assert (other["overlap"], other["numbers"], other["recipe"]) == (0.75, "float32", "published")
    assert other["without"] == ["veins"]


def test_weights_that_are_none_are_refused(tmp_path):
    (tmp_path / "w.safetensors").write_text("no weights")
    with pytest.raises(CheckpointError, match=r"w\.safetensors"):
        NetworkPredictor("bands", tmp_path / "w.safetensors")


def test_it_knows_the_hash_of_its_weights(weights, predictor):
    assert predictor.weights_sha256 == tensors_sha256(load_network(weights).state_dict())


def test_a_ct_of_air_is_refused(predictor, box_ct):
    ct = box_ct()
    with pytest.raises(ConfigError, match="Hounsfield"):
        predictor.predict(Volume(np.full_like(ct.voxels, -1000), ct.geometry))


@pytest.mark.parametrize("overlap", [0.0, 0.3, 0.75])
def test_overlap_of_windows_changes_nothing_for_a_network_that_looks_at_one_voxel(
    weights, box_ct, truth, overlap
):
    ct = box_ct("SAL")
    masks = NetworkPredictor("bands", weights, config=InferenceConfig(overlap=overlap)).predict(ct).masks
    assert np.array_equal(masks.mask("liver"), truth(ct.voxels, "liver"))


@pytest.mark.parametrize(
    ("config", "overlap"),
    [
        (InferenceConfig(), 0.5),
        (InferenceConfig(recipe="published"), 0.75),
        (InferenceConfig(overlap=0.1), 0.1),
    ],
)
def test_windows_overlap_as_asked_for(weights, box_ct, monkeypatch, config, overlap):
    told = []

    def note(*arguments, **named):
        told.append(named["overlap"])
        return organ_probabilities(*arguments, **named)

    monkeypatch.setattr(module, "organ_probabilities", note)
    NetworkPredictor("bands", weights, config=config).predict(box_ct())
    assert told == [overlap]


def test_an_organ_at_the_border_of_the_field_of_view_is_found_up_to_it(predictor, box_ct, organ_hu):
    ct = box_ct()
    hu = np.zeros_like(ct.voxels)
    hu[14:, :6, 9:] = organ_hu("liver")
    masks = predictor.predict(Volume(hu, ct.geometry)).masks
    assert np.array_equal(masks.mask("liver"), hu == organ_hu("liver"))


@pytest.mark.parametrize("shape", [(8, 8, 8), (9, 11, 13), (8, 60, 8)])
def test_a_ct_of_few_or_odd_voxels_is_predicted_by_the_starter_network(tiny_weights, shape):
    starter = NetworkPredictor("tiny", tiny_weights)
    hu = np.random.default_rng(0).normal(40, 60, shape).astype(np.int16)
    ct = Volume(hu, Geometry(shape, np.diag([-3.0, 3.0, 5.0, 1.0])))
    made = starter.predict(ct)
    assert made.masks.codes.shape == shape
    assert set(made.seconds) == {"resample", "network", "masks"}


def test_the_same_ct_gives_the_same_masks_twice(tiny_weights):
    starter = NetworkPredictor("tiny", tiny_weights)
    hu = np.random.default_rng(0).normal(40, 60, (20, 20, 20)).astype(np.int16)
    ct = Volume(hu, Geometry((20, 20, 20), np.diag([8.0, 8.0, 8.0, 1.0])))
    one, other = starter.predict(ct), starter.predict(ct)
    assert np.array_equal(one.masks.codes, other.masks.codes)
    for name, (box, values) in one.maps.parts.items():
        assert other.maps.parts[name][0] == box
        assert np.array_equal(other.maps.parts[name][1], values)
