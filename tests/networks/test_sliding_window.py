from itertools import pairwise, product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.data.utils import dense_patch_slices
from monai.inferers import sliding_window_inference

from fixtures.windows import network_like, random_volume, slid
from omentum.errors import ConfigError
from omentum.networks.sliding_window import Windows, sliding_window, window_layout, window_starts

OVERLAPS = [0.0, 0.25, 0.5, 0.75]


def place_dependent(window):
    """Says something else of the same voxel in every window, so that weights and places matter."""
    x, y, z = torch.meshgrid(*(torch.arange(side) / side for side in window.shape[2:]), indexing="ij")
    return torch.cat([window * x + y, window.mean() + z + 0 * window, window.flip(2)], dim=1)


def by_hand(function, volume, windows, visible=None):
    """The weighted mean of all windows at once, in float64, padded by numpy."""
    hu = volume[0, 0].numpy()
    sides, voxels, unit = np.array(hu.shape), np.array(windows.voxels), windows.multiple
    behind = -sides % unit
    lacking = np.maximum(0, voxels - sides - behind)
    pads = list(zip(lacking // 2, behind + lacking - lacking // 2, strict=True))
    fill = hu.min() if windows.padding is None else windows.padding
    padded = np.pad(hu, pads, constant_values=fill)
    look = np.pad(np.ones(hu.shape, bool) if visible is None else visible.numpy(), pads)
    away = [np.arange(side) - (side - 1) / 2 for side in voxels]
    x, y, z = (np.exp(-0.5 * (one / (side / 8)) ** 2) for one, side in zip(away, voxels, strict=True))
    weights = np.maximum(x[:, None, None] * y[:, None] * z, 1e-3)
    starts = [
        unit * np.array(window_starts(side // unit, one // unit, windows.overlap, evenly=windows.evenly))
        for side, one in zip(padded.shape, voxels, strict=True)
    ]
    total, weight = 0.0, np.zeros(padded.shape)
    for low in product(*starts):
        box = tuple(slice(a, a + side) for a, side in zip(low, voxels, strict=True))
        if look[box].any():
            added = np.zeros((3, *padded.shape))
            added[:, *box] = function(torch.from_numpy(padded[box])[None, None])[0].numpy() * weights
            total = total + added
            weight[box] += weights
    inside = tuple(slice(low, low + side) for (low, _), side in zip(pads, sides, strict=True))
    return (total / np.where(weight > 0, weight, 1))[:, *inside], (weight > 0)[inside]


@given(st.integers(1, 300), st.integers(1, 120), st.floats(0, 0.95), st.booleans())
def test_windows_lie_inside_cover_every_voxel_and_overlap_by_at_least_what_was_asked(
    side, window, overlap, evenly
):
    starts = window_starts(side, window, overlap, evenly=evenly)
    assert starts[0] == 0
    assert starts[-1] == max(0, side - window)
    for low, high in pairwise(starts):
        assert low < high
        assert high - low <= max(1, window * (1 - overlap) + 1e-6)


@given(st.integers(1, 300), st.integers(1, 120), st.sampled_from(OVERLAPS))
def test_windows_are_where_monai_has_them(side, window, overlap):
    step = max(1, int(window * (1 - overlap))) if window < side else window
    boxes = dense_patch_slices((max(side, window),), (window,), (step,))
    assert window_starts(side, window, overlap) == list(dict.fromkeys(box[0].start for box in boxes))


@given(st.integers(1, 300), st.integers(1, 120), st.floats(0, 0.95))
def test_windows_that_are_spread_evenly_are_as_many_and_no_two_are_closer_than_others(side, window, overlap):
    starts = window_starts(side, window, overlap, evenly=True)
    assert len(starts) == len(window_starts(side, window, overlap))
    steps = np.diff(starts)
    assert len(steps) == 0 or np.ptp(steps) <= 1


@pytest.mark.parametrize("overlap", [-0.1, 1.0, 1.5, float("nan")])
def test_an_overlap_out_of_range_is_refused(overlap):
    with pytest.raises(ConfigError, match="overlap"):
        window_starts(100, 50, overlap)
    with pytest.raises(ConfigError, match="overlap"):
        slid(place_dependent, random_volume(8, 8, 8), Windows(voxels=(8, 8, 8), overlap=overlap))


@pytest.mark.parametrize("overlap", [0.5, 0.75])
@pytest.mark.parametrize(
    "shape", [(30, 25, 41), (16, 12, 20), (9, 25, 41), (30, 25, 7), (9, 7, 41), (5, 5, 5), (33, 12, 20)]
)
def test_sliding_is_monais_sliding_for_volumes_larger_and_smaller_than_a_window(shape, overlap):
    window, volume = (16, 12, 20), random_volume(*shape)
    ours, seen, _ = slid(network_like, volume, Windows(voxels=window, overlap=overlap, padding=-2.0))
    theirs = sliding_window_inference(
        volume, window, 1, network_like, overlap=overlap, mode="gaussian", sigma_scale=0.125, cval=-2.0
    )
    assert seen.all()
    assert theirs.std() > 1
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-4)


@given(
    st.tuples(*[st.integers(3, 21)] * 3),
    st.sampled_from([(1, (5, 8, 6)), (1, (7, 4, 9)), (2, (6, 8, 4)), (4, (8, 12, 8))]),
    st.sampled_from([0.0, 0.25, 0.5, 0.7]),
    st.booleans(),
    st.sampled_from([None, -3.5]),
)
@settings(deadline=None, max_examples=60)
def test_sliding_equals_a_plain_weighted_mean_at_any_size_and_overlap(shape, sides, overlap, evenly, padding):
    volume = random_volume(*shape)
    windows = Windows(voxels=sides[1], overlap=overlap, multiple=sides[0], evenly=evenly, padding=padding)
    before = volume.clone()
    ours, seen, _ = slid(place_dependent, volume, windows)
    expected, _ = by_hand(place_dependent, volume, windows)
    assert seen.all()
    assert ours.dtype == torch.float32
    np.testing.assert_allclose(ours[0].numpy(), expected, rtol=1e-4, atol=1e-4)
    assert torch.equal(volume, before)


@pytest.mark.parametrize("padding", [None, -9.0])
@pytest.mark.parametrize("shape", [(5, 30, 9), (3, 3, 3), (16, 7, 16)])
def test_a_volume_smaller_than_the_window_is_padded_on_both_sides_alike(shape, padding):
    volume, given_to_it = random_volume(*shape), []

    def keep(window):
        given_to_it.append(window)
        return window

    made, seen, _ = slid(keep, volume, Windows(voxels=(16, 16, 16), overlap=0.5, padding=padding))
    assert seen.all()
    torch.testing.assert_close(made, volume)
    first, side = given_to_it[0][0, 0], np.minimum(shape, 16)
    low = (16 - side) // 2
    inside = tuple(slice(a, a + length) for a, length in zip(low, side, strict=True))
    assert torch.equal(first[inside], volume[0, 0][tuple(slice(0, length) for length in side)])
    outside = torch.ones(16, 16, 16, dtype=torch.bool)
    outside[inside] = False
    assert (first[outside] == (volume.min() if padding is None else padding)).all()


@given(st.integers(0, 2**32 - 1), st.sampled_from(OVERLAPS), st.sampled_from([1, 2]))
@settings(deadline=None, max_examples=40)
def test_windows_without_anything_visible_are_left_out_of_the_mean_and_of_the_slabs(seed, overlap, multiple):
    rng = np.random.default_rng(seed)
    shape = (17, 9, 50)
    volume, visible = random_volume(*shape), torch.zeros(shape, dtype=torch.bool)
    for place in rng.integers(0, shape, size=(2, 3)):
        visible[tuple(place)] = True
    windows = Windows(voxels=(8, 8, 8), overlap=overlap, multiple=multiple)
    ours, seen, places = slid(place_dependent, volume, windows, visible)
    expected, looked = by_hand(place_dependent, volume, windows, visible)
    assert (seen | ~visible).all()
    assert np.array_equal(seen.numpy(), looked)
    np.testing.assert_allclose(ours[0].numpy(), expected, rtol=1e-4, atol=1e-4)
    planes = [plane for z in places for plane in range(z.start, z.stop)]
    assert planes == sorted(set(planes))
    assert set(np.flatnonzero(looked.any(axis=(0, 1)))) <= set(planes)
    for z in places:
        assert looked[..., z].any()


def test_only_windows_with_something_visible_are_looked_at():
    volume, calls = random_volume(40, 16, 16), []
    visible = torch.zeros(40, 16, 16, dtype=torch.bool)
    visible[4:7, 3:9, 3:9] = True

    def counted(window):
        calls.append(window)
        return place_dependent(window)

    windows = Windows(voxels=(8, 8, 8), overlap=0.5)
    everything, _, _ = slid(place_dependent, volume, windows)
    some, seen, _ = slid(counted, volume, windows, visible)
    assert len(calls) == 2 * 3 * 3  # of 9 * 3 * 3
    assert torch.equal(some[0, :, visible], everything[0, :, visible])
    assert torch.equal(seen, (torch.arange(40) < 12)[:, None, None].expand(40, 16, 16))
    assert (some[0, :, ~seen] == 0).all()


def test_nothing_visible_is_refused():
    nothing = torch.zeros(8, 8, 8, dtype=torch.bool)
    with pytest.raises(ConfigError, match="body"):
        slid(place_dependent, random_volume(8, 8, 8), Windows(voxels=(8, 8, 8), overlap=0.5), nothing)


def test_what_is_held_is_as_thick_as_a_window_however_long_the_volume_is():
    for length in (16, 60, 200):
        volume, windows = random_volume(10, 12, length), Windows(voxels=(8, 8, 16), overlap=0.5)
        for z, values, _ in sliding_window(place_dependent, volume, windows):
            assert z.stop - z.start <= 16
            assert values.untyped_storage().nbytes() == 3 * 10 * 12 * 16 * 4


def test_a_slab_is_given_before_windows_beyond_it_are_looked_at():
    volume, looked = torch.arange(40.0).expand(1, 1, 8, 8, 40).contiguous(), []

    def noted(window):
        looked.append(int(window[0, 0, 0, 0, 0]))
        return window

    slabs = sliding_window(noted, volume, Windows(voxels=(8, 8, 16), overlap=0.5))
    for n_windows, place in enumerate([(0, 8), (8, 16), (16, 24), (24, 40)], start=1):
        z, values, _ = next(slabs)
        assert (z.start, z.stop) == place
        torch.testing.assert_close(values, volume[..., z])
        assert looked == [0, 8, 16, 24][:n_windows]
    assert next(slabs, None) is None


@pytest.mark.parametrize("side", [33, 40, 47, 48, 50])
@pytest.mark.parametrize("evenly", [True, False])
def test_windows_can_start_at_multiples_alone_and_still_cover_every_voxel(side, evenly):
    volume = torch.arange(float(side)).reshape(1, 1, side, 1, 1).expand(1, 1, side, 4, 4).contiguous()
    firsts = []

    def noted(window):
        firsts.append(int(window[0, 0, 0, 0, 0]))
        return window

    windows = Windows(voxels=(16, 4, 4), overlap=0.5, multiple=4, evenly=evenly)
    made, seen, _ = slid(noted, volume, windows)
    assert seen.all()
    assert made.shape == volume.shape
    torch.testing.assert_close(made, volume)
    assert all(first % 4 == 0 for first in firsts)
    assert all(high - low <= 8 for low, high in pairwise(firsts))


def test_half_precision_windows_are_added_up_in_single_precision():
    volume, windows = torch.full((1, 1, 20, 8, 8), 0.1), Windows(voxels=(8, 8, 8), overlap=0.5)
    made, _, _ = slid(lambda window: window.half(), volume, windows)
    assert made.dtype == torch.float32
    torch.testing.assert_close(made, volume.half().float(), rtol=1e-6, atol=0)


@pytest.mark.parametrize("overlap", [0.5, 0.75])
def test_sums_in_half_precision_are_those_in_single_precision_but_for_rounding(overlap):
    volume = 10 * random_volume(24, 20, 28)
    windows = Windows(voxels=(8, 8, 8), overlap=overlap, sums=torch.float16)
    made, seen, _ = slid(place_dependent, volume, windows)
    expected, _ = by_hand(place_dependent, volume, windows)
    assert made.dtype == torch.float16
    assert seen.all()
    off = np.abs(made[0].double().numpy() - expected)
    assert 0 < off.max() < 2**-8 * np.abs(expected).max()  # of up to 64 sums, each rounded to 2^-11


def test_the_windows_that_are_laid_are_those_that_are_looked_through():
    source = torch.Generator().manual_seed(0)
    volume = torch.randn(1, 1, 20, 9, 33, generator=source)
    visible = torch.zeros(20, 9, 33, dtype=torch.bool)
    visible[3, 4, 30] = True
    windows = Windows(voxels=(16, 16, 16), overlap=0.5)
    seen: list[torch.Tensor] = []

    def looked(window: torch.Tensor) -> torch.Tensor:
        seen.append(window.clone())
        return window

    list(sliding_window(looked, volume, windows, visible=visible))
    lying = window_layout(volume, windows, visible=visible)
    assert len(seen) == len(lying.boxes) > 0
    for window, box in zip(seen, lying.boxes, strict=True):
        assert torch.equal(window, lying.padded[:, :, *box])
    assert torch.equal(lying.padded[:, :, *lying.inner], volume)
