"""Recipe `published`: masks of the network's grid, each CT voxel as the nearest one there; by hand in RAS."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from omentum.networks.grid import from_network_axes
from omentum.predict.inference_config import InferenceConfig
from omentum.predict.masks_from_probabilities import decide_masks
from omentum.predict.network_predictor import NetworkPredictor
from omentum.volumes.boxes import BoxedArray
from omentum.volumes.geometry import ALL_ORIENTATIONS, Geometry
from omentum.volumes.probabilities import ProbabilityMaps
from omentum.volumes.volume import Volume

MM = 4.0
PLAIN = InferenceConfig(recipe="published")
NO_RULES = InferenceConfig(recipe="published", without=("hosts", "lesions", "lungs", "largest", "veins"))
CUBE = np.ones((3, 3, 3))


def ras(shape, spacing_mm, first_mm=(-31.0, -27.5, 80.0)):
    affine = np.diag([*spacing_mm, 1.0])
    affine[:3, 3] = first_mm
    return Geometry(tuple(shape), affine)


def places(n, spacing_mm, grid_mm):
    """Tell along one axis where the CT's voxels lie on the published grid, and how long that is."""
    length = int(np.rint((n - 1) * spacing_mm / grid_mm + 1))
    return np.round(np.arange(n) * spacing_mm / grid_mm, 9), length


def grid_shape(ct, grid_mm=MM):
    return tuple(places(n, mm, grid_mm)[1] for n, mm in zip(ct.shape, ct.spacing_mm, strict=True))


def nearest(mask, ct, grid_mm=MM):
    """Give each CT voxel what the nearest voxel of the grid has, the even one in the middle between two."""
    lines = []
    for n, mm, side in zip(ct.shape, ct.spacing_mm, mask.shape, strict=True):
        at, length = places(n, mm, grid_mm)
        assert length == side
        lines.append(np.minimum(np.rint(at).astype(int), side - 1))
    return mask[np.ix_(*lines)]


def linear(values, ct, grid_mm=MM):
    """Interpolate a CT on the published grid, which begins at the centre of the CT's first voxel."""
    shape = grid_shape(ct, grid_mm)
    steps = np.array(grid_mm) / np.array(ct.spacing_mm)
    at = np.indices(shape) * steps[:, None, None, None]
    return ndimage.map_coordinates(values.astype(float), at, order=1, mode="nearest")


def largest(mask):
    labels, _ = ndimage.label(mask, CUBE)
    return labels == 1 + np.argmax(np.bincount(labels.ravel())[1:])


def decided_on(ct, orientation, masks, config, grid_mm=MM):
    """Decide from masks on the published grid, RAS, of a CT that is turned; give the masks turned back."""
    there = Volume(np.zeros(ct.shape, dtype=np.uint8), ct).reoriented(orientation).geometry
    parts, geometry = {}, None
    for name, mask in masks.items():
        turned = from_network_axes(np.uint8(255) * mask, there, grid_mm, published=True)
        geometry = turned.geometry
        parts[name] = BoxedArray.whole(turned.voxels)
    made = decide_masks(ProbabilityMaps(geometry, tuple(masks), parts), there, config).masks
    return {name: Volume(made.mask(name), there).reoriented("RAS").voxels for name in masks}


@pytest.fixture
def crowd():
    """Function: a shape to the masks of three organs that fill it, touch and have many pieces."""

    def make(shape, seed=0):
        rng = np.random.default_rng(seed)
        which = np.argmax(ndimage.gaussian_filter(rng.random((3, *shape)), (0, 1, 1, 1)), axis=0)
        return {name: which == k for k, name in enumerate(("spleen", "liver", "stomach"))}

    return make


@pytest.mark.parametrize("orientation", ALL_ORIENTATIONS)
@pytest.mark.parametrize("spacing_mm", [(2.9, 2.3, 5.7), (2.0, 2.5, 4.0)], ids=["odd", "in the middle"])
def test_each_voxel_is_what_the_nearest_one_of_the_networks_grid_is(crowd, orientation, spacing_mm):
    ct = ras((20, 18, 15), spacing_mm)
    masks = crowd(grid_shape(ct))
    made = decided_on(ct, orientation, masks, NO_RULES)
    for name, mask in masks.items():
        assert np.array_equal(made[name], nearest(mask, ct)), name


