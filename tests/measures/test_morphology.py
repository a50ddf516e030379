import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from omentum.measures.morphology import closed, dilated, eroded, filled, opened

CUBE = np.ones((3, 3, 3))


def blobs(seed, shape, *, order="C"):
    """Smooth random shapes that touch every border, some thin, some thick."""
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).random(shape), 1.5, mode="nearest")
    return np.asarray(noise > np.median(noise) - 0.02, order=order)


def scipy_opened(mask, times):
    return ndimage.binary_dilation(ndimage.binary_erosion(mask, CUBE, times), CUBE, times)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("times", [1, 2, 3])
@pytest.mark.parametrize("seed", range(3))
def test_erosion_dilation_and_opening_equal_scipy_up_to_the_border(seed, times, order):
    mask = blobs(seed, (23, 19, 21), order=order)
    assert (eroded(mask, times) == ndimage.binary_erosion(mask, CUBE, times)).all()
    assert (dilated(mask, times) == ndimage.binary_dilation(mask, CUBE, times)).all()
    assert (opened(mask, times) == scipy_opened(mask, times)).all()
    assert (closed(mask, times) == ndimage.binary_closing(mask, CUBE, times)).all()
    assert opened(mask, 1).any()


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    shape=st.tuples(*[st.integers(1, 9)] * 3),
    share=st.floats(0.0, 1.0),
)
def test_published_opening_equals_scipy_on_any_small_grid(seed, shape, share):
    mask = np.random.default_rng(seed).random(shape) < share
    assert (opened(mask) == scipy_opened(mask, 2)).all()


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    shape=st.tuples(*[st.integers(1, 9)] * 3),
    share=st.floats(0.0, 1.0),
    max_voxels=st.one_of(st.none(), st.integers(0, 9)),
)
def test_holes_are_those_that_scipy_fills_but_for_the_larger_ones(seed, shape, share, max_voxels):
    mask = np.random.default_rng(seed).random(shape) < share
    holes, n_holes = ndimage.label(ndimage.binary_fill_holes(mask) & ~mask)
    for number in range(1, n_holes + 1):
        if max_voxels is not None and (holes == number).sum() > max_voxels:
            holes[holes == number] = 0
    assert (filled(mask, max_voxels) == mask | (holes > 0)).all()


def test_opening_keeps_a_cube_of_five_and_drops_one_of_four():
    mask = np.zeros((20, 9, 9), dtype=bool)
    mask[2:7, 2:7, 2:7] = True
    mask[10:14, 2:6, 2:6] = True
    kept = opened(mask)
    assert kept[2:7, 2:7, 2:7].all()
    assert kept.sum() == 125


def test_full_grid_stays_full_but_for_what_the_border_wears_away():
    assert opened(np.ones((5, 5, 5), dtype=bool)).all()
    assert not opened(np.ones((4, 9, 9), dtype=bool)).any()


def test_mask_given_is_not_changed():
    mask = blobs(0, (12, 12, 12))
    before = mask.copy()
    for change in (eroded, dilated, opened, filled):
        change(mask)
    assert (mask == before).all()


def test_empty_mask_stays_empty():
    assert not opened(np.zeros((6, 6, 6), dtype=bool)).any()
    assert not filled(np.zeros((6, 6, 6), dtype=bool)).any()
