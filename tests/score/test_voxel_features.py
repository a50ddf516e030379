import numpy as np
import pytest

from omentum.measures.canonical_grid import CANONICAL_MM
from omentum.score.scoring_grid import voxel_owners
from omentum.score.voxel_features import FEATURES, entropy_ml, organ_features
from omentum.volumes.geometry import Geometry
from omentum.volumes.volume import Volume

CUBES = np.diag([CANONICAL_MM] * 3 + [1.0])


@pytest.fixture
def block(scan_of):
    """Function: networks' bytes on a grid that is canonical already, mask where the first is over a half."""

    def make(*networks, shape=(30, 28, 26), hu=None, organs=("liver",)):
        grid = Geometry(shape, CUBES)
        masks = {name: values > 127 for name, values in networks[0].items()}
        return scan_of(grid, masks, list(networks), hu, organs=organs).gridded()

    return make


@pytest.fixture
def sure():
    """A block that a network is sure of, 10 voxels a side."""
    values = np.zeros((30, 28, 26), dtype=np.uint8)
    values[10:20, 9:19, 8:18] = 255
    return values


def signals_of(gridded, name="liver"):
    found = organ_features(gridded, name, voxel_owners(gridded))
    columns = {one: found.spread(found.rows[:, k]) for k, one in enumerate(FEATURES)}
    return found, columns


def test_an_organ_without_a_mask_has_no_features(scan):
    gridded = scan.gridded()
    assert organ_features(gridded, "kidney_right", voxel_owners(gridded)) is None


def test_a_row_is_where_the_mask_is_and_up_to_10_mm_around(block, sure):
    found, columns = signals_of(block({"liver": sure}))
    assert found.where.shape == (18, 18, 18)
    np.testing.assert_array_equal(found.mask, columns["inside"] == 1)
    assert found.mask.sum() == 1000
    along = found.where[:, 9, 9]
    assert along.tolist() == [False, *[True] * 16, False]
    assert len(found.rows) == found.where.sum()


def test_values_go_back_to_their_voxels_and_the_rest_is_zero(block, sure):
    found, _ = signals_of(block({"liver": sure}))
    back = found.spread(np.arange(1, len(found.rows) + 1))
    assert back[found.where].tolist() == list(range(1, len(found.rows) + 1))
    assert not back[~found.where].any()


def test_distance_is_measured_from_the_boundary_on_either_side_in_shares_of_15_mm(block, sure):
    _, columns = signals_of(block({"liver": sure}))
    expected = [7.5, 5, 2.5, 2.5, 5, 7.5, 10, 12.5, 12.5]
    np.testing.assert_allclose(columns["distance"][1:10, 9, 9] * 15, expected, rtol=1e-6)