@given(
    shape=st.tuples(*[st.integers(8, 30)] * 3),
    spacing_mm=st.tuples(*[st.sampled_from([0.5, 0.6, 0.75, 0.703125, 0.9375, 1.0, 1.5, 2.5, 3.0, 5.0])] * 3),
    first_mm=st.tuples(*[st.floats(-400, 400)] * 3),
    orientation=st.sampled_from(ALL_ORIENTATIONS),
    seed=st.integers(0, 3),
)
@settings(deadline=None, max_examples=150)
def test_organs_that_touch_neither_overlap_nor_part(shape, spacing_mm, first_mm, orientation, seed):
    """Also where CT voxels lie in the middle between two, and up to the border of the field of view."""
    ct = ras(shape, spacing_mm, first_mm)
    rng = np.random.default_rng(seed)
    cuts = [int(rng.integers(0, side + 1)) for side in grid_shape(ct, 1.5)]
    axis = int(rng.integers(3))
    liver = np.indices(grid_shape(ct, 1.5))[axis] < cuts[axis]
    made = decided_on(ct, orientation, {"liver": liver, "spleen": ~liver}, NO_RULES, 1.5)
    assert (made["liver"] ^ made["spleen"]).all()
    assert np.array_equal(made["liver"], nearest(liver, ct, 1.5))


@pytest.mark.parametrize("orientation", ["RAS", "LPS", "SPR", "AIL"])
@pytest.mark.parametrize("n", range(16, 24))
def test_an_organ_at_the_border_of_the_networks_grid_reaches_that_of_the_ct(n, orientation):
    ct = ras((n, n - 2, n - 1), (3.0, 3.0, 5.0))
    side = np.indices(grid_shape(ct))
    for axis, here in ((0, side[0] >= 5), (1, side[1] < 4), (2, side[2] >= 6)):
        made = decided_on(ct, orientation, {"liver": here}, PLAIN)["liver"]
        assert np.array_equal(made, nearest(here, ct))
        assert made.any(axis=tuple({0, 1, 2} - {axis}))[-1 if axis != 1 else 0]


def test_an_organ_between_the_voxels_of_a_coarse_ct_is_nowhere_and_does_no_harm():
    ct = ras((12, 12, 12), (9.0, 9.0, 9.0))
    thin = np.zeros(grid_shape(ct), dtype=bool)
    at = places(12, 9.0, MM)[0]
    (missed, *_) = set(range(thin.shape[0])) - set(np.rint(at).astype(int))
    thin[missed, 4:9, 4:9] = True
    made = decided_on(ct, "LPS", {"liver": thin, "spleen": np.roll(thin, 1, axis=0)}, NO_RULES)
    assert not made["liver"].any()
    assert made["spleen"].any()


def test_rules_clean_on_the_networks_grid_and_nothing_is_cleaned_after(crowd):
    """Two pieces on the CT's grid that are one on the network's both stay."""
    ct = ras((10, 20, 20), (9.0, 3.0, 3.0))
    shape = grid_shape(ct)
    seen = np.unique(np.rint(places(10, 9.0, MM)[0]).astype(int))
    missed = min(set(range(3, shape[0])) - set(seen))
    liver = np.zeros(shape, dtype=bool)
    liver[missed - 2 : missed, 2:9, 2:9] = True
    liver[missed + 1 : missed + 3, 2:9, 2:9] = True
    liver[missed, 4, 4] = True
    liver[:, 12:14, 12:14] = True
    made = decided_on(ct, "LAS", {"liver": liver}, PLAIN)["liver"]
    assert np.array_equal(made, nearest(largest(liver), ct))
    assert made.sum() < nearest(liver, ct).sum()


@pytest.mark.parametrize("orientation", ALL_ORIENTATIONS)
def test_a_network_predicts_as_published_from_the_ct_to_the_masks(weights, box_ct, organ_hu, orientation):
    """Grid, interpolation without smoothing, the largest piece, and the way back, all once more by hand."""
    ct = ras((20, 18, 16), (3.1, 4.7, 5.9))
    hu = box_ct().voxels.copy()
    hu[0:2, 0:3, 0:2] = organ_hu("liver")
    assert ct.shape == hu.shape
    predictor = NetworkPredictor("bands", weights, config=PLAIN)
    made = predictor.predict(Volume(hu, ct).reoriented(orientation))
    on_grid = linear(hu, ct)
    for name in ("spleen", "kidney_right", "kidney_left", "liver"):
        mask = largest(np.abs(on_grid - organ_hu(name)) < 30)
        by_hand = nearest(mask, ct)
        assert by_hand.any()
        turned = Volume(made.masks.mask(name), made.masks.geometry)
        assert np.array_equal(turned.reoriented("RAS").voxels, by_hand), name
    assert set(made.removed_ml["liver"]) == {"largest"}
