"""How does the package train here? The one place where its tuning is called.

In:  networks, prepared cases, settings; a judge that is called now and then.
Out: trained networks. What a judge takes is part of what training takes.
"""

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from omentum.choices import TRAINABLE
from omentum.networks.extend_organs import add_adapters
from omentum.networks.infer import organ_probabilities
from omentum.networks.network import Network, build
from omentum.tune.cache import FeatureCache
from omentum.tune.config import ContinualConfig, FullConfig
from omentum.tune.continual import tune_heads
from omentum.tune.continual_stage import for_caching
from omentum.tune.devices import run_on
from omentum.tune.full_training import FullRun, StepReport
from omentum.tune.prepared_cases import PreparedCase
from tuning.cohort import Patient
from tuning.curves import CHECKPOINT, Curve
from tuning.judge import FrozenJudge, mean_dice

__all__ = [
    "ADAPTERS",
    "HEADS",
    "OVERLAP",
    "Judged",
    "Judging",
    "as_often",
    "chosen_replay",
    "train_all",
    "tune_cached",
]

Judged = Callable[[int, Network], None]
"""Told steps done, and the network as it would be kept now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judging:
    """On whom heads are judged every so many steps; and the Dice of the other organs, which stays."""

    patients: Sequence[Patient]
    every: int
    others: float


HEADS, ADAPTERS = TRAINABLE[:2]
OVERLAP = 0.5
"""Of windows, as in prediction."""


def train_all(
    network: Network, cases: Sequence[PreparedCase], config: FullConfig, folder: Path, judged: Judged
) -> Network:
    """Train all weights; judged at each checkpoint, on the running mean of the weights.

    Args:
        network: Fresh, or trained before.
        cases: All that it learns from.
        config: How; `checkpoint_every` says how often it is judged.
        folder: Holds the checkpoint from which a killed run goes on.
        judged: Told of each checkpoint.
    """
    checkpoint = folder / CHECKPOINT
    twin = build(network.spec).to(next(network.parameters()).device)

    def after(report: StepReport) -> None:
        if report.step % config.checkpoint_every == 0:
            kept = torch.load(checkpoint, map_location="cpu", weights_only=True)
            twin.load_state_dict(kept["average"])
            judged(report.step, twin.eval())

    run = FullRun(network=network, cases=cases, config=config, checkpoint_path=checkpoint)
    run_on(str(next(network.parameters()).device), run, after)
    checkpoint.unlink(missing_ok=True)
    return network


def as_often(few: Sequence[PreparedCase], many: Sequence[PreparedCase]) -> list[PreparedCase]:
    """Repeat some cases until they are drawn about as often as all others together."""
    return [*few] * max(1, round(len(many) / len(few))) + [*many]


def tune_cached(
    network: Network,
    learned: Mapping[str, tuple[PreparedCase, float]],
    config: ContinualConfig,
    curve: Curve,
    judged: Judging,
) -> Network:
    """Tune heads on features that the trunk makes once.

    Args:
        network: Its other tensors stay as they are.
        learned: Cases with labels of `config.organs`, and what those count, by case.
        config: How, and which organs.
        curve: Gets a point at each judgement; the cache lies beside it, and is gone when this ends.
        judged: How it is judged on its way.
    """
    features = curve.path.parent / "features"
    shutil.rmtree(features, ignore_errors=True)
    if config.trainable == ADAPTERS:
        add_adapters(network, config.organs)
    trunk = for_caching(network, str(next(network.parameters()).device))
    cache = FeatureCache(features, trunk, config, overlap=OVERLAP)
    wanted = {key: cache.wanted(case, config.organs) for key, (case, _) in learned.items()}
    cache.make_room([one for own in wanted.values() for one in own])
    samples = []
    for key, own in wanted.items():
        samples += cache.samples(lambda key=key: learned[key][0], own)
    judge = FrozenJudge(network, judged.patients)
    weights = {(name, key): weight for key, (_, weight) in learned.items() for name in config.organs}

    def after(step: int, tuned: Network) -> bool:
        if step % judged.every == 0:
            dice = judge.dice(tuned, config.organs)
            curve.add(step, mean_dice(dice, config.organs), judged.others)
        return False

    tuned = tune_heads(network, samples, weights, config, after=after)
    shutil.rmtree(features)
    return tuned


def chosen_replay(
    network: Network, earlier: Sequence[Patient], organs: Sequence[str], share: float
) -> list[Patient]:
    """Choose the earlier cases that are replayed: those whose labels are only predicted and most certain.

    The package's rule for labels that nobody has vouched for: where the network is unsure, they are probably
    wrong. Scoring has worked that out before anybody revised, so no arm pays for it.
    """
    unsure = {one.seed: _uncertainty(network, one, organs) for one in earlier}
    return sorted(earlier, key=lambda one: unsure[one.seed])[: round(share * len(earlier))]


def _uncertainty(network: Network, patient: Patient, organs: Sequence[str]) -> float:
    """Average over organs the entropy, in bits, over the volume predicted, in voxels."""
    entropy, predicted = np.zeros(len(organs)), np.ones(len(organs))
    for _, values in organ_probabilities(network, patient.hu.astype(np.float32), organs):
        inside = np.clip(values / 255.0, 1e-6, 1 - 1e-6)
        bits = -inside * np.log2(inside) - (1 - inside) * np.log2(1 - inside)
        entropy += bits.sum(axis=(1, 2, 3))
        predicted += (values >= 128).sum(axis=(1, 2, 3))
    return float((entropy / predicted).mean())
