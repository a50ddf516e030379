import numpy as np
import pytest
import torch
from monai.metrics import compute_surface_dice
from scipy import ndimage

from omentum.measures.surface import surface_dice, surface_of

MONAI_ARGUES_WITH_ITSELF = pytest.mark.filterwarnings("ignore:.*always_return_as_numpy:FutureWarning")
ISOTROPIC = (1.0, 1.0, 1.0)
SPACINGS = [ISOTROPIC, (0.7, 0.7, 5.0), (3.0, 0.9, 1.7)]
SEEDS = range(4)


def two_blobs(seed, *, order="C"):
    """Two similar shapes; some of them touch the border of the grid."""
    rng = np.random.default_rng(seed)
    base = ndimage.gaussian_filter(rng.random((24, 20, 18)), 3, mode="nearest")
    other = base + 0.15 * ndimage.gaussian_filter(rng.random(base.shape), 2, mode="nearest")
    a, b = base > np.quantile(base, 0.7), other > np.quantile(other, 0.72)
    return np.asarray(a, order=order), np.asarray(b, order=order)


def batched(mask):
    return torch.from_numpy(np.ascontiguousarray(mask))[None, None]


@MONAI_ARGUES_WITH_ITSELF
@pytest.mark.parametrize("spacing_mm", SPACINGS)
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("order", ["C", "F"])
def test_surface_dice_equals_monais_at_every_tolerance_and_spacing(seed, spacing_mm, order):
    a, b = two_blobs(seed, order=order)
    for tolerance_mm in (0.0, 1.0, 2.1, 5.0):
        theirs = compute_surface_dice(
            batched(a), batched(b), [tolerance_mm], include_background=True, spacing=spacing_mm
        )
        assert surface_dice(a, b, spacing_mm, tolerance_mm) == pytest.approx(theirs.item(), abs=1e-6)


@pytest.mark.parametrize("seed", SEEDS)
def test_surface_is_what_scipys_erosion_takes_away(seed):
    for mask in two_blobs(seed):
        assert (surface_of(mask) == (mask & ~ndimage.binary_erosion(mask))).all()


def test_mask_at_the_border_has_a_surface_there():
    full = np.ones((4, 4, 4), dtype=bool)
    assert surface_of(full).sum() == 64 - 8


def test_shift_by_a_slice_is_as_far_as_the_slices_are_apart():
    a = np.zeros((12, 12, 12), dtype=bool)
    a[3:8, 3:8, 3:8] = True
    b = np.roll(a, 1, axis=2)
    assert surface_dice(a, b, (1.0, 1.0, 4.0), tolerance_mm=4.0) == 1.0
    assert surface_dice(a, b, (1.0, 1.0, 4.0), tolerance_mm=3.9) < 1.0


def test_distance_equal_to_the_tolerance_on_paper_is_within_it():
    a = np.zeros((12, 3, 3), dtype=bool)
    b = a.copy()
    a[2], b[5] = True, True
    assert surface_dice(a, b, (0.7, 0.7, 0.7), tolerance_mm=3 * 0.7) == 1.0


def test_masks_far_apart_are_measured_across_the_gap():
    a = np.zeros((40, 5, 5), dtype=bool)
    b = a.copy()
    a[1, 2, 2], b[38, 2, 2] = True, True
    assert surface_dice(a, b, (2.0, 1.0, 1.0), tolerance_mm=74.0) == 1.0
    assert surface_dice(a, b, (2.0, 1.0, 1.0), tolerance_mm=73.9) == 0.0


def test_an_empty_mask_agrees_with_no_other():
    a, _ = two_blobs(0)
    empty = np.zeros_like(a)
    assert surface_dice(empty, empty, ISOTROPIC, 1.0) is None
    assert surface_dice(a, empty, ISOTROPIC, 1.0) == 0.0
    assert surface_dice(empty, a, ISOTROPIC, 1.0) == 0.0


def test_equal_masks_agree_wholly():
    a, _ = two_blobs(1)
    assert surface_dice(a, a, (0.8, 0.8, 2.5), tolerance_mm=0.0) == 1.0
