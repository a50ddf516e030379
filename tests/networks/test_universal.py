import pytest
import torch
from torch import nn
from torch.nn import functional as F

from omentum.errors import ConfigError, UnknownOrganError
from omentum.networks.network import NetworkSpec
from omentum.networks.universal import UniversalNetwork, split_controller

N_ORGANS = 5


class Thin(nn.Module):
    """Coarse features are means of 4 x 4 x 4 voxels; both are the intensity, more or less, in 16 channels."""

    def __init__(self):
        super().__init__()
        self.gains = nn.Parameter(torch.linspace(-1, 2, 16).reshape(1, 16, 1, 1, 1))

    def forward(self, x):
        channels = x * self.gains
        x, y, z = (side // 4 for side in channels.shape[2:])
        return channels.reshape(-1, 16, x, 4, y, 4, z, 4).mean(dim=(3, 5, 7)), channels


class Made(UniversalNetwork):
    stride = 4

    def __init__(self, window_voxels=(8, 8, 8)):
        spec = NetworkSpec(
            architecture="made", organs=("liver", "spleen"), spacing_mm=1.5, window_voxels=window_voxels
        )
        super().__init__(spec, Thin(), deep_channels=16, full_channels=16)


def random(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def network():
    torch.manual_seed(2)
    return Made().eval()


def test_a_split_controller_gives_the_numbers_of_the_shared_one():
    """As published: the text goes through a linear map and a rectifier, then behind the context."""
    weight, bias, embedding = random(153, 512, 1, 1, 1), random(153, seed=1), random(N_ORGANS, 512, seed=2)
    text_weight, text_bias = random(256, 512, seed=3), random(256, seed=4)
    context = random(2, 256, seed=5)
    parts = split_controller(weight, bias, embedding, text_weight, text_bias)
    assert len(parts) == N_ORGANS
    for row, (ours, our_bias) in zip(embedding, parts, strict=True):
        text = F.relu(F.linear(row.double(), text_weight.double(), text_bias.double()))
        both = torch.cat([context.double(), text.expand(2, 256)], dim=1)[..., None, None, None]
        shared = F.conv3d(both, weight.double(), bias.double())[..., 0, 0, 0]
        split = F.linear(context.double(), ours.double(), our_bias.double())
        torch.testing.assert_close(split, shared, rtol=1e-5, atol=1e-4)


def test_features_and_context_are_the_published_reductions(network):
    hu = 425 * torch.rand(1, 1, 8, 8, 8) - 175
    features, context = network.trunk(hu)
    deep, full = Thin()((hu + 175) / 425)
    state = network.state_dict()
    fine = F.relu(F.group_norm(full, 16, state["precls_conv.0.weight"], state["precls_conv.0.bias"]))
    coarse = F.relu(F.group_norm(deep, 16, state["GAP.0.weight"], state["GAP.0.bias"]))
    expected = F.conv3d(fine, state["precls_conv.2.weight"], state["precls_conv.2.bias"])
    torch.testing.assert_close(features, expected)
    expected = F.conv3d(coarse.mean(dim=(2, 3, 4), keepdim=True), state["GAP.3.weight"], state["GAP.3.bias"])
    torch.testing.assert_close(context, expected.flatten(1))


def test_what_lies_outside_the_intensity_window_looks_like_its_border(network):
    hu = 2000 * torch.rand(1, 1, 8, 8, 8) - 1000
    before = hu.clone()
    for ours, expected in zip(network.trunk(hu), network.trunk(hu.clamp(-175, 250)), strict=True):
        assert torch.equal(ours, expected)
    assert torch.equal(hu, before)


@pytest.mark.parametrize("numbers", [torch.bfloat16, torch.float16])
@torch.inference_mode()
def test_a_backbone_in_half_gives_the_same_features_but_for_rounding_and_heads_stay_exact(network, numbers):
    hu = 425 * torch.rand(1, 1, 8, 8, 8) - 175
    before, taken = network.trunk(hu), []
    own = {name: value.clone() for name, value in network.state_dict().items()}
    network.backbone.register_forward_pre_hook(lambda _module, given: taken.append(given[0].dtype))
    assert network.takes_half
    network.set_compute_dtype(numbers)
    for ours, exact in zip(network.trunk(hu), before, strict=True):
        assert ours.dtype == torch.float32
        assert not torch.equal(ours, exact)
        torch.testing.assert_close(ours, exact, rtol=0, atol=0.05 * float(exact.abs().max()))
    assert taken == [numbers]
    for name, value in network.state_dict().items():
        assert value.dtype == (numbers if name.startswith("backbone.") else torch.float32)
        assert name.startswith("backbone.") or torch.equal(value, own[name])
    assert network(hu, ["liver"]).dtype == torch.float32


def test_windows_have_contexts_of_their_own_and_nothing_under_the_intensity_window_is_seen(network):
    assert network.context_per_window
    assert network.least_hu == -175
    hu = 425 * torch.rand(2, 1, 8, 8, 8) - 175
    one, other = network.context_of(hu)
    assert not torch.allclose(one, other)
    torch.testing.assert_close(network.trunk(hu[1:])[1][0], other)


def test_an_organ_that_no_head_was_made_for_is_refused(network):
    with pytest.raises(UnknownOrganError, match="pancreas"):
        network(torch.zeros(1, 1, 8, 8, 8), ["pancreas"])


def test_windows_that_leave_one_coarse_voxel_are_refused():
    with pytest.raises(ConfigError, match=r"\(4, 4, 4\).*over 4"):
        Made(window_voxels=(4, 4, 4))
    Made(window_voxels=(4, 4, 8))
