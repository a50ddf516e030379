import numpy as np
import pytest

from omentum.abdomenatlas.attention import organ_attention
from omentum.abdomenatlas.attention_size import attention_size

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
    assert attention_size([(BOX, attention)], SHAPE) == plainly(attention.heat / 255)


def test_without_inconsistency_it_is_the_sum_of_uncertainty_and_overlap(attention):
    real = attention.uncertainty / 255 + attention.overlap
    assert attention_size([(BOX, attention)], SHAPE, without_inconsistency=True) == plainly(real)


def test_sizes_of_organs_are_added(attention):
    one = attention_size([(BOX, attention)], SHAPE)
    assert attention_size([(BOX, attention)] * 2, SHAPE) == pytest.approx(2 * one)
