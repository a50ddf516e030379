import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from omentum.score.shape_features import DENSITY_FEATURES, SHAPE_FEATURES, density_features, shape_features
from omentum.volumes.geometry import ALL_ORIENTATIONS, Geometry
from omentum.volumes.volume import Volume

SHAPE = (20, 18, 16)
GRID = Geometry(SHAPE, np.diag([2.5, 2.5, 2.5, 1.0]))
VOXEL_ML = 2.5**3 / 1000


@pytest.fixture
def two_pieces():
    """A piece of 8 x 8 x 8 voxels and, further right, one of 2 x 2 x 2."""
    mask = np.zeros(SHAPE, dtype=bool)
    mask[2:10, 4:12, 4:12] = True
    mask[14:16, 7:9, 7:9] = True
    return mask


@pytest.fixture
def noisy():
    return np.random.default_rng(0).normal(60, 10, SHAPE).astype(np.float32)


def test_every_voxel_knows_the_piece_that_it_is_in(two_pieces):
    form = shape_features(two_pieces, GRID)
    assert form["piece"][5, 6, 6] == pytest.approx(np.log10(1 + 512 * VOXEL_ML))
    assert form["piece"][14, 7, 7] == pytest.approx(np.log10(1 + 8 * VOXEL_ML))
    assert form["piece_share"][5, 6, 6] == pytest.approx(512 / 520)
    assert form["piece_share"][14, 7, 7] == pytest.approx(8 / 520)
    assert form["size"] == pytest.approx(np.log10(1 + 520 * VOXEL_ML))
    assert not form["piece"][~two_pieces].any()


def test_a_place_is_right_front_and_up_of_the_middle_of_the_mask(two_pieces):
    form = shape_features(two_pieces, GRID)
    for axis, name in enumerate(("lateral", "depth", "height")):
        places = GRID.to_mm(np.argwhere(two_pieces))[:, axis]
        share = (places - places.mean()) / (3 * max(5.0, places.std()))
        np.testing.assert_allclose(form[name][two_pieces], np.clip(share, -1, 1), atol=1e-5)
    assert form["lateral"][19, 0, 0] == 1.0, "no further than three deviations"


def test_the_form_of_a_mask_does_not_depend_on_the_box_it_is_seen_in(two_pieces):
    box = (slice(1, 17), slice(3, 13), slice(2, 14))
    part, everything = shape_features(two_pieces[box], GRID), shape_features(two_pieces, GRID)
    for name in SHAPE_FEATURES:
        expected = everything[name][box] if everything[name].ndim else everything[name]
        np.testing.assert_allclose(part[name], expected, atol=1e-5)


@pytest.mark.parametrize("orientation", ALL_ORIENTATIONS)
def test_form_is_the_same_in_every_orientation(two_pieces, orientation):
    turned = Volume(two_pieces, GRID).reoriented(orientation)
    found = shape_features(turned.voxels, turned.geometry)
    expected = shape_features(two_pieces, GRID)
    for name in ("piece", "lateral", "depth", "height"):
        straight = Volume(expected[name], GRID).reoriented(orientation).voxels
        np.testing.assert_allclose(found[name], straight, atol=1e-5)


def test_on_a_tilted_grid_places_go_by_the_axes_that_are_nearest(two_pieces):
    rotation = Rotation.from_euler("xyz", [9, -7, 12], degrees=True).as_matrix()
    affine = GRID.affine.copy()
    affine[:3, :3] = rotation @ affine[:3, :3]
    tilted, upright = shape_features(two_pieces, Geometry(SHAPE, affine)), shape_features(two_pieces, GRID)
    for name in SHAPE_FEATURES:
        np.testing.assert_allclose(tilted[name], upright[name], atol=1e-5)


def test_an_organ_without_a_voxel_has_a_form_without_nan():
    form = shape_features(np.zeros(SHAPE, dtype=bool), GRID)
    assert form.keys() == set(SHAPE_FEATURES)
    assert all(not np.any(values) for values in form.values())


def test_tissue_is_compared_with_what_the_organ_is_made_of(two_pieces, noisy):
    noisy[14:17, 6:9, 6:9] = 400.0
    tissue = density_features(noisy, two_pieces, two_pieces)
    assert tissue.keys() == set(DENSITY_FEATURES)
    assert tissue["unlike"][15, 7, 7] == 1.0
    assert tissue["unlike_near"][15, 7, 7] == 1.0
    assert tissue["alike"][15, 7, 7] < 1e-3
    own = (slice(3, 9), slice(5, 11), slice(5, 11))
    assert np.median(tissue["unlike"][own]) < 0.2
    assert abs(float(tissue["unlike_near"][own].mean())) < 0.05


def test_darker_surroundings_are_told_from_brighter_ones(two_pieces, noisy):
    noisy[0:3] = -100.0
    noisy[17:20] = 300.0
    near = density_features(noisy, two_pieces, two_pieces)["unlike_near"]
    assert near[1].max() < 0 < near[18].min()


def test_what_is_rough_is_told_from_what_is_smooth(two_pieces, noisy):
    noisy[:, :, 12:] = 60.0
    rough = density_features(noisy, two_pieces, two_pieces)["rough"]
    assert not rough[:, :, 14].any()
    assert rough[5, 6, 6] > 0.05


@pytest.mark.parametrize("n_core", [0, 5])
def test_a_small_core_gives_way_to_the_whole_mask(two_pieces, noisy, n_core):
    core = np.zeros(SHAPE, dtype=bool)
    core.ravel()[np.flatnonzero(two_pieces)[:n_core]] = True
    few, all_of_it = (
        density_features(noisy, two_pieces, core),
        density_features(noisy, two_pieces, two_pieces),
    )
    for name in DENSITY_FEATURES:
        np.testing.assert_array_equal(few[name], all_of_it[name])


def test_without_a_ct_tissue_says_nothing(two_pieces):
    tissue = density_features(None, two_pieces, two_pieces)
    assert {name: float(value) for name, value in tissue.items()} == {
        "unlike": pytest.approx(1 / 6),
        "alike": 1.0,
        "unlike_near": 0.0,
        "rough": 0.0,
    }
