"""Thick slices, kernels and streaks."""

import numpy as np
import pytest

from omentum.phantoms.scanner import scanned, thickened


@pytest.fixture
def noise() -> np.ndarray:
    return np.random.default_rng(0).normal(0.0, 30.0, (12, 10, 24)).astype(np.float32)


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_whole_factors_keep_the_mean(noise, factor):
    assert thickened(noise, float(factor)).mean(axis=2) == pytest.approx(noise.mean(axis=2), abs=1e-4)


def test_other_factors_keep_what_is_even_and_nearly_the_mean(noise):
    assert thickened(np.full((2, 2, 19), 7.0, dtype=np.float32), 2.7) == pytest.approx(7.0, abs=1e-5)
    assert thickened(noise, 2.7).mean() == pytest.approx(noise.mean(), abs=0.6)


@pytest.mark.parametrize("factor", [3, 5])
def test_in_the_middle_of_a_slice_is_the_plain_average_of_its_voxels(noise, factor):
    ct = noise[:, :, : 4 * factor]
    averages = ct.reshape(12, 10, 4, factor).mean(axis=3)
    assert thickened(ct, float(factor))[:, :, factor // 2 :: factor] == pytest.approx(averages, abs=1e-4)


def test_between_two_slices_is_between_their_averages(noise):
    averages = noise.reshape(12, 10, 12, 2).mean(axis=3)
    seen = thickened(noise, 2.0)
    assert seen[:, :, 1] == pytest.approx(0.75 * averages[:, :, 0] + 0.25 * averages[:, :, 1], abs=1e-4)
    assert seen[:, :, 0] == pytest.approx(averages[:, :, 0], abs=1e-4)


def test_a_slice_thicker_than_the_scan_leaves_two():
    ramp = np.arange(6, dtype=np.float32).reshape(1, 1, 6)
    assert thickened(ramp, 50.0).ravel() == pytest.approx([1, 1, 2, 3, 4, 4], abs=1e-5)


def test_a_scan_keeps_its_grid_and_the_range_of_hu(noise):
    ct = np.where(noise > 0, 3071, -1024).astype(np.int16)
    for seed in range(6):
        seen = scanned(ct, 3.0, 5.0, np.random.default_rng(seed))
        assert (seen.shape, seen.dtype) == (ct.shape, np.int16)
        assert seen.min() >= -1024
        assert seen.max() <= 3071


def test_the_same_numbers_give_the_same_scan(noise):
    ct = noise.astype(np.int16)
    first, again = (scanned(ct, 3.0, 5.0, np.random.default_rng(8)) for _ in range(2))
    assert (first == again).all()


def test_some_kernels_smooth_and_some_sharpen_and_only_thick_slices_blur_along_z(noise):
    ct = (10 * noise).astype(np.int16)
    change = [scanned(ct, 3.0, 1.0, np.random.default_rng(seed)).std() / ct.std() for seed in range(30)]
    assert min(change) < 0.6
    assert max(change) > 1.1
    thin, thick = (scanned(ct, 3.0, slice_mm, np.random.default_rng(1)) for slice_mm in (3.0, 9.0))
    assert np.diff(thick, axis=2).std() < 0.5 * np.diff(thin, axis=2).std()


def test_a_quarter_of_scans_have_straight_streaks():
    even = np.full((30, 30, 8), 40, dtype=np.int16)
    seen = [scanned(even, 3.0, 1.0, np.random.default_rng(seed)) for seed in range(200)]
    streaked = [one for one in seen if (one != 40).any()]
    assert len(streaked) / len(seen) == pytest.approx(0.25, abs=0.08)
    for one in streaked:
        planes = one.reshape(-1, 8).astype(float) - 40
        strongest = planes[:, np.abs(planes).max(axis=0).argmax()]
        fades = planes.T @ strongest / (strongest @ strongest + 1e-9)
        assert fades.max() <= 1.02
