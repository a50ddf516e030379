from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage
from scipy.spatial.transform import Rotation

from omentum.score.calibration import Calibration, LevelCounts
from omentum.score.error_model import LEVELS, shipped_model
from omentum.score.expected_error import expected_errors
from omentum.volumes.geometry import Geometry

ORGANS = ("liver", "spleen", "kidney_right")


def errors_of(gridded, prior, organs=ORGANS, revisions=None):
    found = expected_errors(gridded, organs, shipped_model(), Calibration(prior, revisions or {}))
    return {one.organ: one for one in found}


def centres_mm(one, grid):
    """Give the middle of each hot spot in mm, R, A, S."""
    index = ndimage.center_of_mass(one.spots_map > 0, one.spots_map, [spot.number for spot in one.spots])
    return grid.to_mm(np.array(index) + [part.start for part in one.box])


def assert_same(one, other):
    assert other.error_ml == pytest.approx(one.error_ml, rel=0.01)
    assert other.dice_loss == pytest.approx(one.dice_loss, rel=0.01)
    assert other.reasons == one.reasons
    assert len(other.spots) == len(one.spots)
    for a, b in zip(one.spots, other.spots, strict=True):
        assert b.volume_ml == pytest.approx(a.volume_ml, rel=0.02, abs=0.05)
        assert b.error_ml == pytest.approx(a.error_ml, rel=0.02, abs=0.05)


@pytest.fixture(scope="module")
def upright(scan, prior):
    return errors_of(scan.gridded(), prior)


@pytest.fixture(scope="module")
def where_spleen_is(scan, upright):
    """Where each of the two networks sees the spleen, in the box of what is expected of it."""
    gridded = scan.gridded()
    seen = []
    for network in gridded.probabilities:
        whole_view = np.zeros(gridded.geometry.shape, dtype=np.uint8)
        box, values = network["spleen"]
        whole_view[box] = values
        seen.append(whole_view[upright["spleen"].box] > 127)
    return seen


def test_where_networks_disagree_more_is_expected_to_be_wrong_than_where_they_agree(upright, where_spleen_is):
    one, (first, second) = upright["spleen"], where_spleen_is
    assert one.probability[first != second].mean() > one.probability[first & second].mean()
    assert one.probability[first != second].mean() > 2 * one.probability[one.where & ~first & ~second].mean()


def test_where_networks_disagree_twice_as_much_is_expected_to_be_wrong(upright, where_spleen_is):
    one, (first, second) = upright["spleen"], where_spleen_is
    assert one.probability[first != second].mean() > 2 * one.probability[first & second].mean()
    assert one.levels[first != second].mean() > one.levels[first & second].mean()


@pytest.mark.parametrize("orientation", ["LAS", "RAS", "SAR", "IPL", "PIR", "ALI"])
def test_the_same_is_expected_in_every_orientation(scan, prior, upright, orientation):
    gridded = scan.turned(orientation).gridded()
    turned = errors_of(gridded, prior)
    assert turned.keys() == upright.keys()
    for name, one in upright.items():
        assert_same(one, turned[name])
        if one.spots:
            straight = centres_mm(one, scan.gridded().geometry)
            np.testing.assert_allclose(centres_mm(turned[name], gridded.geometry), straight, atol=0.5)


def test_the_same_is_expected_on_an_oblique_grid(scan, prior, upright):
    rotation = Rotation.from_euler("xyz", [9, -7, 12], degrees=True).as_matrix()
    gridded = scan.tilted(rotation).gridded()
    tilted = errors_of(gridded, prior)
    for name, one in upright.items():
        assert_same(one, tilted[name])
        if one.spots:
            moved = centres_mm(one, scan.gridded().geometry) @ rotation.T
            np.testing.assert_allclose(centres_mm(tilted[name], gridded.geometry), moved, atol=0.5)


def test_error_volume_is_the_sum_of_probabilities(scan, upright):
    for one in upright.values():
        total = one.probability.sum(dtype=float) * 2.5**3 / 1000
        assert one.error_ml == pytest.approx(total)
        assert 0 <= one.dice_loss <= 1


