import numpy as np
import pytest

from omentum.measures.error_regions import error_regions

ONE_MM = (1.0, 1.0, 1.0)


@pytest.fixture
def true():
    """A block of 20 x 20 x 20 mm in a grid of 1 mm."""
    mask = np.zeros((40, 40, 40), dtype=bool)
    mask[10:30, 10:30, 10:30] = True
    return mask


def test_a_mask_that_is_right_has_no_error_region(true):
    found = error_regions(true, true, ONE_MM)
    assert found.volumes_ml == ()
    assert not found.numbers.any()


def test_what_lies_within_3_mm_of_the_true_surface_is_no_error(true):
    mask = true.copy()
    mask[30:33] |= true[29:30]
    assert error_regions(mask, true, ONE_MM).volumes_ml == ()


def test_what_lies_deeper_counts_from_3_mm_on(true):
    mask = true.copy()
    mask[30:38, 10:30, 10:30] = True
    found = error_regions(mask, true, ONE_MM)
    assert found.volumes_ml == (pytest.approx(5 * 20 * 20 / 1000),)
    by_hand = np.zeros_like(true)
    by_hand[33:38, 10:30, 10:30] = True
    np.testing.assert_array_equal(found.numbers == 1, by_hand)


def test_what_is_missing_counts_like_what_is_too_much(true):
    mask = true.copy()
    mask[20:] = False
    found = error_regions(mask, true, ONE_MM)
    by_hand = np.zeros_like(true)
    by_hand[20:27, 13:27, 13:27] = True
    np.testing.assert_array_equal(found.numbers == 1, by_hand)
    assert found.volumes_ml == (pytest.approx(7 * 14 * 14 / 1000),)


@pytest.mark.parametrize(("side_mm", "is_found"), [(7, False), (8, True)])
def test_a_region_of_less_than_half_a_millilitre_is_left_out(true, side_mm, is_found):
    mask = true.copy()
    mask[0:side_mm, 0:8, 0:8] = True  # 448 or 512 mm3, all of it over 3 mm from the corner of the block
    deep = error_regions(mask, true, ONE_MM, deeper_than_mm=0.0)
    assert (len(deep.volumes_ml) == 1) is is_found


def test_without_a_least_volume_what_is_right_still_is_no_region(true):
    mask = true.copy()
    mask[15, 15, 20:] = False
    assert error_regions(true, true, ONE_MM, least_ml=0.0).volumes_ml == ()
    found = error_regions(mask, true, ONE_MM, least_ml=0.0)
    assert (found.numbers > 0).sum() * 0.001 == pytest.approx(sum(found.volumes_ml))


def test_regions_that_meet_at_a_corner_are_one_and_those_apart_are_numbered(true):
    mask = np.zeros_like(true)
    mask[0:10, 0:10, 0:10] = mask[10:20, 10:20, 10:20] = mask[30:40, 30:40, 30:40] = True
    found = error_regions(mask, np.zeros_like(true), ONE_MM)
    assert sorted(found.volumes_ml) == [1.0, 2.0]
    for number, volume_ml in enumerate(found.volumes_ml, start=1):
        assert np.count_nonzero(found.numbers == number) / 1000 == volume_ml


def test_where_nothing_is_true_all_of_the_mask_is_wrong(true):
    assert error_regions(true, np.zeros_like(true), ONE_MM).volumes_ml == (8.0,)


def test_where_the_mask_is_empty_what_is_deep_in_the_truth_is_missing(true):
    assert error_regions(np.zeros_like(true), true, ONE_MM).volumes_ml == (pytest.approx(14**3 / 1000),)


def test_where_both_are_empty_nothing_is_wrong(true):
    nothing = np.zeros_like(true)
    assert error_regions(nothing, nothing, ONE_MM).volumes_ml == ()


def test_depth_is_in_millimetres_on_thick_slices():
    true = np.zeros((20, 20, 12), dtype=bool)
    true[5:15, 5:15, 2:5] = True
    mask = true.copy()
    mask[5:15, 5:15, 5:9] = True
    found = error_regions(mask, true, (2.0, 2.0, 5.0))
    (volume_ml,) = found.volumes_ml
    assert volume_ml == pytest.approx(4 * 10 * 10 * 0.02)


def test_the_same_regions_are_found_with_the_axes_in_another_order(true):
    mask = np.roll(true, (6, 3, 0), axis=(0, 1, 2))
    found = error_regions(mask, true, (1.0, 2.0, 3.0))
    turned = error_regions(mask.T, true.T, (3.0, 2.0, 1.0))
    np.testing.assert_array_equal(turned.numbers > 0, (found.numbers > 0).T)


def test_a_grid_of_one_voxel_is_judged_too():
    there = np.ones((1, 1, 1), dtype=bool)
    assert error_regions(there, ~there, (10.0, 10.0, 10.0)).volumes_ml == (1.0,)
