import numpy as np
import pytest
from scipy import ndimage

from omentum.measures.components import keep_largest, pieces_of

NEIGHBOURS_26 = np.ones((3, 3, 3))


@pytest.fixture
def speckled():
    """Many pieces of different sizes, one of them touching the border."""
    noise = ndimage.gaussian_filter(np.random.default_rng(4).random((30, 28, 26)), 1.2)
    return noise > np.quantile(noise, 0.9)


def scipy_pieces(mask):
    labels, n_pieces = ndimage.label(mask, NEIGHBOURS_26)
    return [labels == number for number in range(1, n_pieces + 1)]


@pytest.mark.parametrize("order", ["C", "F"])
def test_pieces_are_scipys_by_falling_size(speckled, order):
    pieces = pieces_of(np.asarray(speckled, order=order))
    sizes = [int(pieces.n_voxels[number]) for number in pieces.by_size]
    assert sizes == sorted((int(mask.sum()) for mask in scipy_pieces(speckled)), reverse=True)
    assert len(sizes) > 5


def test_voxels_that_touch_at_a_corner_are_one_piece():
    mask = np.zeros((4, 4, 4), dtype=bool)
    mask[1, 1, 1] = mask[2, 2, 2] = True
    assert pieces_of(mask).n_voxels.tolist() == [0, 2]


@pytest.mark.parametrize("k", [1, 2, 5])
def test_largest_pieces_are_kept_whole_and_nothing_else(speckled, k):
    pieces = sorted(scipy_pieces(speckled), key=np.count_nonzero, reverse=True)
    assert (keep_largest(speckled, k) == np.any(pieces[:k], axis=0)).all()


def test_piece_of_exactly_the_limit_is_dropped():
    mask = np.zeros((9, 3, 3), dtype=bool)
    mask[0:3, 1, 1] = True
    mask[5:9, 1, 1] = True
    assert keep_largest(mask, k=2, min_voxels_exclusive=3).sum() == 4
    assert keep_largest(mask, k=2, min_voxels_exclusive=2).sum() == 7
    assert not keep_largest(mask, k=2, min_voxels_exclusive=4).any()


def test_of_two_equal_pieces_one_is_kept():
    mask = np.zeros((5, 1, 1), dtype=bool)
    mask[[0, 1, 3, 4]] = True
    assert keep_largest(mask).ravel().tolist() == [True, True, False, False, False]


def test_numbered_pieces_are_those_that_scipy_finds_and_can_be_counted_and_taken(speckled):
    pieces = pieces_of(speckled)
    theirs = sorted(scipy_pieces(speckled), key=np.count_nonzero, reverse=True)
    assert [int(pieces.n_voxels[number]) for number in pieces.by_size] == [mask.sum() for mask in theirs]
    assert (pieces.mask(pieces.by_size) == speckled).all()
    assert not pieces.mask([]).any()
    half = np.arange(30)[:, None, None] < 15 + np.zeros_like(speckled, dtype=int)
    for number in pieces.by_size:
        mask = pieces.mask([number])
        assert any((mask == other).all() for other in theirs)
        assert pieces.counted(half)[number] == (mask & half).sum()
    assert pieces.counted(half)[0] == pieces.n_voxels[0] == 0


def test_empty_mask_has_no_pieces_and_stays_empty():
    empty = np.zeros((4, 5, 6), dtype=bool)
    assert pieces_of(empty).by_size == []
    assert not keep_largest(empty).any()
    assert keep_largest(empty).shape == empty.shape


@pytest.mark.parametrize("shape", [(3, 1, 1), (1, 9, 1), (3, 3, 3), (1, 21, 21), (3, 3, 1), (2, 7, 5)])
def test_every_speck_of_a_thin_or_tiny_mask_is_a_piece(shape):
    specks = np.zeros(shape, dtype=bool)
    specks[::2, ::2, ::2] = True
    numbers, n_pieces = ndimage.label(specks, NEIGHBOURS_26)
    pieces = pieces_of(specks)
    assert len(pieces.by_size) == n_pieces == specks.sum()
    assert pieces.numbers.shape == shape
    assert np.array_equal(pieces.numbers > 0, numbers > 0)
