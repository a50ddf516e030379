from itertools import product

import numpy as np
import pytest
from nibabel.affines import apply_affine

from omentum.score.hot_spots import MOST_SPOTS, hot_spots, joined
from omentum.volumes.geometry import Geometry

ORIGIN = (slice(4, 16), slice(2, 12), slice(3, 13))


@pytest.fixture
def grid():
    """An LPS grid of 0.8 x 0.9 x 2.5 mm, as from DICOM."""
    affine = np.diag([-0.8, -0.9, 2.5, 1.0])
    affine[:3, 3] = [120.0, 80.0, -300.0]
    return Geometry((24, 20, 18), affine)


@pytest.fixture
def binary():
    """Two regions inside `ORIGIN`."""
    binary = np.zeros((12, 10, 10), dtype=bool)
    binary[1:4, 2:5, 1:3] = True
    binary[8:10, 7:9, 6:8] = True
    return binary


def test_spots_come_by_falling_volume_in_ml(grid, binary):
    volumes = [spot["volume_ml"] for spot in hot_spots("liver", binary, ORIGIN, grid)]
    voxel_ml = 0.8 * 0.9 * 2.5 / 1000
    assert volumes == pytest.approx([18 * voxel_ml, 8 * voxel_ml], abs=1e-4)


def test_boxes_in_voxels_are_on_the_whole_cts_grid(grid, binary):
    first = hot_spots("liver", binary, ORIGIN, grid)[0]
    assert first["low_voxel"] == [1 + 4, 2 + 2, 1 + 3]
    assert first["high_voxel"] == [3 + 4, 4 + 2, 2 + 3]


def test_boxes_in_mm_hold_every_voxel_whole_on_a_grid_that_runs_backwards(grid, binary):
    for spot in hot_spots("liver", binary, ORIGIN, grid):
        ends = zip(spot["low_voxel"], spot["high_voxel"], strict=True)
        corners = list(product(*((low - 0.5, high + 0.5) for low, high in ends)))
        corners_mm = apply_affine(grid.affine, corners)
        assert spot["low_mm"] == pytest.approx(corners_mm.min(axis=0), abs=1e-3)
        assert spot["high_mm"] == pytest.approx(corners_mm.max(axis=0), abs=1e-3)


def test_centre_is_the_mean_place_of_the_voxels(grid, binary):
    second = hot_spots("liver", binary, ORIGIN, grid)[1]
    index = np.argwhere(binary[5:]) + np.array([5 + 4, 2, 3])
    assert second["centre_mm"] == pytest.approx(apply_affine(grid.affine, index).mean(axis=0), abs=1e-3)


def test_no_more_than_twenty_spots_of_an_organ_are_listed(grid):
    specks = np.zeros((12, 10, 10), dtype=bool)
    specks[::2, ::2, ::2] = True
    assert len(hot_spots("liver", specks, ORIGIN, grid)) == MOST_SPOTS == 20


def test_organ_without_attention_has_no_spots(grid):
    assert hot_spots("liver", np.zeros((12, 10, 10), dtype=bool), ORIGIN, grid) == []


@pytest.mark.parametrize("axis", range(3))
@pytest.mark.parametrize(("n_between", "is_one"), [(0, True), (4, True), (5, False)])
def test_pieces_up_to_ten_millimetres_apart_are_one_hot_spot(axis, n_between, is_one):
    flagged = np.zeros((16, 16, 16), dtype=bool)
    first, second = (0, 0, 0), [0, 0, 0]
    second[axis] = 1 + n_between
    flagged[first] = flagged[tuple(second)] = True
    numbers = joined(flagged)
    assert (numbers[first] == numbers[tuple(second)]) == is_one
    np.testing.assert_array_equal(numbers > 0, flagged)
