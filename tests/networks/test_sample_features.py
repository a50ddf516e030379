import numpy as np
import pytest
import torch

import omentum.networks.starter as starter_module
import omentum.networks.universal_unet  # noqa: F401  (registers its architecture)
from omentum.networks.extend_organs import add_adapters
from omentum.networks.infer import compute_features, organ_probabilities
from omentum.networks.network import NetworkSpec, build
from omentum.networks.sample_features import sample_features, seen_voxels
from omentum.networks.universal_unet import UniversalUNet

ORGANS = ("liver", "spleen")


@pytest.fixture
def starter():
    spec = NetworkSpec(architecture="starter", organs=ORGANS, spacing_mm=8.0, window_voxels=(16, 16, 16))
    return build(spec, seed=3).eval()


@pytest.fixture
def narrow():
    spec = NetworkSpec(
        architecture="universal-unet", organs=ORGANS, spacing_mm=8.0, window_voxels=(16, 16, 16)
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        return UniversalUNet(spec, width=16).eval()


def tissue(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(40, 60, shape).astype(np.float32)


def body(*shape: int) -> np.ndarray:
    hu = tissue(*shape)
    hu[..., -9:] = -1000.0
    return hu


def everywhere(seen: np.ndarray) -> dict[str, np.ndarray]:
    return {"liver": np.random.default_rng(1).permutation(np.flatnonzero(seen))}


def test_what_is_seen_is_what_prediction_gives_a_probability_of(starter, narrow):
    hu = body(20, 18, 40)
    assert np.array_equal(seen_voxels(starter, hu), compute_features(starter, hu).seen.numpy())
    seen = seen_voxels(narrow, hu)
    assert not seen.all()
    made = np.zeros(hu.shape, dtype=bool)
    for z, slab in organ_probabilities(narrow, hu, ORGANS):
        made[..., z] = slab[0] > 0
    assert np.array_equal(seen, made)


def test_with_a_context_of_the_whole_volume_features_are_those_of_the_joined_windows(starter):
    hu = body(20, 18, 40)
    starter.window_for = lambda _shape: (16, 16, 16)
    whole = compute_features(starter, hu)
    voxels = everywhere(seen_voxels(starter, hu))
    made = sample_features(starter, hu, voxels)["liver"]
    flat = whole.features[0].flatten(1).half()
    assert torch.equal(made.features, flat[:, torch.from_numpy(voxels["liver"][made.order])])
    assert torch.equal(made.contexts, whole.context)


def test_of_one_window_features_are_those_of_prediction_and_no_full_size_map_is_made(starter, monkeypatch):
    hu = body(20, 18, 40)
    add_adapters(starter, ["liver"])
    whole = compute_features(starter, hu)
    voxels = everywhere(seen_voxels(starter, hu))
    voxels["spleen"] = voxels["liver"][:50]
    monkeypatch.setattr(starter_module, "join_levels", None)
    made = sample_features(starter, hu, voxels)
    assert torch.equal(made["liver"].contexts, whole.context)
    for name, n_channels in (("liver", 120), ("spleen", 8)):
        expected = whole.features[0, :n_channels].flatten(1)[:, torch.from_numpy(voxels[name])]
        torch.testing.assert_close(made[name].features, expected.half(), rtol=2e-3, atol=1e-3)


def test_with_contexts_of_their_own_features_are_bit_for_bit_those_of_single_windows(narrow):
    hu = tissue(16, 16, 24)
    voxels = everywhere(seen_voxels(narrow, hu))
    made = sample_features(narrow, hu, voxels)["liver"]
    assert sorted(made.order.tolist()) == list(range(len(made.order)))
    z = np.unravel_index(voxels["liver"][made.order], hu.shape)[2]
    for number, low in enumerate((0, 8)):
        with torch.inference_mode():
            features, context = narrow.trunk(torch.from_numpy(hu[None, None, ..., low : low + 16].copy()))
        part = slice(made.starts[number], made.starts[number + 1])
        assert torch.equal(made.contexts[number], context[0])
        x, y, _ = np.unravel_index(voxels["liver"][made.order[part]], hu.shape)
        assert torch.equal(made.features[:, part], features[0, :, x, y, z[part] - low].half())


def test_windows_are_drawn_as_they_are_weighed_in_prediction(narrow):
    hu = tissue(16, 16, 24)
    at = np.ravel_multi_index((8, 8, 11), hu.shape)
    made = sample_features(narrow, hu, {"liver": np.full(4000, at)})["liver"]
    first, second = np.exp(-0.5 * ((np.array([11, 3]) - 7.5) / 2) ** 2)
    assert np.diff(made.starts)[0] / 4000 == pytest.approx(first / (first + second), abs=0.03)


def test_windows_without_a_voxel_asked_for_are_never_run(narrow, monkeypatch):
    hu = tissue(16, 16, 64)
    runs, trunk = [], narrow.trunk
    monkeypatch.setattr(narrow, "trunk", lambda window: runs.append(1) or trunk(window))
    sample_features(narrow, hu, {"liver": np.array([np.ravel_multi_index((8, 8, 2), hu.shape)])})
    assert len(runs) == 1


def test_organs_share_one_pass(narrow, monkeypatch):
    hu = tissue(16, 16, 24)
    runs, trunk = [], narrow.trunk
    monkeypatch.setattr(narrow, "trunk", lambda window: runs.append(1) or trunk(window))
    voxels = everywhere(seen_voxels(narrow, hu))["liver"]
    made = sample_features(narrow, hu, {"liver": voxels, "spleen": voxels[:50]})
    assert len(runs) == 2
    assert made["spleen"].features.shape == (8, 50)
