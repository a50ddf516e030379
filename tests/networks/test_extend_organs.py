import pytest
import torch
from torch.nn import functional as F

from omentum.errors import ConfigError, UnknownOrganError
from omentum.networks.extend_organs import add_adapters, add_heads, similar_organ
from omentum.networks.network import NetworkSpec, build
from omentum.networks.weights import load_network, save_network, tensors_sha256
from omentum.volumes.labels import ORGANS

KNOWN = ("kidney_right", "kidney_left", "liver", "stomach")


@pytest.fixture
def network():
    spec = NetworkSpec(architecture="starter", organs=KNOWN, spacing_mm=8.0, window_voxels=(32, 32, 32))
    return build(spec, seed=2).eval()


def test_a_new_head_is_the_mean_of_those_named_and_every_other_tensor_stays(network):
    before = {key: value.clone() for key, value in network.state_dict().items()}
    add_heads(network, {"adrenal_gland_left": ("kidney_right", "kidney_left")})
    after = network.state_dict()
    assert all(torch.equal(value, after[key]) for key, value in before.items())
    for part in ("weight", "bias"):
        left, right = (before[f"organ_heads.controllers.{name}.{part}"] for name in KNOWN[:2])
        assert torch.equal(after[f"organ_heads.controllers.adrenal_gland_left.{part}"], (left + right) / 2)
    assert "adrenal_gland_left" in network.spec.organs
    assert network.spec.organs == tuple(row.name for row in ORGANS if row.name in network.spec.organs)


def test_other_organs_have_the_same_logits_bit_for_bit(network):
    features, context = torch.randn(1, 8, 500), torch.randn(1, network.context_channels)
    with torch.inference_mode():
        before = network.heads(features, context, KNOWN)
        add_heads(network, {"colon": ("stomach",)})
        assert torch.equal(network.heads(features, context, KNOWN), before)


def test_a_head_like_no_other_begins_fresh_and_by_the_seed(network):
    key = "organ_heads.controllers.femur_left.weight"
    add_heads(network, {"femur_left": ()}, seed=1)
    other = build(network.spec, seed=9)
    assert network.state_dict()[key].shape == other.state_dict()[key].shape
    assert float(network.state_dict()[key].std()) == pytest.approx(0.02, rel=0.1)


def test_a_grown_network_comes_back_from_its_file(network, tmp_path):
    add_heads(network, {"colon": ("stomach",)})
    add_adapters(network, ["colon", "liver"], seed=4)
    save_network(tmp_path / "w.safetensors", network)
    loaded = load_network(tmp_path / "w.safetensors")
    assert loaded.spec == network.spec
    assert tensors_sha256(loaded.state_dict()) == tensors_sha256(network.state_dict())


def test_the_text_of_a_network_without_adapters_reads_as_before(network):
    assert "adapters" not in network.spec.to_json()
    assert NetworkSpec.from_json(network.spec.to_json()) == network.spec


@torch.inference_mode()
def test_an_adapter_reads_three_levels_of_the_decoder_on_one_grid(network):
    hu = 100 * torch.randn(1, 1, 32, 16, 48)
    before, _ = network.trunk(hu)
    add_adapters(network, ["liver"])
    decoded = []
    for block in network.join:
        block.register_forward_hook(lambda _block, _given, made: decoded.append(made))
    after, _ = network.trunk(hu)
    assert torch.equal(after[:, :8], before), "what other organs read stays, bit for bit"
    fine, half, quarter = decoded[:-4:-1]
    levels = [fine, *(F.interpolate(one, size=hu.shape[2:], mode="trilinear") for one in (half, quarter))]
    assert torch.equal(after[:, 8:], torch.cat(levels, dim=1))
    assert after.shape[1] == network.channels_for("liver") == 8 + 16 + 32 + 64
    assert network.channels_for("stomach") == 8


def test_an_adapter_that_is_there_already_stays(network):
    add_adapters(network, ["liver"])
    with torch.no_grad():
        network.organ_heads.adapters["liver"].up.weight += 1
    add_adapters(network, ["liver", "stomach"])
    assert network.spec.adapters == ("liver", "stomach")
    assert float(network.organ_heads.adapters["liver"].up.weight.detach().min()) == 1.0


def test_organs_that_the_network_does_not_know_are_refused(network):
    with pytest.raises(UnknownOrganError, match="pancreas"):
        add_heads(network, {"duodenum": ("pancreas",)})
    with pytest.raises(ConfigError, match="one of the organs"):
        add_adapters(network, ["duodenum"])


@pytest.mark.parametrize(
    ("name", "similar"),
    [
        ("adrenal_gland_left", "liver"),
        ("kidney_tumor", "kidney_right"),
        ("duodenum", "stomach"),
        ("liver_tumor", "liver"),
        ("femur_left", None),
    ],
)
def test_the_most_similar_organ_is_found_by_side_host_and_looks(name, similar):
    assert similar_organ(name, KNOWN) == similar
    assert similar_organ("femur_left", ("femur_right",)) == "femur_right"
    assert similar_organ("kidney_cyst", ("kidney_tumor", *KNOWN)) == "kidney_tumor"
