import numpy as np
import pytest
from scipy import ndimage

from omentum.errors import CheckpointError, ConfigError, UnknownOrganError
from omentum.networks.weights import load_network, tensors_sha256
from omentum.predict.predictor import Predictor, masks_from
from omentum.volumes.geometry import Geometry
from omentum.volumes.labels import organ
from omentum.volumes.orient import ALL_ORIENTATIONS, reoriented_geometry
from omentum.volumes.probabilities import ProbabilityMaps
from omentum.volumes.resample import resampled
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
    geometry = reoriented_geometry(Geometry(shape, affine), orientation)
    places = geometry.to_mm(np.moveaxis(np.indices(geometry.shape), 0, -1))
    inside = np.linalg.norm(places - (18, 5, -8), axis=-1) <= 30
    hu = np.where(inside, organ_hu("liver"), 0.0).astype(np.float32)
    return Volume(hu, geometry), inside


@pytest.mark.parametrize("orientation", ALL_ORIENTATIONS)
def test_masks_are_exact_on_the_cts_own_grid_in_every_orientation(predictor, box_ct, organ_hu, orientation):
    ct = box_ct(orientation)
    masks = predictor.predict(ct).masks
    assert masks.geometry is ct.geometry
    for name in predictor.organs:
        assert np.array_equal(masks.mask(name), ct.voxels == organ_hu(name)), name


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


