from contextlib import contextmanager

import numpy as np
import pytest
import torch

from omentum.errors import ConfigError
from omentum.networks.infer import compute_features, organ_probabilities
from omentum.networks.network import NetworkSpec
from omentum.networks.precision import COMPUTE_DTYPES, compute_dtype, fastest_dtype
from omentum.networks.universal_unet import UniversalUNet


@pytest.fixture
def published():
    """A published network with few channels, whose organs are somewhere and not everywhere."""
    spec = NetworkSpec(
        architecture="universal-unet",
        organs=("liver", "spleen"),
        spacing_mm=1.5,
        window_voxels=(16, 16, 16),
    )
    torch.manual_seed(4)
    network = UniversalUNet(spec, width=16).eval()
    for controller in network.organ_heads.controllers.values():
        torch.nn.init.normal_(controller.bias, std=0.5)
    return network


@pytest.fixture
def processor(monkeypatch):
    """Function: say what the processor multiplies in."""

    def can(*, avx512_bf16, amx):
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx512_bf16)
        monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)

    return can


@pytest.fixture
def gpu(monkeypatch):
    """Function: pretend that there is one, that multiplies in bfloat16 or only does as if it did."""

    @contextmanager
    def chosen(_device):
        yield

    def make(*, multiplies):
        monkeypatch.setattr(torch.cuda, "device", chosen)
        monkeypatch.setattr(
            torch.cuda,
            "is_bf16_supported",
            lambda including_emulation=True: multiplies or including_emulation,
        )

    return make


@pytest.mark.parametrize("avx512_bf16", [True, False])
@pytest.mark.parametrize("amx", [True, False])
def test_half_is_chosen_where_the_processor_multiplies_in_it_and_nowhere_else(
    published, starter, processor, avx512_bf16, amx
):
    processor(avx512_bf16=avx512_bf16, amx=amx)
    expected = torch.bfloat16 if avx512_bf16 or amx else torch.float32
    assert compute_dtype(published, "auto", "cpu") == expected
    assert compute_dtype(starter(), "auto", "cpu") == torch.float32


def test_a_gpu_that_only_emulates_bfloat16_gets_float16(published, starter, gpu):
    for multiplies, expected in ((True, torch.bfloat16), (False, torch.float16)):
        gpu(multiplies=multiplies)
        for device in ("cuda", "cuda:1"):
            assert compute_dtype(published, "auto", device) == expected
            assert compute_dtype(starter(), "auto", device) == torch.float32


def test_on_other_devices_nothing_is_risked(published, processor):
    processor(avx512_bf16=True, amx=True)
    assert compute_dtype(published, "auto", "mps") == torch.float32


@pytest.mark.parametrize("wish", ["float32", "bfloat16"])
def test_a_wish_is_followed_whatever_the_device_is_made_for(published, processor, wish):
    processor(avx512_bf16=False, amx=False)
    assert compute_dtype(published, wish, "cpu") == getattr(torch, wish)


@pytest.mark.parametrize("wish", ["float64", "half", "", "AUTO", "int8"])
def test_numbers_that_there_are_not_are_refused(published, wish):
    with pytest.raises(ConfigError, match=f"{wish!r}.*{', '.join(COMPUTE_DTYPES)}"):
        compute_dtype(published, wish, "cpu")


def test_features_to_learn_from_are_made_in_what_is_fastest(published, starter, positions, processor):
    for has_half, expected in ((True, torch.bfloat16), (False, torch.float32)):
        processor(avx512_bf16=has_half, amx=False)
        assert fastest_dtype(published, "cpu") == fastest_dtype(starter(), "cpu") == expected
        assert fastest_dtype(positions(), "cpu") == torch.float32, "this one was not made to"


def test_a_network_that_takes_float32_only_refuses_others(positions):
    network = positions()
    network.set_compute_dtype(compute_dtype(network, "float32", "cpu"))
    with pytest.raises(ConfigError, match=r"numbers.*'bfloat16'.*positions computes in float32 only"):
        network.set_compute_dtype(compute_dtype(network, "bfloat16", "cpu"))


def test_the_starter_in_bfloat16_says_the_same_but_for_rounding(starter):
    network = starter()
    hu = np.random.default_rng(0).uniform(-150, 240, (20, 16, 24)).astype(np.float32)
    exact = compute_features(network, hu)
    network.set_compute_dtype(torch.bfloat16)
    rounded = compute_features(network, hu)
    assert rounded.features.dtype == torch.float32
    assert torch.equal(rounded.context, exact.context)
    away = (rounded.features - exact.features).abs()
    assert 0 < float(away.mean()) < 0.02 * float(exact.features.std())


@pytest.mark.parametrize("numbers", [torch.bfloat16, torch.float16])
def test_probabilities_in_half_are_those_in_float32_but_for_rounding(published, numbers):
    hu = np.random.default_rng(0).uniform(-150, 240, (20, 16, 24)).astype(np.float32)

    def seen():
        slabs = list(organ_probabilities(published, hu, ["liver", "spleen"]))
        return np.concatenate([slab for _, slab in slabs], axis=-1).astype(int)

    exact = seen()
    published.set_compute_dtype(numbers)
    rounded = seen()
    assert exact.std() > 20
    assert 0 < np.abs(rounded - exact).mean() < 2
    assert ((rounded > 127) == (exact > 127)).mean() > 0.98


def test_float16_on_a_processor_is_refused_as_it_is_slow_there(starter):
    with pytest.raises(ConfigError, match="bfloat16"):
        compute_dtype(starter(), "float16", "cpu")
