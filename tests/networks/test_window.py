from itertools import pairwise, product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.inferers import sliding_window_inference

from omentum.errors import ConfigError
from omentum.networks.window import slide, window_starts


def random_volume(*shape, seed=0):
    return torch.randn((1, 1, *shape), generator=torch.Generator().manual_seed(seed))


def place_dependent(window):
    """Says something else of the same voxel in every window, so that weights and places matter."""
    x, y, z = torch.meshgrid(*(torch.arange(side) / side for side in window.shape[2:]), indexing="ij")
    return torch.cat([window * x + y, window.mean() + z + 0 * window, window.flip(2)], dim=1)


def by_hand(function, volume, window_voxels, starts):
    """The weighted mean, window by window and in float64."""
    offsets = [np.arange(side) - (side - 1) / 2 for side in window_voxels]
    x, y, z = (np.exp(-0.5 * (o / (side / 8)) ** 2) for o, side in zip(offsets, window_voxels, strict=True))
    weights = np.maximum(x[:, None, None] * y[:, None] * z, 1e-3)
    total = np.zeros((3, *volume.shape[2:]))
    weight = np.zeros(volume.shape[2:])
    for low in starts:
        box = tuple(slice(a, a + side) for a, side in zip(low, window_voxels, strict=True))
        total[(slice(None), *box)] += function(volume[(slice(None), slice(None), *box)])[0].numpy() * weights
        weight[box] += weights
    return total / np.where(weight > 0, weight, 1), weight > 0


@given(st.integers(1, 300), st.integers(1, 120), st.floats(0, 0.95))
def test_windows_lie_inside_cover_every_voxel_and_overlap_by_at_least_what_was_asked(side, window, overlap):
    starts = window_starts(side, window, overlap)
    assert starts[0] == 0
    assert starts[-1] == max(0, side - window)
    for low, high in pairwise(starts):
        assert low < high
        assert high - low <= max(1, window * (1 - overlap) + 1e-6)


@pytest.mark.parametrize("overlap", [-0.1, 1.0, 1.5, float("nan")])
def test_an_overlap_out_of_range_is_refused(overlap):
    with pytest.raises(ConfigError, match="overlap"):
        window_starts(100, 50, overlap)


@pytest.mark.parametrize(
    ("shape", "window", "overlap"),
    [
        ((32, 24, 16), (16, 16, 16), 0.5),
        ((28, 20, 16), (16, 16, 16), 0.75),
        ((24, 24, 20), (8, 12, 10), 0.5),
        ((16, 16, 16), (16, 16, 16), 0.5),
        ((24, 16, 8), (8, 8, 8), 0.0),
    ],
)
def test_sliding_equals_monais_where_both_place_windows_alike(shape, window, overlap):
    volume = random_volume(*shape)
    ours, seen = slide(place_dependent, volume, window_voxels=window, overlap=overlap)
    theirs = sliding_window_inference(
        volume, window, 1, place_dependent, overlap=overlap, mode="gaussian", sigma_scale=0.125
    )
    assert seen.all()
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)


@given(
    st.tuples(*[st.integers(8, 21)] * 3),
    st.tuples(*[st.integers(2, 8)] * 3),
    st.sampled_from([0.0, 0.25, 0.5, 0.7]),
)
@settings(deadline=None, max_examples=25)
def test_sliding_equals_a_plain_weighted_mean_at_any_size_and_overlap(shape, window, overlap):
    volume = random_volume(*shape)
    ours, seen = slide(place_dependent, volume, window_voxels=window, overlap=overlap)
    axes = [window_starts(side, w, overlap) for side, w in zip(shape, window, strict=True)]
    expected, _ = by_hand(place_dependent, volume, window, product(*axes))
    assert seen.all()
    np.testing.assert_allclose(ours[0].numpy(), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("shape", [(5, 30, 9), (3, 3, 3), (16, 7, 16)])
def test_a_volume_smaller_than_the_window_is_padded_behind_with_its_least_value(shape):
    volume = random_volume(*shape)
    windows = []

    def keep(window):
        windows.append(window)
        return window

    made, seen = slide(keep, volume, window_voxels=(16, 16, 16), overlap=0.5)
    assert seen.shape == shape
    assert seen.all()
    torch.testing.assert_close(made, volume)
    first = windows[0][0, 0]
    inside = tuple(slice(0, min(side, 16)) for side in shape)
    torch.testing.assert_close(first[inside], volume[0, 0][inside])
    outside = torch.ones(16, 16, 16, dtype=torch.bool)
    outside[inside] = False
    assert (first[outside] == volume.min()).all()


def test_windows_without_anything_visible_are_skipped_and_change_nothing_where_something_is():
    volume = random_volume(40, 16, 16)
    visible = torch.zeros(40, 16, 16, dtype=torch.bool)
    visible[4:7, 3:9, 3:9] = True
    calls = []

    def counted(window):
        calls.append(window)
        return place_dependent(window)

    everything, _ = slide(place_dependent, volume, window_voxels=(8, 8, 8), overlap=0.5)
    some, seen = slide(counted, volume, window_voxels=(8, 8, 8), overlap=0.5, visible=visible)
    assert len(calls) == 2 * 3 * 3  # of 9 * 3 * 3
    assert torch.equal(some[0, :, visible], everything[0, :, visible])
    assert torch.equal(seen, (torch.arange(40) < 12)[:, None, None].expand(40, 16, 16))
    assert (some[0, :, ~seen] == 0).all()


def test_nothing_visible_is_refused():
    nothing = torch.zeros(8, 8, 8, dtype=torch.bool)
    with pytest.raises(ConfigError, match="body"):
        slide(place_dependent, random_volume(8, 8, 8), window_voxels=(8, 8, 8), overlap=0.5, visible=nothing)


@pytest.mark.parametrize("side", [33, 40, 47, 48, 50])
def test_windows_can_start_at_multiples_alone_and_still_cover_every_voxel(side):
    volume = torch.arange(float(side)).reshape(1, 1, side, 1, 1).expand(1, 1, side, 4, 4).contiguous()
    firsts = []

    def noted(window):
        firsts.append(int(window[0, 0, 0, 0, 0]))
        return window

    made, seen = slide(noted, volume, window_voxels=(16, 4, 4), overlap=0.5, multiple=4)
    assert seen.all()
    assert made.shape == volume.shape
    torch.testing.assert_close(made, volume)
    assert all(first % 4 == 0 for first in firsts)
    assert all(high - low <= 8 for low, high in pairwise(firsts))


def test_half_precision_windows_are_added_up_in_single_precision():
    made, _ = slide(lambda w: w.half(), torch.ones(1, 1, 20, 8, 8), window_voxels=(8, 8, 8), overlap=0.5)
    assert made.dtype == torch.float32
    torch.testing.assert_close(made, torch.ones(1, 1, 20, 8, 8))
