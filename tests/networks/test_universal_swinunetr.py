import copy
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

from omentum.networks.network import NetworkSpec, build

LIMITS = {"deep_sub": 5e-5, "full_sub": 2e-4, "gap": 1e-5, "params": 1e-4, "head_input_sub": 5e-4}
SPEC = NetworkSpec(
    architecture="universal-swinunetr", organs=("liver",), spacing_mm=1.5, window_voxels=(64, 32, 32)
)


class OldMerging(nn.Module):
    """As in MONAI 0.9.0, written out: the fifth to seventh neighbours are not those that one expects."""

    def __init__(self, dim, norm_layer, spatial_dims):
        super().__init__()
        assert spatial_dims == 3
        self.reduction, self.norm = nn.Linear(8 * dim, 2 * dim, bias=False), norm_layer(8 * dim)

    def forward(self, x):
        even, odd = slice(0, None, 2), slice(1, None, 2)
        x0, x1 = x[:, even, even, even], x[:, odd, even, even]
        x2, x3 = x[:, even, odd, even], x[:, even, even, odd]
        x4, x7 = x[:, odd, even, odd], x[:, odd, odd, odd]
        return self.reduction(self.norm(torch.cat([x0, x1, x2, x3, x4, x2, x3, x7], dim=-1)))


@pytest.fixture(scope="module")
def network():
    return build(SPEC, seed=4).eval()


@pytest.fixture(scope="module")
def monais(network):
    """Function: a merging to MONAI's own network with our weights, its last convolution taken off."""
    from monai.networks.nets.swin_unetr import SwinUNETR

    def make(merging):
        whole = SwinUNETR(in_channels=1, out_channels=1, feature_size=48, downsample=merging).eval()
        whole.out = nn.Identity()
        lacking, strange = whole.load_state_dict(network.backbone.state_dict(), strict=False)
        assert not strange
        assert all(name.endswith("relative_position_index") for name in lacking)
        return whole

    return make


@pytest.fixture(scope="module")
def windows():
    return torch.rand(2, 1, 64, 32, 32, generator=torch.Generator().manual_seed(3))


@pytest.mark.slow
def test_every_stage_up_to_the_logits_is_that_of_the_reference(beside_the_reference):
    stages = beside_the_reference("swinunetr", coarse_step=1)
    for name, limit in {**LIMITS, "logits_sub": 2e-3, "mean": 1e-3}.items():
        ours, expected = stages[name]
        np.testing.assert_allclose(ours, expected, rtol=0, atol=limit, err_msg=name)


@torch.inference_mode()
def test_features_are_those_of_monais_network_with_the_old_merging_and_not_with_the_new(
    network, monais, windows
):
    _, full = network.backbone(windows[:1])
    torch.testing.assert_close(full, monais(OldMerging)(windows[:1]), rtol=1e-5, atol=1e-5)
    assert (full - monais("merging")(windows[:1])).abs().max() > 0.05


@torch.inference_mode()
def test_windows_in_one_batch_are_each_as_if_alone(network, windows):
    together = network.trunk(windows * 425 - 175)
    for item in range(2):
        for ours, alone in zip(together, network.trunk(windows[item : item + 1] * 425 - 175), strict=True):
            torch.testing.assert_close(ours[item : item + 1], alone, rtol=1e-4, atol=1e-4)


@pytest.mark.skipif(
    not torch.ops.mkldnn._is_mkldnn_bf16_supported(), reason="a window takes minutes on this processor"
)
@torch.inference_mode()
def test_in_bfloat16_it_says_the_same_but_for_rounding(network, windows):
    hu, rounded = windows[:1, :, :64, :64, :64] * 425 - 175, copy.deepcopy(network)
    rounded.set_compute_dtype(torch.bfloat16)
    for ours, exact in zip(rounded.trunk(hu), network.trunk(hu), strict=True):
        assert ours.dtype == torch.float32
        assert not torch.equal(ours, exact)
        assert (ours - exact).std() < 0.1 * exact.std()


def test_it_has_the_published_number_of_parameters(network):
    assert sum(part.numel() for part in network.backbone.parameters()) == 62_186_610


def test_offering_it_does_not_import_monai():
    check = "import sys, omentum.networks.weights; sys.exit('monai' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0
