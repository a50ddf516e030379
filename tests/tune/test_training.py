import os
import random
import runpy
import signal
import subprocess
import sys

import numpy as np
import pytest
import torch

import omentum.networks.universal_swinunetr
import omentum.networks.universal_unet  # noqa: F401  (both register their architectures)
from omentum.errors import ConfigError, TuneError
from omentum.networks.network import NetworkSpec, build
from omentum.networks.weights import tensors_sha256
from omentum.tune.config import FullConfig
from omentum.tune.devices import run_on
from omentum.tune.full_training import FullRun

CONFIG = FullConfig(
    steps=8, patch_voxels=(16, 16, 16), checkpoint_every=3, validate_every=2, patience=2, seed=9
)

KILLED = """
import os, signal, sys
from pathlib import Path
import numpy as np
from omentum.networks.network import NetworkSpec, build
from omentum.records import MaskSource
from omentum.tune.config import FullConfig
from omentum.tune.devices import run_on
from omentum.tune.full_training import FullRun
from omentum.tune.held_out import HeldOutDice
from omentum.tune.prepared_cases import PreparedCase
from omentum.volumes.geometry import Geometry
from omentum.volumes.masks import MaskSet
import omentum.networks.starter

CONFIG = FullConfig(
    steps=9, patch_voxels=(16, 16, 16), checkpoint_every=2, learning_rate=1e-2, validate_every=3, patience=1,
)

def case():
    rng = np.random.default_rng(0)
    liver = np.zeros((24, 24, 24), dtype=bool)
    liver[6:18, 6:18, 6:18] = True
    hu = (rng.normal(-80, 10, liver.shape) + 140 * liver).astype(np.int16)
    geometry = Geometry(liver.shape, np.diag([8.0, 8.0, 8.0, 1.0]))
    masks = MaskSet.build(geometry, ["liver"], [("liver", liver)])
    return PreparedCase(case_id="a", hu=hu, masks=masks, sources={"liver": MaskSource.ORIGINAL}, key="a")

def run(path):
    spec = NetworkSpec(architecture="starter", organs=("liver",), spacing_mm=8.0, window_voxels=(32, 32, 32))
    look = HeldOutDice([case()], ["liver"])
    return FullRun(
        network=build(spec, seed=1), cases=[case()], config=CONFIG, checkpoint_path=Path(path),
        validate=look, validate_key=look.key,
    )

if __name__ == "__main__":
    run_on("cpu", run(sys.argv[1]), lambda one: one.step == int(sys.argv[2]) and os.kill(os.getpid(), 9))
"""


@pytest.fixture
def trained(network, boxes, tmp_path):
    """Trains a fresh network, looked at by a function; gives it, how it ended and what was told."""

    def train(looks, config=CONFIG, path=None, watch=None):
        told, given = [], iter(looks)
        run = FullRun(
            network=build(network.spec, seed=2),
            cases=[boxes],
            config=config,
            checkpoint_path=path or tmp_path / f"{len(list(tmp_path.iterdir()))}.pt",
            validate=lambda _network: next(given),
        )
        outcome = run_on("cpu", run, watch or told.append)
        return run.network, outcome, told

    return train


def sha256(network) -> str:
    return tensors_sha256(network.state_dict())


def test_training_stops_after_as_many_looks_without_a_better_dice_and_keeps_the_best(trained):
    kept, outcome, told = trained([0.3, 0.6, 0.5, 0.6])
    assert (outcome.steps, outcome.best_dice, outcome.best_step) == (8, 0.6, 4)
    assert [one.held_out_dice for one in told] == [None, 0.3, 0.3, 0.6, 0.6, 0.5, 0.5, 0.6][: len(told)]
    stopped, outcome, _ = trained([0.3, 0.6, 0.5, 0.6], CONFIG.changed(patience=1))
    assert (outcome.steps, outcome.best_step) == (6, 4)
    assert sha256(stopped) == sha256(kept), "the weights of step 4, whatever came after"


