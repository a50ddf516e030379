import numpy as np
import pytest
import torch

from omentum.networks.infer import compute_features
from omentum.networks.starter import overview
from omentum.volumes.labels import SUBSETS


def hounsfield(*shape, seed=0):
    return np.random.default_rng(seed).uniform(-300, 300, shape).astype(np.float32)


def batched(hu):
    return torch.from_numpy(np.ascontiguousarray(hu))[None, None]


def greatest_difference(a, b, margin):
    """Along the long axis, away from both ends by a margin."""
    return float((a - b)[..., margin : a.shape[-1] - margin].abs().max())


def test_it_has_between_one_and_four_million_parameters(starter):
    network = starter(organs=SUBSETS["abdomenatlas-1.0"])
    assert 1e6 < sum(parameter.numel() for parameter in network.parameters()) < 4e6


def test_the_trunk_gives_8_features_a_voxel_and_one_context(starter):
    network = starter()
    features, context = network.trunk(torch.zeros(2, 1, 16, 32, 48))
    assert features.shape == (2, 8, 16, 32, 48)
    assert context.shape == (2, 32)
    assert network(torch.zeros(2, 1, 16, 32, 48), ["liver", "spleen"]).shape == (2, 2, 16, 32, 48)


def test_a_window_has_the_features_of_the_whole_volume_away_from_its_border(starter):
    network = starter()
    hu = hounsfield(16, 16, 320)
    with torch.inference_mode():
        whole = network.trunk(batched(hu))[0]
        part = network.trunk(batched(hu[:, :, 96:256]))[0]
    whole = whole[..., 96:256]
    spread = float(whole.std())
    assert greatest_difference(part, whole, 0) > 0.1 * spread  # padding is seen at the border
    assert greatest_difference(part, whole, 16) < 1e-3 * spread
    assert greatest_difference(part, whole, 48) < 1e-5 * spread


def test_a_window_that_starts_between_the_coarsest_voxels_has_other_features(starter):
    network = starter()
    hu = hounsfield(16, 16, 224)
    with torch.inference_mode():
        whole = network.trunk(batched(hu))[0][..., 33:193]
        part = network.trunk(batched(hu[:, :, 33:193]))[0]
    assert greatest_difference(part, whole, 48) > 0.01 * float(whole.std())


@pytest.mark.parametrize(("side", "padded"), [(200, 208), (208, 208), (251, 256)])
def test_windows_together_make_the_features_of_the_whole_volume(starter, windows_only, side, padded):
    hu = hounsfield(16, 16, side)
    windowed = compute_features(starter(window_voxels=(16, 16, 96)), hu, overlap=0.5)
    whole = compute_features(starter(window_voxels=(16, 16, padded)), hu)
    assert torch.equal(windowed.context, whole.context)
    assert windowed.seen.all()
    # Where a window ends, and errs, the next one has almost all of the weight; but not in the corners,
    # where the least weight is what all windows have.
    middle = (..., slice(6, 10), slice(6, 10), slice(None))
    spread = float(whole.features.std())
    assert greatest_difference(windowed.features[middle], whole.features[middle], 0) < 0.01 * spread


@pytest.mark.parametrize("shape", [(17, 23, 9), (1, 1, 1), (16, 33, 16), (40, 3, 21)])
def test_volumes_of_any_size_are_seen_whole(starter, shape):
    made = compute_features(starter(), hounsfield(*shape))
    assert made.features.shape == (1, 8, *shape)
    assert made.seen.shape == shape
    assert made.seen.all()
    assert made.features.isfinite().all()


def test_a_small_volume_goes_through_at_once_and_a_large_one_in_the_windows_of_its_spec(starter):
    network = starter(window_voxels=(96, 96, 96))
    assert network.window_for((17, 32, 100)) == (32, 32, 112)
    assert network.window_for((200, 200, 200)) == (96, 96, 96)


def test_the_context_is_that_of_the_whole_volume(starter, windows_only):
    network = starter()
    hu = hounsfield(40, 24, 20)
    made = compute_features(network, hu)
    with torch.inference_mode():
        assert torch.equal(made.context, network.context_of(batched(hu)))
        assert not torch.allclose(made.context, network.context_of(batched(hu[:16, :16, :16])))


def test_an_overview_is_left_as_it_is_by_the_context(starter):
    network = starter()
    volume = batched(hounsfield(50, 41, 33))
    small = overview(volume)
    assert small.shape == (1, 1, 24, 24, 24)
    with torch.inference_mode():
        torch.testing.assert_close(network.context_of(small), network.context_of(volume))


def test_a_batch_changes_nothing_in_evaluation(starter):
    network = starter()
    one, other = batched(hounsfield(16, 16, 16)), batched(hounsfield(16, 16, 16, seed=1))
    with torch.inference_mode():
        alone = network.trunk(one)[0]
        torch.testing.assert_close(network.trunk(torch.cat([one, other]))[0][:1], alone, rtol=1e-4, atol=1e-5)


def test_what_is_denser_than_any_tissue_or_thinner_than_air_changes_nothing(starter):
    network = starter()
    hu = hounsfield(16, 16, 16)
    hu[0, 0, 0], hu[5, 5, 5] = -1000, 1000
    wild = hu.copy()
    wild[0, 0, 0], wild[5, 5, 5] = -3024, 30000
    with torch.inference_mode():
        assert torch.equal(network.trunk(batched(hu))[0], network.trunk(batched(wild))[0])


@pytest.mark.parametrize("side", [1, 3, 16])
def test_a_map_alone_is_convolved_as_one_of_a_batch(starter, side):
    with torch.inference_mode():
        for block in starter().down[1:]:
            one = torch.randn(1, block.first.in_channels, side, side + 1, 2 * side)
            both = block(torch.cat([one, one]))
            torch.testing.assert_close(block(one), both[:1], rtol=1e-4, atol=1e-4)