def test_doubt_is_how_far_the_networks_mean_is_from_the_mask(block, sure):
    _, columns = signals_of(block({"liver": sure}, {"liver": sure // 2}))
    mean = (255 + 127) / 2 / 255
    inside = columns["inside"] == 1
    np.testing.assert_allclose(columns["mean"][inside], mean, rtol=1e-6)
    np.testing.assert_allclose(columns["doubt"][inside], np.log((1 - mean) / mean), rtol=1e-5)
    np.testing.assert_allclose(columns["inconsistency"][inside], 64 / 255, rtol=1e-6)
    p = 127 / 255
    bits = -(p * np.log2(p) + (1 - p) * np.log2(1 - p))
    np.testing.assert_allclose(columns["entropy"][inside], bits / 2, atol=0.01)


def test_one_network_is_never_inconsistent_and_said_to_be_alone(block, sure):
    for networks, alone in (([{"liver": sure}], 1), ([{"liver": sure}] * 2, 0)):
        found, columns = signals_of(block(*networks))
        assert not columns["inconsistency"].any()
        assert (columns["alone"][found.where] == alone).all()


def test_a_network_that_does_not_know_the_organ_counts_as_seeing_nothing(block, sure):
    found, columns = signals_of(block({"liver": sure}, {}))
    np.testing.assert_allclose(columns["mean"][found.mask], 0.5)


def test_what_another_organ_claims_is_seen_and_what_it_took(block, sure):
    beside = np.roll(sure, 8, axis=0)
    gridded = block({"liver": sure, "spleen": beside // 2 + 60}, organs=("spleen", "liver"))
    found, columns = signals_of(gridded)
    over = (beside // 2 + 60)[found.box]
    np.testing.assert_allclose(columns["claimed"][found.where], over[found.where] / 255, rtol=1e-6)
    taken = (gridded.masks.codes > 0)[found.box]
    np.testing.assert_array_equal(columns["taken"][found.where] == 1, taken[found.where])


def test_density_is_compared_with_the_organs_own(block, sure):
    hu = np.full(sure.shape, -100, dtype=np.int16)
    hu[sure > 0] = 60
    hu[10:12, 9:19, 8:18] = 100
    found, columns = signals_of(block({"liver": sure}, hu=hu))
    core = found.mask & (columns["alike"] == 1)
    assert core.sum() == 800
    spread = 8.0  # no deviation at all: the least that is reckoned with
    np.testing.assert_allclose(columns["unlike"][found.mask & ~core], 40 / spread / 6, rtol=1e-5)
    np.testing.assert_allclose(columns["unlike"][found.where & ~found.mask], 1.0)


def test_the_border_of_the_view_is_seen_coming(block, sure):
    found, columns = signals_of(block({"liver": np.roll(sure, -10, axis=0)}))
    assert found.box[0].start == 0
    np.testing.assert_allclose(columns["to_border"][:7, 9, 9] * 15, [0, 2.5, 5, 7.5, 10, 12.5, 15], rtol=1e-6)


def test_entropy_is_that_of_the_main_network_in_millilitres(block, sure):
    half = np.where(sure > 0, 128, 0).astype(np.uint8)
    gridded = block({"liver": half}, {"liver": sure})
    assert entropy_ml(gridded, "liver") == pytest.approx(1000 * 2.5**3 / 1000, rel=1e-3)
    assert entropy_ml(block({"liver": sure}), "liver") == pytest.approx(0.0, abs=0.2)


def test_an_organ_that_the_main_network_does_not_see_has_no_entropy(scan):
    assert entropy_ml(scan.gridded(), "kidney_right") == 0.0


@pytest.mark.parametrize("orientation", ["LPS", "RAS", "SAR", "IPL", "PIR", "ALI"])
def test_features_are_the_same_in_every_orientation(scan, orientation):
    first, columns = signals_of(scan.gridded(), "spleen")
    second, turned = signals_of(scan.turned(orientation).gridded(), "spleen")
    assert len(first.rows) == len(second.rows)
    for name in FEATURES:
        grid = scan.turned(orientation).gridded().geometry.cropped(second.box)
        back = Volume(turned[name], grid).reoriented("LPS").voxels
        np.testing.assert_allclose(back, columns[name], atol=0.02, err_msg=name)


@pytest.mark.parametrize("shape", [(8, 8, 8), (1, 8, 8), (8, 8, 1), (1, 1, 1)])
@pytest.mark.parametrize("n_networks", [1, 3])
@pytest.mark.parametrize("with_ct", [False, True])
def test_no_feature_is_nan_on_tiny_grids(block, shape, n_networks, with_ct):
    rng = np.random.default_rng(5)
    networks = [{"liver": rng.integers(0, 256, shape).astype(np.uint8)} for _ in range(n_networks)]
    networks[0]["liver"][0, 0, 0] = 255
    hu = rng.normal(50, 20, shape).astype(np.int16) if with_ct else None
    found, _ = signals_of(block(*networks, shape=shape, hu=hu))
    assert np.isfinite(found.rows).all()


def test_no_feature_is_nan_where_only_the_second_network_sees_the_organ(block, sure):
    found, _ = signals_of(block({"liver": np.zeros_like(sure)}, {"liver": sure}))
    assert not found.mask.any()
    assert np.isfinite(found.rows).all()