@pytest.mark.parametrize("spacing_mm", [(4.0, 4.0, 4.0), (1.5, 1.5, 5.0), (3.0, 4.0, 13.0), (9.0, 7.0, 10.0)])
@pytest.mark.parametrize("seed", range(4))
def test_masks_are_where_the_interpolated_probability_is_over_a_half(spacing_mm, seed):
    rng = np.random.default_rng(seed)
    small = Geometry((30, 26, 22), np.diag([4.0, 4.0, 4.0, 1.0]))
    smooth = ndimage.gaussian_filter(rng.random(small.shape), rng.uniform(1.0, 2.5))
    values = np.clip((smooth - smooth.mean()) / smooth.std() * 90 + 100, 0, 255).astype(np.uint8)
    values[:7], values[24:], values[:, :5] = 0, 0, 0
    whole = tuple(slice(0, side) for side in small.shape)
    maps = ProbabilityMaps(small, ("liver",), {"liver": (whole, values)})
    affine = np.diag([*spacing_mm, 1.0])
    affine[:3, 3] = np.array(spacing_mm) / 2 - 2  # the same field of view
    shape = tuple(int(side * 4 // step) for side, step in zip(small.shape, spacing_mm, strict=True))
    ct = Geometry(shape, affine)
    by_hand = resampled(values, small, ct) > 127.5
    assert np.array_equal(masks_from(maps, ct).mask("liver"), largest(by_hand))
    box, probability = maps.on_grid("liver", ct)
    assert np.array_equal(probability > 0.5, by_hand[box])


@pytest.mark.parametrize("step_mm", [4.0, 7.0, 13.0])
@pytest.mark.parametrize("width", range(7))
def test_an_organ_is_not_thickened_by_what_lies_around_it_where_the_ct_is_coarse(step_mm, width):
    small = Geometry((40, 40, 40), np.diag([4.0, 4.0, 4.0, 1.0]))
    values = np.zeros(small.shape, dtype=np.uint8)
    values[tuple([slice(18 - width, 22 + width)] * 3)] = 126
    values[18:22, 18:22, 19:21] = 255
    whole = tuple(slice(0, side) for side in small.shape)
    maps = ProbabilityMaps(small, ("liver",), {"liver": (whole, values)})
    for offset_mm in np.linspace(-2, 2, 5) * step_mm / 4:
        affine = np.diag([step_mm, step_mm, step_mm, 1.0])
        affine[:3, 3] = step_mm / 2 - 2 + offset_mm
        ct = Geometry(tuple([int(160 // step_mm)] * 3), affine)
        by_hand = resampled(values, small, ct) > 127.5
        assert np.array_equal(masks_from(maps, ct).mask("liver"), largest(by_hand))


def test_only_the_largest_piece_of_an_organ_is_kept_and_several_of_a_tumour(predictor, box_ct, organ_hu):
    ct = box_ct()
    hu = ct.voxels.copy()
    hu[0:2, 0:2, 0:2] = organ_hu("liver")
    hu[8:10, 0:2, 0:2] = organ_hu("liver_tumor")
    masks = predictor.predict(Volume(hu, ct.geometry)).masks
    assert np.array_equal(masks.mask("liver"), largest(hu == organ_hu("liver")))
    assert masks.mask("liver").sum() < (hu == organ_hu("liver")).sum()
    assert organ("liver_tumor").max_components > 1
    assert np.array_equal(masks.mask("liver_tumor"), hu == organ_hu("liver_tumor"))


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
    unsure = Predictor("bands", write_weights(tmp_path / "unsure.safetensors", gain=0.02))
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
    some = Predictor("bands", weights, organs=["liver", "spleen"])
    assert some.organs == ("spleen", "liver")
    ct = box_ct()
    fewer, all_of_them = some.predict(ct).masks, predictor.predict(ct).masks
    assert fewer.organs == ("spleen", "liver")
    for name in some.organs:
        assert np.array_equal(fewer.mask(name), all_of_them.mask(name))


def test_an_organ_without_a_head_is_refused_before_any_ct_is_read(weights):
    with pytest.raises(UnknownOrganError, match=r"'aorta'.*spleen"):
        Predictor("bands", weights, organs=["liver", "aorta"])
    with pytest.raises(UnknownOrganError, match="soul"):
        Predictor("bands", weights, organs=["soul"])


@pytest.mark.parametrize("overlap", [1.0, -0.5, float("nan")])
def test_an_overlap_out_of_range_is_refused_before_any_ct_is_read(weights, overlap):
    with pytest.raises(ConfigError, match="overlap"):
        Predictor("bands", weights, overlap=overlap)


def test_weights_that_are_none_are_refused(tmp_path):
    (tmp_path / "w.safetensors").write_text("no weights")
    with pytest.raises(CheckpointError, match=r"w\.safetensors"):
        Predictor("bands", tmp_path / "w.safetensors")


def test_it_knows_the_hash_of_its_weights(weights, predictor):
    assert predictor.weights_sha256 == tensors_sha256(load_network(weights).state_dict())


def test_a_ct_of_air_is_refused(predictor, box_ct):
    ct = box_ct()
    with pytest.raises(ConfigError, match="Hounsfield"):
        predictor.predict(Volume(np.full_like(ct.voxels, -1000), ct.geometry))


@pytest.mark.parametrize("overlap", [0.0, 0.3, 0.75])
def test_overlap_of_windows_changes_nothing_for_a_network_that_looks_at_one_voxel(
    weights, box_ct, organ_hu, overlap
):
    ct = box_ct("SAL")
    masks = Predictor("bands", weights, overlap=overlap).predict(ct).masks
    assert np.array_equal(masks.mask("liver"), ct.voxels == organ_hu("liver"))


def test_an_organ_at_the_border_of_the_field_of_view_is_found_up_to_it(predictor, box_ct, organ_hu):
    ct = box_ct()
    hu = np.zeros_like(ct.voxels)
    hu[14:, :6, 9:] = organ_hu("liver")
    masks = predictor.predict(Volume(hu, ct.geometry)).masks
    assert np.array_equal(masks.mask("liver"), hu == organ_hu("liver"))


@pytest.mark.parametrize("shape", [(8, 8, 8), (9, 11, 13), (8, 60, 8)])
def test_a_ct_of_few_or_odd_voxels_is_predicted_by_the_starter_network(tiny_weights, shape):
    starter = Predictor("tiny", tiny_weights)
    hu = np.random.default_rng(0).normal(40, 60, shape).astype(np.int16)
    ct = Volume(hu, Geometry(shape, np.diag([-3.0, 3.0, 5.0, 1.0])))
    made = starter.predict(ct)
    assert made.masks.codes.shape == shape
    assert set(made.seconds) == {"resample", "trunk", "heads", "masks"}


def test_the_same_ct_gives_the_same_masks_twice(tiny_weights):
    starter = Predictor("tiny", tiny_weights)
    hu = np.random.default_rng(0).normal(40, 60, (20, 20, 20)).astype(np.int16)
    ct = Volume(hu, Geometry((20, 20, 20), np.diag([8.0, 8.0, 8.0, 1.0])))
    one, other = starter.predict(ct), starter.predict(ct)
    assert np.array_equal(one.masks.codes, other.masks.codes)
    for name, (box, values) in one.maps.parts.items():
        assert other.maps.parts[name][0] == box
        assert np.array_equal(other.maps.parts[name][1], values)
