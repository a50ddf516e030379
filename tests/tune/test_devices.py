import os
import runpy
import signal
import subprocess
import sys

import numpy as np
import pytest
import torch

from omentum.errors import ConfigError
from omentum.networks.network import NetworkSpec, build
from omentum.tune.config import FullConfig
from omentum.tune.devices import check_devices, precision_for, run_on
from omentum.tune.full_training import FullRun
from omentum.tune.losses import partial_loss

TOGETHER = """
import os, signal, sys
from pathlib import Path
import numpy as np
import torch
from omentum.errors import TuneError
from omentum.networks.network import NetworkSpec, build
from omentum.networks.weights import tensors_sha256
from omentum.records import MaskSource
from omentum.tune.config import FullConfig
from omentum.tune.devices import run_on
from omentum.tune.full_training import FullRun
from omentum.tune.prepared_cases import PreparedCase
from omentum.volumes.geometry import Geometry
from omentum.volumes.masks import MaskSet
import omentum.networks.starter

CONFIG = FullConfig(
    steps=4, devices=2, batch_size=1, patch_voxels=(32, 32, 32), checkpoint_every=1, learning_rate=1e-3,
    weight_decay=0.0, validate_every=2,
)

def network():
    spec = NetworkSpec(
        architecture="starter", organs=("spleen", "liver"), spacing_mm=8.0, window_voxels=(32, 32, 32)
    )
    return build(spec, seed=1)

def case():
    rng = np.random.default_rng(0)
    liver, spleen = np.zeros((2, 32, 32, 32), dtype=bool)
    liver[6:18, 6:18, 6:18] = True
    spleen[20:28, 20:28, 10:20] = True
    hu = (rng.normal(-80, 10, liver.shape) + 140 * liver + 240 * spleen).astype(np.int16)
    geometry = Geometry(liver.shape, np.diag([8.0, 8.0, 8.0, 1.0]))
    masks = MaskSet.build(geometry, ["liver", "spleen"], [("liver", liver), ("spleen", spleen)])
    sources = dict.fromkeys(masks.organs, MaskSource.ORIGINAL)
    return PreparedCase(case_id="a", hu=hu, masks=masks, sources=sources, key="a")

def look(made):
    weights = [next(one.parameters()).detach() for one in (made, network())]
    return float((weights[0] - weights[1]).abs().mean())

def run(path, config=CONFIG):
    return FullRun(
        network=network(), cases=[case()], config=config, checkpoint_path=Path(path), validate=look
    )

if __name__ == "__main__":
    path, kill_at, losses = Path(sys.argv[1]), int(sys.argv[2]), []

    def watch(report):
        losses.append(report.loss)
        if report.step == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    made = run(path)
    outcome = run_on("cpu", made, watch)
    sha256 = tensors_sha256(made.network.state_dict())
    torch.save({
        "weights": made.network.state_dict(), "losses": losses, "steps": outcome.steps, "sha256": sha256,
        "each": outcome.weights_sha256, "best": (outcome.best_dice, outcome.best_step),
    }, path.with_suffix(".out"))
"""


@pytest.fixture(scope="module")
def two_devices(tmp_path_factory):
    """Trains in two processes, killed where said; gives what came out."""
    script = tmp_path_factory.mktemp("together") / "together.py"
    script.write_text(TOGETHER)

    def train(path, kill_at=0):
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        command = [sys.executable, script, path, str(kill_at)]
        done = subprocess.run(command, check=False, env=environment, capture_output=True, timeout=300)
        assert done.returncode == (-signal.SIGKILL if kill_at else 0), done.stderr.decode()
        return None if kill_at else torch.load(path.with_suffix(".out"), weights_only=True)

    train.made = runpy.run_path(str(script))
    return train


@pytest.fixture(scope="module")
def together(two_devices, tmp_path_factory):
    path = tmp_path_factory.mktemp("whole") / "checkpoint.pt"
    return {**two_devices(path), "path": path}


@pytest.mark.slow
def test_two_devices_with_a_patch_each_learn_what_one_with_two_patches_learns(
    together, two_devices, tmp_path
):
    config = two_devices.made["CONFIG"].changed(devices=1, batch_size=2)
    alone, losses = two_devices.made["run"](tmp_path / "alone.pt", config), []
    run_on("cpu", alone, lambda report: losses.append(report.loss))
    assert together["losses"] == pytest.approx(losses, rel=1e-3)
    # Adam moves a weight by the rate however small its gradient is, so gradients are compared: their means.
    assert _apart(tmp_path / "alone.pt", together["path"]) < 0.05


