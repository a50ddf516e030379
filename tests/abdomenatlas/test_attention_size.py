import numpy as np
import pytest

from omentum.abdomenatlas.attention import organ_attention
from omentum.abdomenatlas.attention_size import scaled_heat

SHAPE = (67, 59, 61)
BOX = (slice(11, 40), slice(3, 50), slice(20, 33))


@pytest.fixture(params=range(4))
def attention(request):
    """Attention of one organ in a box: smooth entropies, and some overlap."""
    rng = np.random.default_rng(request.param)
    sides = [part.stop - part.start for part in BOX]
    entropies = [rng.integers(20, 90, sides).astype(np.uint8) for _ in range(3)]
    soft = [np.where(rng.random(sides) < 0.9, value, 0).astype(np.uint8) for value in (0, 90, 250)]
    return organ_attention(soft, entropies, rng.random(sides) > 0.9)


def plainly(real):
    """Sum a whole volume as the published code does."""
    whole = np.zeros(SHAPE, order="F")
    whole[BOX] = real
    return np.sum(whole / whole.max()) / SHAPE[2]


def test_size_equals_numpys_sum_of_the_whole_volume_to_the_last_digit(attention):
    assert scaled_heat(BOX, attention, SHAPE) / SHAPE[2] == plainly(attention.heat / 255)


def test_without_inconsistency_it_is_the_sum_of_uncertainty_and_overlap(attention):
    real = attention.uncertainty / 255 + attention.overlap
    assert scaled_heat(BOX, attention, SHAPE, without_inconsistency=True) / SHAPE[2] == plainly(real)
