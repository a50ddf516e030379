"""A GPU whose memory is too small: the CT is predicted in smaller parts, and this is said."""

import logging

import numpy as np
import pytest
import torch

from omentum.errors import ConfigError
from omentum.networks.network import NetworkSpec
from omentum.networks.universal_unet import UniversalUNet
from omentum.networks.weights import load_network
from omentum.predict import network_predictor as module
from omentum.predict.inference_config import InferenceConfig
from omentum.predict.network_predictor import NetworkPredictor
from omentum.volumes.geometry import Geometry
from omentum.volumes.volume import Volume

FULL = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
FULL_RAM = RuntimeError("[enforce fail at alloc_cpu.cpp] . DefaultCPUAllocator: can't allocate memory")


class SmallDevice:
    """Stands in for a GPU: refuses inputs of its network, and is where its network was moved to last."""

    def __init__(self, network, refuses):
        self.seen, self.place, self.network, self._refuses = [], None, network, refuses
        first = "trunk" if network.context_per_window else "levels"
        self._compute = getattr(network, first)
        setattr(network, first, self.compute)
        network.to = self.to

    def compute(self, hu):
        self.seen.append((self.place, len(hu), self.network.dtype))
        error = self._refuses(self, hu)
        if error:
            raise error
        return self._compute(hu)

    def to(self, device, **_):
        self.place = device
        return self.network


@pytest.fixture
def published():
    """A published network with few channels and windows of 16 x 16 x 24 voxels."""
    spec = NetworkSpec(
        architecture="universal-unet",
        organs=("liver", "pancreas", "spleen"),
        spacing_mm=1.5,
        window_voxels=(16, 16, 24),
    )
    torch.manual_seed(1)
    network = UniversalUNet(spec, width=16).eval()
    for controller in network.organ_heads.controllers.values():
        torch.nn.init.normal_(controller.weight, std=0.1)
    return network


@pytest.fixture
def whole_volumes(tiny_weights):
    """A network that sees a CT as a whole, where memory allows it."""
    return load_network(tiny_weights)


@pytest.fixture
def predictor_on(monkeypatch):
    """Function: a predictor with a network, on a device that refuses what `refuses` says."""

    def make(network, refuses, *, device="cuda", at_once=4, numbers="float32"):
        monkeypatch.setattr(module, "load_network", lambda _: network)
        standing_in = SmallDevice(network, refuses)
        config = InferenceConfig(numbers=numbers, windows_at_once=at_once)
        return NetworkPredictor("it", None, device=device, config=config), standing_in

    return make


def ct_of(*shape, spacing_mm, seed=0):
    hu = np.random.default_rng(seed).uniform(-150, 240, shape).astype(np.int16)
    return Volume(hu, Geometry(shape, np.diag([spacing_mm] * 3 + [1.0])))


def same_but_for_rounding(one, other):
    assert set(one.maps.parts) == set(other.maps.parts) != set()
    for name in one.maps.parts:
        ours, theirs = (made.maps.on_grid(name, made.maps.geometry) for made in (one, other))
        box = tuple(slice(0, side) for side in one.maps.geometry.shape)
        apart = ours.crop(box, order="F").astype(int) - theirs.crop(box, order="F").astype(int)
        # Values under `LEAST` are 0, so one that rounds to below it may be as far apart as that.
        assert np.percentile(np.abs(apart), 99.9) <= 1
    return True


def enough(device, hu):
    return None


@pytest.mark.parametrize("fits", [3, 2, 1])
def test_fewer_windows_go_through_at_once_where_more_do_not_fit(published, predictor_on, caplog, fits):
    ct = ct_of(24, 20, 30, spacing_mm=1.5)
    wanted = predictor_on(published, enough, at_once=1)[0].predict(ct)
    predictor, device = predictor_on(published, lambda _, hu: FULL if len(hu) > fits else None)
    found = predictor.predict(ct, "case-1")
    assert same_but_for_rounding(found, wanted)
    n_windows = 2 if fits == 3 else fits
    said = f"the memory of cuda was too small; predicted with {n_windows} window"
    assert found.notes[0].startswith(said)
    assert device.place == "cuda"
    device.seen.clear()
    again = predictor.predict(ct, "case-2")
    assert max(number for _, number, _ in device.seen) == n_windows, "the next CT begins with what fits"
    assert not again.notes
    (warning,) = [one.getMessage() for one in caplog.records if one.levelno == logging.WARNING]
    assert warning.startswith(f"case-1: {said}")