def test_dice_loss_is_that_of_a_mask_of_which_so_much_is_wrong(scan, upright):
    masks = scan.gridded().masks
    for name, one in upright.items():
        mask = masks.mask_in(name, one.box)
        too_much, too_little = one.probability[mask].sum(dtype=float), one.probability[~mask].sum(dtype=float)
        n, kept = mask.sum(), mask.sum() - too_much
        if n or too_little:
            dice = 2 * kept / (n + kept + too_little)
            assert one.dice_loss == pytest.approx(1 - dice, abs=1e-5)


def test_hot_spots_are_numbered_by_falling_expected_error_and_hold_it(upright):
    for one in upright.values():
        errors_ml = [spot.error_ml for spot in one.spots]
        assert errors_ml == sorted(errors_ml, reverse=True)
        for spot in one.spots:
            inside = one.spots_map == spot.number
            assert spot.volume_ml == pytest.approx(inside.sum() * 2.5**3 / 1000)
            assert spot.error_ml == pytest.approx(one.probability[inside].sum(dtype=float) * 2.5**3 / 1000)
        assert one.spots_map.max() == len(one.spots)


def test_hot_spots_are_what_is_probable_enough_and_large_enough(scan, prior_of):
    (one,) = errors_of(scan.gridded(), prior_of(flag_over=0.05, least_error_ml=0.2), ["spleen"]).values()
    assert one.spots
    assert min(spot.error_ml for spot in one.spots) >= 0.2
    assert one.probability[one.spots_map > 0].min() > 0.05
    (all_of_it,) = errors_of(
        scan.gridded(), prior_of(flag_over=0.05, least_error_ml=0.0), ["spleen"]
    ).values()
    np.testing.assert_array_equal(all_of_it.spots_map > 0, all_of_it.probability > 0.05)
    (none,) = errors_of(scan.gridded(), prior_of(flag_over=0.05, least_error_ml=1e6), ["spleen"]).values()
    assert none.spots == ()
    assert not none.spots_map.any()
    assert none.error_ml == all_of_it.error_ml


def revised(one, wrong_share, n_organs=500):
    """Count so many organs like this one, of whose every level so much was wrong."""
    seen_ml = np.bincount(one.levels[one.where], minlength=LEVELS) * (2.5**3 / 1000) * n_organs
    return {one.organ: LevelCounts(seen_ml, seen_ml * wrong_share, n_organs)}


def test_where_all_was_right_hot_spots_stay_and_less_is_expected_in_them(scan, upright, prior):
    before = upright["spleen"]
    assert before.spots
    after = errors_of(scan.gridded(), prior, ["spleen"], revised(before, 0.0))["spleen"]
    np.testing.assert_array_equal(after.spots_map > 0, before.spots_map > 0)
    assert after.probability[after.spots_map > 0].max() < prior.flag_over
    assert 0 < sum(spot.error_ml for spot in after.spots) < 0.5 * sum(spot.error_ml for spot in before.spots)


def test_where_much_was_wrong_hot_spots_are_added(scan, upright, prior):
    before = upright["spleen"]
    after = errors_of(scan.gridded(), prior, ["spleen"], revised(before, 0.5))["spleen"]
    assert (after.spots_map > 0)[before.spots_map > 0].all()
    assert np.count_nonzero(after.spots_map) > np.count_nonzero(before.spots_map)


def test_levels_are_kept_where_anything_can_be_wrong_and_nowhere_else(upright):
    for one in upright.values():
        assert one.levels.dtype == np.uint8
        assert not one.levels[~one.where].any()


def test_a_rule_that_is_broken_gives_its_words_and_flags_the_place(scan, prior, scan_of):
    turned = scan_of(
        scan.geometry,
        {"liver": scan.masks["spleen"], "spleen": scan.masks["liver"]},
        [{"liver": one["spleen"], "spleen": one["liver"]} for one in scan.networks],
        scan.hu,
    )
    found = errors_of(turned.gridded(), prior, ["liver", "spleen"])
    liver = found["liver"]
    assert liver.reasons
    assert len(set(liver.reasons)) == len(liver.reasons)
    assert all("liver" not in said for said in liver.reasons)
    assert liver.spots


