import numpy as np
import pytest
from scipy import ndimage

from omentum.measures.probability_bytes import entropy_bytes, kept_part, nearest_bytes, soft_bytes
from omentum.volumes.geometry import Geometry
from omentum.volumes.masks import MaskSet

GRID = Geometry((12, 10, 8), np.eye(4))


def test_entropy_is_the_one_sided_term_rounded_down():
    probability = np.linspace(0, 1, 4096, dtype=np.float32).reshape(16, 16, 16)
    exact = -probability * np.log(np.maximum(probability, 1e-38), dtype=np.float64)
    assert (entropy_bytes(probability) == np.floor(255 * exact)).all()
    assert entropy_bytes(probability).max() == 93


def test_entropy_outside_0_to_1_by_rounding_is_none():
    assert entropy_bytes(
        np.array([-1e-8, 1.0000001], dtype=np.float32).reshape(1, 1, 2)
    ).ravel().tolist() == [0, 0]


def test_nearest_byte_is_over_the_middle_exactly_where_the_probability_is_over_a_half():
    exact = np.arange(4 * 255 + 1) / 4  # quarters of a byte, so that halves are among them
    nearest = nearest_bytes((exact / 255).astype(np.float32))
    assert (np.abs(nearest - exact) <= 0.5).all()
    assert ((nearest > 127.5) == (exact > 127.5)).all()
    assert (nearest_bytes(np.arange(256, dtype=np.float32) / 255) == np.arange(256)).all()


@pytest.mark.parametrize("seed", range(4))
def test_soft_prediction_ends_at_the_dilated_mask_also_where_the_mask_lies_beyond_the_box(seed):
    rng = np.random.default_rng(seed)
    mask, stored = rng.random(GRID.shape) > 0.98, rng.integers(0, 256, GRID.shape).astype(np.uint8)
    masks = MaskSet.build(GRID, ["liver"], [("liver", mask)])
    box = (slice(2, 9), slice(0, 7), slice(3, 8))
    soft = soft_bytes(stored[box].astype(np.float32) / 255, masks, "liver", box)
    expected = np.where(ndimage.binary_dilation(mask, np.ones((3, 3, 3))), stored, 0)
    assert (soft == expected[box]).all()


def test_kept_part_has_all_that_counts_and_one_voxel_more():
    values = np.full(GRID.shape, 2, dtype=np.uint8)
    assert kept_part(values) is None
    values[4:6, 0, 7] = 3
    box, part = kept_part(values)
    assert box == (slice(3, 7), slice(0, 2), slice(6, 8))
    assert (part == values[box]).all()