def test_a_ct_that_does_not_fit_as_a_whole_is_seen_in_windows(whole_volumes, predictor_on):
    ct = ct_of(44, 40, 50, spacing_mm=8.0)
    wanted = predictor_on(whole_volumes, enough)[0].predict(ct)
    predictor, device = predictor_on(whole_volumes, lambda _, hu: FULL if hu.numel() > 32**3 else None)
    found = predictor.predict(ct)
    assert same_but_for_rounding(found, wanted)
    assert found.notes[0].endswith("predicted with 1 window at once, the rest of the CT in main memory")
    assert found.notes[0].startswith("the memory of cuda")
    assert {place for place, *_ in device.seen} == {"cuda"}


def test_where_not_even_a_window_fits_the_processor_predicts_and_the_next_ct_is_tried_on_the_gpu(
    published, predictor_on
):
    ct = ct_of(16, 20, 24, spacing_mm=1.5)
    wanted = predictor_on(published, enough)[0].predict(ct)
    predictor, device = predictor_on(published, lambda one, _: FULL if one.place == "cuda" else None)
    found = predictor.predict(ct)
    assert same_but_for_rounding(found, wanted)
    assert found.notes[0] == (
        "the memory of cuda was too small; predicted on the processor, with 1 window at once"
    )
    predictor.predict(ct)
    places = [place for place, *_ in device.seen]
    assert places.index("cpu") < len(places) - places[::-1].index("cuda"), "the GPU was not tried again"


def test_a_processor_computes_in_float32_what_a_gpu_computes_in_float16(published, predictor_on):
    ct = ct_of(16, 16, 24, spacing_mm=1.5)
    predictor, device = predictor_on(
        published, lambda one, _: FULL if one.place == "cuda" else None, numbers="float16"
    )
    settings = predictor.settings("case")
    predictor.predict(ct)
    predictor.predict(ct)
    assert {dtype for place, _, dtype in device.seen if place == "cpu"} == {torch.float32}
    assert {dtype for place, _, dtype in device.seen if place == "cuda"} == {torch.float16}
    assert predictor.settings("case") == settings, "a prediction on the processor is not stale"


@pytest.mark.parametrize("error", [FULL_RAM, FULL])
def test_a_machine_without_memory_for_a_window_fails_the_ct_alone(whole_volumes, predictor_on, error):
    predictor, _ = predictor_on(whole_volumes, lambda *_: error, device="cpu")
    with pytest.raises(MemoryError):
        predictor.predict(ct_of(20, 20, 20, spacing_mm=8.0))


def test_any_other_error_of_a_device_is_not_hidden(published, predictor_on):
    predictor, device = predictor_on(published, lambda *_: RuntimeError("an illegal memory access"))
    with pytest.raises(RuntimeError, match="illegal"):
        predictor.predict(ct_of(16, 16, 24, spacing_mm=1.5))
    assert len(device.seen) == 1


def test_a_network_of_equal_windows_is_compiled_and_computes_the_same(published, monkeypatch):
    ct = ct_of(20, 18, 30, spacing_mm=1.5)
    monkeypatch.setattr(module, "load_network", lambda _: published)
    plain = NetworkPredictor("it", None, config=InferenceConfig(numbers="float32"))
    wanted, names = plain.predict(ct), set(published.state_dict())
    config = InferenceConfig(numbers="float32", compiled="eager", windows_at_once=1)
    compiled = NetworkPredictor("it", None, config=config)
    assert same_but_for_rounding(compiled.predict(ct), wanted)
    assert set(published.state_dict()) == names
    assert compiled.settings("case") == plain.settings("case")


def test_a_network_that_sees_whole_cts_and_an_unknown_backend_are_refused(
    published, whole_volumes, monkeypatch
):
    for network, backend, said in (
        (whole_volumes, "eager", "sees CTs of any size at once"),
        (published, "teapot", "backends of PyTorch are .*cudagraphs"),
    ):
        monkeypatch.setattr(module, "load_network", lambda _, network=network: network)
        with pytest.raises(ConfigError, match=said):
            NetworkPredictor("it", None, config=InferenceConfig(compiled=backend))


def test_no_window_at_once_is_refused():
    with pytest.raises(ConfigError, match="at least 1"):
        InferenceConfig(windows_at_once=0)