def test_without_a_look_the_last_weights_are_kept(trained, network, boxes, tmp_path):
    kept, outcome, told = trained([], CONFIG.changed(validate_every=0))
    assert (outcome.best_dice, outcome.best_step) == (None, None)
    assert {one.held_out_dice for one in told} == {None}
    best_is_last, *_ = trained([0.1, 0.2, 0.3, 0.4])
    assert sha256(kept) == sha256(best_is_last), "looking changes nothing of what is learned"


def test_the_last_step_is_looked_at_wherever_it_falls(trained):
    _, outcome, _ = trained([0.1, 0.2, 0.3], CONFIG.changed(steps=5))
    assert (outcome.steps, outcome.best_step) == (5, 5)


def test_a_run_that_has_stopped_stays_stopped_when_it_is_called_again(trained, tmp_path):
    config, path = CONFIG.changed(patience=1), tmp_path / "again.pt"
    first, *_ = trained([0.6, 0.5], config, path)
    again, outcome, told = trained([], config, path)
    assert (outcome.steps, told) == (4, [])
    assert sha256(again) == sha256(first)


def test_a_look_that_fails_stops_the_run_and_says_why(trained):
    def broken():
        raise ConfigError("visible", "empty", "there must be a body in the CT")
        yield

    with pytest.raises(TuneError, match="held-out patients cannot be looked at: visible is"):
        trained(broken())


def test_a_run_killed_at_any_step_ends_in_the_weights_of_one_that_was_not(tmp_path, one_thread):
    """With looks at a held-out patient, early stop and the running mean, killed twice."""
    script, path = tmp_path / "killed.py", tmp_path / "checkpoint.pt"
    script.write_text(KILLED)
    made = runpy.run_path(str(script))
    whole = made["run"](tmp_path / "whole.pt")
    expected = run_on("cpu", whole)
    kill_at = random.Random().randint(1, expected.steps - 1)
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, script, path, str(kill_at)]
    done = subprocess.run(command, check=False, env=environment, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    resumed, seen = made["run"](path), []
    outcome = run_on("cpu", resumed, lambda one: seen.append(one.step))
    assert seen[0] <= kill_at + 1
    assert sha256(resumed.network) == sha256(whole.network), f"killed at {kill_at}"
    assert outcome == expected


def test_the_published_unet_learns_in_full(prepared_case, tmp_path):
    losses, kept = _published(prepared_case, tmp_path, "universal-unet", (16, 16, 16), recompute=True)
    assert np.isfinite(losses).all()
    assert losses[-1] < losses[0]
    assert not kept.training


@pytest.mark.slow
def test_the_published_swin_unetr_learns_in_full(prepared_case, tmp_path):
    losses, kept = _published(
        prepared_case, tmp_path, "universal-swinunetr", (64, 32, 32), recompute=True, steps=2
    )
    assert np.isfinite(losses).all()
    assert not kept.training


def test_what_is_computed_again_is_the_same(prepared_case, tmp_path):
    made = [
        _published(prepared_case, tmp_path, "universal-unet", (16, 16, 16), recompute=one, steps=2)[1]
        for one in (False, True)
    ]
    for name, value in made[0].state_dict().items():
        torch.testing.assert_close(made[1].state_dict()[name], value)
    assert not any("forward" in vars(part) for part in made[1].modules())


def _published(prepared_case, tmp_path, architecture, patch_voxels, *, recompute, steps=6):
    rng = np.random.default_rng(3)
    liver = np.zeros((32, 32, 32), dtype=bool)
    liver[8:24, 8:24, 8:24] = True
    case = prepared_case(rng.normal(-80, 10, liver.shape) + 140 * liver, {"liver": liver})
    spec = NetworkSpec(architecture=architecture, organs=("liver",), spacing_mm=8.0, window_voxels=(64,) * 3)
    config = FullConfig(
        steps=steps,
        batch_size=1,
        patch_voxels=patch_voxels,
        learning_rate=1e-3,
        warm_up_share=0.0,
        recompute=recompute,
        checkpoint_every=100,
    )
    losses = []
    path = tmp_path / f"{recompute}.pt"
    run = FullRun(network=build(spec, seed=1), cases=[case], config=config, checkpoint_path=path)
    run_on("cpu", run, lambda one: losses.append(one.loss))
    return losses, run.network
