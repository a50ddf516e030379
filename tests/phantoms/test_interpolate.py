"""Interpolation between coarse nodes, against scipy and by hand."""

import numpy as np
import pytest
from scipy.interpolate import RegularGridInterpolator

from omentum.phantoms.interpolate import lattice_noise, taps, upsample


def test_weights_sum_to_one_everywhere():
    positions = np.linspace(-2.0, 12.0, 57)
    assert taps(positions, 9).weights.sum(axis=0) == pytest.approx(np.ones(57), abs=1e-6)


def test_values_at_the_nodes_are_kept():
    values = np.random.default_rng(0).standard_normal((4, 5, 6), dtype=np.float32)
    at_nodes = [taps(np.arange(side, dtype=float), side) for side in values.shape]
    assert upsample(values, *at_nodes) == pytest.approx(values, abs=1e-6)


def test_a_linear_field_is_reproduced_inside():
    x, y, z = np.meshgrid(np.arange(7.0), np.arange(8.0), np.arange(9.0), indexing="ij")
    values = (2 * x - 3 * y + 0.5 * z).astype(np.float32)
    axes = [np.linspace(1.0, side - 2.5, 11) for side in values.shape]
    found = upsample(values, *(taps(axis, side) for axis, side in zip(axes, values.shape, strict=True)))
    linear = RegularGridInterpolator([np.arange(side) for side in values.shape], values)
    expected = linear(np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1))
    assert found == pytest.approx(expected, abs=1e-4)


def test_positions_outside_take_the_edge():
    values = np.arange(5, dtype=np.float32)[:, None, None]
    only = taps(np.zeros(1), 1)
    assert upsample(values, taps(np.array([-3.0, 9.0]), 5), only, only).ravel().tolist() == [0.0, 4.0]


def test_lattice_noise_is_centred_smooth_and_of_unit_spread():
    noise = lattice_noise(np.random.default_rng(5), (60, 60, 60), 3.0)
    assert noise.dtype == np.float32
    assert noise.mean() == pytest.approx(0.0, abs=0.05)
    assert noise.std() == pytest.approx(1.0, abs=0.25)
    assert np.abs(np.diff(noise, axis=0)).mean() < 0.5 * np.abs(noise - noise[::-1]).mean()
