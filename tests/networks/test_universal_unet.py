import numpy as np
import pytest
import torch
from torch.nn import functional as F

from omentum.networks.network import NetworkSpec, build
from omentum.networks.published_files import published_network
from omentum.networks.universal_unet import UniversalUNet
from omentum.volumes.labels import SUBSETS

LIMITS = {"deep_sub": 1e-4, "full_sub": 2e-4, "gap": 1e-5, "params": 1e-4, "head_input_sub": 2e-4}
SPEC = NetworkSpec(
    architecture="universal-unet", organs=("liver", "pancreas"), spacing_mm=1.5, window_voxels=(16, 16, 32)
)


def plain_backbone(x, tensors, *, stored):
    """As published, written out: a batch norm with the statistics of the batch, or with the stored ones."""

    def pair(x, name):
        for k in (0, 1):
            part = {key: tensors[f"backbone.{name}.ops.{k}.{key}"] for key in ("conv1.weight", "conv1.bias")}
            x = F.conv3d(x, part["conv1.weight"], part["conv1.bias"], padding=1)
            keys = ("running_mean", "running_var", "weight", "bias")
            mean, var, weight, bias = (tensors[f"backbone.{name}.ops.{k}.bn1.{key}"].clone() for key in keys)
            x = F.relu(F.batch_norm(x, mean, var, weight, bias, training=not stored))
        return x

    def up(x, kept, name):
        weight, bias = (tensors[f"backbone.{name}.up_conv.{key}"] for key in ("weight", "bias"))
        return pair(torch.cat([F.conv_transpose3d(x, weight, bias, stride=2), kept], dim=1), name)

    first = pair(x, "down_tr64")
    second = pair(F.max_pool3d(first, 2), "down_tr128")
    third = pair(F.max_pool3d(second, 2), "down_tr256")
    deep = pair(F.max_pool3d(third, 2), "down_tr512")
    return deep, up(up(up(deep, third, "up_tr256"), second, "up_tr128"), first, "up_tr64")


@pytest.fixture(scope="module")
def network(stand_in, tmp_path_factory):
    return published_network(tmp_path_factory.mktemp("unet"), stand_in("unet"), ())


@pytest.fixture(scope="module")
def windows():
    """Two windows of intensities: soft, and hard-edged."""
    noise = torch.rand(2, 1, 32, 24, 24, generator=torch.Generator().manual_seed(3))
    noise[1] = (noise[1] > 0.8).float()
    return noise


@pytest.mark.slow
def test_every_stage_up_to_the_logits_is_that_of_the_reference(beside_the_reference):
    stages = beside_the_reference("unet", coarse_step=2)
    for name, limit in {**LIMITS, "logits_sub": 2e-3, "mean": 1e-3}.items():
        ours, expected = stages[name]
        np.testing.assert_allclose(ours, expected, rtol=0, atol=limit, err_msg=name)


@torch.inference_mode()
def test_windows_in_one_batch_are_each_what_the_published_network_says_of_them_alone(
    network, stand_in, windows
):
    together = network.backbone(windows)
    for item in range(2):
        alone = plain_backbone(windows[item : item + 1], stand_in("unet"), stored=False)
        for ours, expected in zip(together, alone, strict=True):
            torch.testing.assert_close(ours[item : item + 1], expected, rtol=1e-3, atol=1e-3)
    features, context = network.trunk(windows * 425 - 175)
    for item in range(2):
        alone = network.trunk(windows[item : item + 1] * 425 - 175)
        torch.testing.assert_close(features[item : item + 1], alone[0], rtol=1e-3, atol=1e-3)
        torch.testing.assert_close(context[item : item + 1], alone[1], rtol=1e-3, atol=1e-3)


@torch.inference_mode()
def test_stored_statistics_would_say_something_else(network, stand_in, windows):
    ours, _ = network.backbone(windows[:1])
    stored, _ = plain_backbone(windows[:1], stand_in("unet"), stored=True)
    assert (ours - stored).abs().mean() > 0.1


def test_tensors_are_the_published_ones_but_for_statistics_and_controllers(network, stand_in):
    not_ours = ("running_mean", "running_var", "num_batches_tracked")
    published = [
        name
        for name in stand_in("unet")
        if not name.endswith(not_ours) and not name.startswith(("organ_emb", "controller", "text_to"))
    ]
    state = network.state_dict()
    assert [name for name in state if not name.startswith("organ_heads")] == published
    assert sum(part.numel() for part in network.backbone.parameters()) == 19_073_600
    assert set(network.head_tensors("liver")) == {
        "organ_heads.controllers.liver.weight",
        "organ_heads.controllers.liver.bias",
    }
    assert network.spec.organs == SUBSETS["omentum"]


@torch.inference_mode()
def test_windows_in_one_batch_and_channels_in_any_order_of_memory_change_nothing():
    torch.manual_seed(0)
    network = UniversalUNet(SPEC, width=16).eval()
    hu = 425 * torch.rand(2, 1, 16, 16, 32) - 175
    alone = [network(one[None], SPEC.organs) for one in hu]
    torch.testing.assert_close(network(hu, SPEC.organs), torch.cat(alone), rtol=1e-4, atol=1e-4)
    last = network.to(memory_format=torch.channels_last_3d)
    torch.testing.assert_close(last(hu[:1], SPEC.organs), alone[0], rtol=1e-4, atol=1e-4)
    assert not torch.allclose(*alone, atol=1e-2)


def test_a_narrow_network_learns_in_every_part():
    torch.manual_seed(0)
    network = UniversalUNet(SPEC, width=16).train()
    hu = 425 * torch.rand(2, 1, 16, 16, 32) - 175
    network(hu, SPEC.organs).square().mean().backward()
    for name, part in network.named_parameters():
        assert part.grad is not None, name
        assert part.grad.isfinite().all(), name
        # What a normalisation takes away again has no gradient but rounding.
        assert part.grad.any() or name.endswith("conv1.bias"), name


def test_it_is_built_by_name_from_a_seed():
    one, again, other = build(SPEC, seed=1), build(SPEC, seed=1), build(SPEC, seed=2)
    name = "backbone.up_tr64.ops.1.conv1.weight"
    assert torch.equal(one.state_dict()[name], again.state_dict()[name])
    assert not torch.equal(one.state_dict()[name], other.state_dict()[name])
