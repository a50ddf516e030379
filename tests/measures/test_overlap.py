import numpy as np
import pytest

from omentum.measures.overlap import changed_ml, dice


def random_masks(seed, shape=(9, 8, 7)):
    rng = np.random.default_rng(seed)
    return rng.random(shape) > 0.6, rng.random(shape) > 0.4


@pytest.mark.parametrize("seed", range(5))
def test_dice_equals_sets_of_voxels_compared_one_by_one(seed):
    a, b = random_masks(seed)
    in_a = {tuple(index) for index in np.argwhere(a)}
    in_b = {tuple(index) for index in np.argwhere(b)}
    assert dice(a, b) == pytest.approx(2 * len(in_a & in_b) / (len(in_a) + len(in_b)))


def test_dice_does_not_care_about_order():
    a, b = random_masks(1)
    assert dice(a, b) == dice(b, a)


def test_dice_of_a_mask_with_itself_is_one_and_with_its_opposite_zero():
    a, _ = random_masks(2)
    assert dice(a, a) == 1.0
    assert dice(a, ~a) == 0.0


def test_dice_of_two_empty_masks_says_nothing_and_of_one_empty_mask_is_zero():
    a, empty = np.ones((2, 2, 2), dtype=bool), np.zeros((2, 2, 2), dtype=bool)
    assert dice(empty, empty) is None
    assert dice(a, empty) == 0.0


def test_change_is_what_only_one_of_both_masks_holds():
    before, after = random_masks(3)
    added_ml, removed_ml = changed_ml(before, after, voxel_ml=0.25)
    assert added_ml == 0.25 * (after & ~before).sum()
    assert removed_ml == 0.25 * (before & ~after).sum()


def test_nothing_changed_where_a_mask_was_accepted():
    a, _ = random_masks(4)
    assert changed_ml(a, a, voxel_ml=1.0) == (0.0, 0.0)