def test_a_rule_that_was_never_right_keeps_its_hot_spot_and_little_is_expected_there(odd_cases, prior):
    gridded = odd_cases["one network"].gridded()
    before = errors_of(gridded, prior, ["liver"])["liver"]
    broken = {one.rule for one in before.findings}
    assert broken
    never = {"liver": replace(LevelCounts.none(), rules=dict.fromkeys(broken, (0, 200)))}
    after = errors_of(gridded, prior, ["liver"], never)["liver"]
    np.testing.assert_array_equal(after.spots_map > 0, before.spots_map > 0)
    assert after.error_ml < 0.2 * before.error_ml


def test_an_organ_that_nobody_sees_and_no_rule_misses_is_left_out(upright):
    assert "kidney_right" not in upright


def bytes_of(shape, *sides, value=255):
    values = np.zeros(shape, dtype=np.uint8)
    values[tuple(slice(*side) for side in sides)] = value
    return values


@pytest.fixture
def odd_cases(scan_of):
    """Cases that have broken arithmetic elsewhere, by name."""
    grid, thick = Geometry((24, 22, 20), np.diag([2.5, 2.5, 2.5, 1])), np.diag([1.0, 1.0, 5.0, 1.0])
    block = bytes_of(grid.shape, (6, 16), (6, 16), (5, 15))
    beside = bytes_of(grid.shape, (17, 22), (2, 8), (2, 8))
    slice_of = bytes_of(grid.shape, (6, 16), (6, 16), (9, 10))
    empty = np.zeros_like(block)
    hu = np.full(grid.shape, 50, dtype=np.int16)
    noise = np.random.default_rng(0).integers(0, 256, (8, 8, 8)).astype(np.uint8)

    def made(*networks, geometry=grid, hu=hu):
        masks = {name: values > 127 for name, values in networks[0].items()}
        return scan_of(geometry, masks, list(networks), hu)

    return {
        "nothing anywhere": made({"liver": empty, "spleen": empty}),
        "one network": made({"liver": block, "spleen": beside}),
        "one slice": made({"liver": slice_of, "spleen": empty}, {"liver": block, "spleen": slice_of}),
        "no overlap": made({"liver": block, "spleen": beside}, {"liver": beside, "spleen": block}),
        "second sees it": made({"liver": empty, "spleen": empty}, {"liver": block, "spleen": empty}),
        "second knows none": made({"liver": block, "spleen": beside}, {}),
        "no CT": made({"liver": block, "spleen": beside}, hu=None),
        "all of the view": made({"liver": empty + 255, "spleen": empty}),
        "tiny": made({"liver": noise, "spleen": noise.T}, geometry=Geometry((8, 8, 8), thick), hu=None),
        "tiny cubes": made(
            {"liver": noise, "spleen": noise.T},
            {"liver": noise[::-1], "spleen": noise},
            geometry=Geometry((8, 8, 8), grid.affine),
            hu=hu[:8, :8, :8],
        ),
    }


@pytest.mark.parametrize(
    "name",
    [
        "nothing anywhere",
        "one network",
        "one slice",
        "no overlap",
        "second sees it",
        "second knows none",
        "no CT",
        "all of the view",
        "tiny",
        "tiny cubes",
    ],
)
def test_nothing_is_nan_where_little_is_there(odd_cases, prior, name):
    for one in errors_of(odd_cases[name].gridded(), prior, ["liver", "spleen"]).values():
        assert np.isfinite(one.probability).all()
        assert np.isfinite([one.error_ml, one.dice_loss]).all()
        assert all(np.isfinite([spot.error_ml, spot.volume_ml]).all() for spot in one.spots)


def test_what_only_the_second_network_sees_is_expected_to_be_missing(odd_cases, prior):
    one = errors_of(odd_cases["second sees it"].gridded(), prior, ["liver"])["liver"]
    assert one.error_ml > 0
    assert one.dice_loss == pytest.approx(1.0)
