"""Networks whose logits are known, and a starter network whose stored statistics are not trivial."""

import runpy

import numpy as np
import pytest
import torch
from torch import nn

import omentum.networks.starter
from omentum.networks.network import ARCHITECTURES, Network, NetworkSpec, build, register
from omentum.networks.weights import load_network
from omentum.volumes.labels import SUBSETS

ORGANS = ("spleen", "kidney_right", "liver", "pancreas")


class Positions(Network):
    """Features depend on the place in the window; the logit is the first feature times a gain."""

    stride = 4

    def __init__(self, spec):
        super().__init__(spec)
        self.gain = nn.Parameter(torch.tensor(0.01))

    def trunk(self, hu):
        side = torch.arange(hu.shape[2]).reshape(-1, 1, 1)
        return torch.cat([hu, hu + side, *[torch.zeros_like(hu)] * 6], dim=1), self.context_of(hu)

    def context_of(self, hu):
        return hu.mean().reshape(1, 1)

    def heads(self, features, context, organs):
        del context
        return torch.stack([self.gain * features[:, 0] + place for place, _ in enumerate(organs)], dim=1)


@pytest.fixture
def positions():
    """Function: the spec's window to such a network, in evaluation mode."""
    register("positions")(Positions)

    def make(window_voxels=(8, 8, 8)):
        spec = NetworkSpec(
            architecture="positions", organs=ORGANS, spacing_mm=3.0, window_voxels=window_voxels
        )
        return build(spec).eval()

    yield make
    del ARCHITECTURES["positions"]


@pytest.fixture
def windows_only(monkeypatch):
    """No volume is small enough to go through at once."""
    monkeypatch.setattr(omentum.networks.starter, "_WHOLE_VOXELS", 0)


@pytest.fixture
def starter():
    """Function: organs and window to a starter network that looks as if it had learned."""

    def make(organs=ORGANS, window_voxels=(16, 16, 16), seed=3):
        spec = NetworkSpec(architecture="starter", organs=organs, spacing_mm=3.0, window_voxels=window_voxels)
        network = build(spec, seed=seed).eval()
        random = torch.Generator().manual_seed(0)
        for module in network.modules():
            if isinstance(module, nn.BatchNorm3d):
                module.running_mean.normal_(0, 0.1, generator=random)
                module.running_var.uniform_(0.5, 1.5, generator=random)
        return network

    return make


@pytest.fixture(scope="session")
def beside_the_reference(shared, stand_in, tmp_path_factory):
    """Function: a published network to what ours makes of a window, and what the reference made.

    Its weights come from a file as published; what is compared is thinned out as the reference's is.
    """
    window = runpy.run_path(str(shared / "reference/make_checkpoint.py"))["make_input"](1)

    def run(name, coarse_step):
        path = tmp_path_factory.mktemp(name) / "published.pth"
        torch.save({"net": {f"module.{key}": value for key, value in stand_in(name).items()}}, path)
        network, seen = load_network(path), {}
        network.backbone.register_forward_hook(lambda _module, _given, made: seen.update(made=made))
        hu = torch.from_numpy(window)[None, None] * 425 - 175
        with torch.inference_mode():
            features, context = network.trunk(hu)
            logits = network.heads(features, context, SUBSETS["omentum"])[0]
            controllers = network.organ_heads.controllers
            params = torch.stack([controllers[organ](context[0]) for organ in SUBSETS["omentum"]])
        deep, full = (one[0] for one in seen["made"])
        ours = {
            "deep_sub": deep[:, ::coarse_step, ::coarse_step, ::coarse_step],
            "full_sub": full[:, ::12, ::12, ::12],
            "gap": context[0],
            "params": params,
            "head_input_sub": features[0, :, ::6, ::6, ::6],
            "logits_sub": logits[:, ::6, ::6, ::6],
            "mean": logits.mean(dim=(1, 2, 3)),
        }
        with np.load(shared / f"reference/logits/{name}_seed1.npz") as reference:
            return {key: (value.numpy(), reference[key]) for key, value in ours.items()}

    return run