def _apart(*checkpoints) -> float:
    """How far the mean gradients of two runs are apart, as a share of their length."""
    states = [torch.load(path, weights_only=True)["optimizer"]["state"] for path in checkpoints]
    means = [torch.cat([one["exp_avg"].flatten() for one in state.values()]) for state in states]
    return float((means[0] - means[1]).norm() / means[0].norm())


@pytest.mark.slow
def test_all_devices_end_with_the_same_weights_and_the_caller_has_them(together):
    assert together["steps"] == 4
    assert together["each"] == (together["sha256"], together["sha256"])
    assert together["best"][1] == 4


@pytest.mark.slow
def test_several_devices_that_were_killed_end_in_the_weights_of_those_that_were_not(
    together, two_devices, tmp_path
):
    path = tmp_path / "checkpoint.pt"
    two_devices(path, kill_at=2)
    resumed = two_devices(path)
    assert len(resumed["losses"]) <= 2
    assert resumed["sha256"] == together["sha256"]
    assert resumed["best"] == together["best"]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["checkpoint.out", "checkpoint.pt"]


def test_devices_that_are_not_there_are_refused_before_anything_is_read():
    with pytest.raises(ConfigError, match=r"devices is 999.*this machine has"):
        check_devices("cpu", 999)
    with pytest.raises(ConfigError, match="name the kind alone, such as cuda"):
        check_devices("cuda:1", 2)


@pytest.mark.parametrize(
    ("architecture", "side", "has_half", "expected"),
    [
        ("starter", 48, True, "bf16-mixed"),
        ("starter", 48, False, "32-true"),
        ("starter", 32, True, "32-true"),
        ("universal-unet", 32, True, "bf16-mixed"),
        ("universal-unet", 16, True, "32-true"),
    ],
)
def test_half_the_numbers_are_taken_only_where_they_are_fast_and_right(
    monkeypatch, architecture, side, has_half, expected
):
    import omentum.networks.universal_unet  # noqa: F401  (registers its architecture)

    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: has_half)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
    spec = NetworkSpec(architecture=architecture, organs=("liver",), spacing_mm=2.0)
    assert precision_for(build(spec), (side, 16, 16), "cpu") == expected


def test_the_loss_of_parts_that_are_added_up_is_that_of_the_whole():
    """Stands in for two devices: each knows what the other adds."""
    rng = torch.Generator().manual_seed(0)
    logits, labels = torch.randn(2, 3, 50, generator=rng), torch.rand(2, 3, 50, generator=rng) < 0.3
    weights = torch.tensor([[1.0, 0.3, 0.0], [1.0, 0.0, 0.0]])
    whole, sums = partial_loss(logits, labels, weights), []
    for item in ([0], [1]):
        partial_loss(logits[item], labels[item], weights[item], over_all=lambda own: sums.append(own) or own)
    told = partial_loss(logits[:1], labels[:1], weights[:1], over_all=lambda _own: sums[0] + sums[1])
    assert float(told) == pytest.approx(float(whole), rel=1e-5)


def test_one_device_needs_no_other_process(boxes, network, tmp_path):
    config = FullConfig(steps=1, patch_voxels=(16, 16, 16))
    told = []
    made = FullRun(network=network, cases=[boxes], config=config, checkpoint_path=tmp_path / "c.pt")
    outcome = run_on("cpu", made, told.append)
    assert (outcome.steps, outcome.best_dice, outcome.best_step) == (1, None, None)
    assert [(one.step, one.steps, one.held_out_dice) for one in told] == [(1, 1, None)]
    assert told[0].rate == pytest.approx(config.learning_rate)
    assert np.isfinite(told[0].loss)
    assert told[0].patches_per_second > 0


def test_one_device_is_alone_within_a_job_of_slurm_as_well(boxes, network, tmp_path, monkeypatch):
    srun = tmp_path / "srun"
    srun.write_text("#!/bin/sh\n")
    srun.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    told = {
        "NTASKS": "4",
        "PROCID": "1",
        "LOCALID": "1",
        "JOB_ID": "7",
        "JOB_NAME": "tune",
        "NODELIST": "node1",
    }
    for name, value in told.items():
        monkeypatch.setenv(f"SLURM_{name}", value)
    config = FullConfig(steps=1, patch_voxels=(16, 16, 16))
    run = FullRun(network=network, cases=[boxes], config=config, checkpoint_path=tmp_path / "c.pt")
    assert run_on("cpu", run).steps == 1
