import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from omentum.errors import CheckpointError
from omentum.networks.quantization import dequantized, quantized
from omentum.networks.weights import load_network, save_network


class Parts(nn.Module):
    """One of each part that has weights; output channels differ in size by up to a million times."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv3d(3, 5, 3)
        self.turned = nn.ConvTranspose3d(4, 6, 2)
        self.linear = nn.Linear(7, 9)
        self.norm = nn.BatchNorm3d(5)
        for weight, axis in ((self.conv.weight, 0), (self.turned.weight, 1), (self.linear.weight, 0)):
            factors = torch.logspace(-4, 2, weight.shape[axis])
            weight.data *= factors.reshape([-1 if one == axis else 1 for one in range(weight.ndim)])


# Where each weight counts its output channels, as PyTorch's documentation has it.
OUTPUT_AXIS = {"conv.weight": 0, "turned.weight": 1, "linear.weight": 0}


@pytest.fixture
def network():
    with torch.random.fork_rng():
        torch.manual_seed(4)
        return Parts()


def test_each_weight_is_off_by_half_a_step_of_its_own_output_channel_at_most(network):
    tensors = quantized(network, "int8")
    back = dequantized(tensors, network)
    for name, axis in OUTPUT_AXIS.items():
        before, after = (np.moveaxis(one[name].numpy(), axis, 0) for one in (network.state_dict(), back))
        scales = tensors[f"{name}.int8_scales"].numpy().ravel()
        assert tensors[name].dtype == torch.int8
        assert len(scales) == len(before)
        for channel, scale in enumerate(scales):
            # a step is a 127th of the channel's largest weight, but for the rounding of the step to 8 bits
            assert scale == pytest.approx(np.abs(before[channel]).max() / 127, rel=2**-8), name
            assert np.abs(before[channel] - after[channel]).max() <= 0.50001 * scale, name


def test_weights_that_are_whole_steps_come_back_as_they_were(network):
    # checked by hand: with steps of 1/8 and 2 these are -127, 3, 64 and 127, -1, 0
    network.linear.weight = nn.Parameter(torch.tensor([[-15.875, 0.375, 8.0], [254.0, -2.0, 0.0]]))
    tensors = quantized(network, "int8")
    assert tensors["linear.weight"].tolist() == [[-127, 3, 64], [127, -1, 0]]
    assert tensors["linear.weight.int8_scales"].tolist() == [[0.125], [2.0]]
    assert torch.equal(dequantized(tensors, network)["linear.weight"], network.linear.weight)


def test_biases_and_statistics_stay_as_they_are(network):
    tensors = quantized(network, "int8")
    others = network.state_dict().keys() - OUTPUT_AXIS.keys()
    assert {"conv.bias", "norm.running_var", "norm.num_batches_tracked"} < others
    for name in others:
        assert torch.equal(tensors[name], network.state_dict()[name])
        assert tensors[name].dtype == network.state_dict()[name].dtype


def test_a_whole_number_times_its_scale_needs_no_rounding(network):
    tensors = quantized(network, "int8")
    for name in OUTPUT_AXIS:
        exact = tensors[name].double() * tensors[f"{name}.int8_scales"].double()
        assert torch.equal(dequantized(tensors, network)[name].double(), exact), name


@pytest.mark.parametrize("numbers", ["float32", "float16", "int8"])
def test_what_was_kept_once_and_is_kept_so_again_does_not_change(network, numbers):
    once = dequantized(quantized(network, numbers), network)
    network.load_state_dict(once)
    again = dequantized(quantized(network, numbers), network)
    assert all(torch.equal(again[name], value) for name, value in once.items())
    assert {value.dtype for value in once.values()} == {torch.float32, torch.int64}


def test_float16_is_the_nearest_half_and_leaves_counts_whole(network):
    tensors = quantized(network, "float16")
    for name, value in network.state_dict().items():
        wanted = value.numpy() if name.endswith("tracked") else value.numpy().astype(np.float16)
        np.testing.assert_array_equal(tensors[name].numpy(), wanted, strict=True)


@pytest.mark.parametrize("size", [0.0, 1e-45, 1e-38, 1e30])
def test_a_channel_of_zeros_or_of_any_size_is_kept_finite(network, size):
    network.conv.weight.data[2] = size
    back = dequantized(quantized(network, "int8"), network)["conv.weight"]
    assert bool(back.isfinite().all())
    torch.testing.assert_close(back[2], network.conv.weight.detach()[2], rtol=1e-2, atol=1e-38)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_weight_that_is_not_finite_does_not_become_a_number(network, value):
    network.turned.weight.data[1, 2, 0, 0, 0] = value
    back = dequantized(quantized(network, "int8"), network)["turned.weight"]
    assert not back.is_floating_point() or not bool(back.isfinite().all())


def lost(tensors, scales):
    del tensors[scales]


def one_short(tensors, scales):
    tensors[scales] = tensors[scales][:, :-1]


def of_the_other_axis(tensors, scales):
    tensors[scales] = torch.ones(4, 1, 1, 1, 1)


def one_for_all(tensors, scales):
    tensors[scales] = torch.ones(1)


def zero(tensors, scales):
    tensors[scales][0, 3] = 0.0


def whole_numbers(tensors, scales):
    tensors[scales] = torch.ones_like(tensors[scales], dtype=torch.int32)


@pytest.mark.parametrize("spoil", [lost, one_short, of_the_other_axis, one_for_all, zero, whole_numbers])
def test_a_tensor_whose_scales_do_not_fit_does_not_become_float32(network, spoil):
    tensors = quantized(network, "int8")
    spoil(tensors, "turned.weight.int8_scales")
    back = dequantized(tensors, network)
    assert not back["turned.weight"].is_floating_point()
    assert back["conv.weight"].dtype == torch.float32


@pytest.mark.parametrize(("numbers", "off"), [("float16", 2e-3), ("int8", 2e-2)])
def test_a_starter_network_computes_nearly_the_same_whatever_its_numbers(starter, tmp_path, numbers, off):
    network = starter()
    save_network(tmp_path / "weights.safetensors", network, numbers=numbers)
    loaded = load_network(tmp_path / "weights.safetensors")
    hu = 400 * torch.randn(1, 1, 32, 32, 32, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        wanted, seen = (one(hu, one.spec.organs) for one in (network, loaded))
    assert 0 < (seen - wanted).square().mean().sqrt() < off * wanted.std()


def test_files_of_halves_without_any_scale_are_read_unchanged(starter, tmp_path):
    network = starter()
    halves = {k: v.half() if v.is_floating_point() else v for k, v in network.state_dict().items()}
    save_file(halves, tmp_path / "w.safetensors", metadata={"omentum": network.spec.to_json()})
    loaded = load_network(tmp_path / "w.safetensors").state_dict()
    assert all(torch.equal(loaded[name], value.to(loaded[name].dtype)) for name, value in halves.items())


@pytest.fixture
def refusal(starter, tmp_path):
    """Function: keep a starter network as int8, change the tensors of the file; what loading it says."""

    def make(change):
        path = tmp_path / "weights.safetensors"
        network = starter()
        save_network(path, network, numbers="int8")
        tensors = load_file(path)
        change(tensors)
        save_file(tensors, path, metadata={"omentum": network.spec.to_json()})
        with pytest.raises(CheckpointError) as refused:
            load_network(path)
        return str(refused.value)

    return make


@pytest.mark.parametrize("name", ["up.1.weight", "organ_heads.controllers.liver.weight"])
def test_a_damaged_int8_tensor_of_a_file_is_named(refusal, name):
    said = refusal(lambda tensors: tensors.pop(f"{name}.int8_scales"))
    assert f"{name} is torch.int8 without scales that fit" in said
    assert f"{name} is missing" in refusal(lambda tensors: tensors.pop(name))
    assert f"{name} is not finite" in refusal(
        lambda tensors: tensors[f"{name}.int8_scales"].fill_(float("inf"))
    )


def test_scales_beside_a_tensor_that_is_not_int8_are_named(refusal):
    said = refusal(lambda tensors: tensors.update({"up.1.weight": tensors["up.1.weight"].float()}))
    assert "1 tensors do not fit: up.1.weight.int8_scales is not part of the network" in said
