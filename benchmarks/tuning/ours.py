"""How does the package train here? The one place where its tuning is called.

In:  networks, prepared cases, settings; a judge that is called now and then.
Out: trained networks. What a judge takes is part of what training takes.
"""

import shutil
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch

from omentum.networks.extend_organs import add_adapters, add_heads, similar_organ
from omentum.networks.infer import organ_probabilities
from omentum.networks.network import Network, build
from omentum.tune.cache import FeatureCache
from omentum.tune.config import TRAINABLE, ContinualConfig, FullConfig
from omentum.tune.continual import tune_heads
from omentum.tune.continual_stage import for_caching
from omentum.tune.full import train_full
from omentum.tune.prepared_cases import PreparedCase
from tuning.cohort import Patient
from tuning.curves import CHECKPOINT

__all__ = [
    "ADAPTERS",
    "HEADS",
    "OVERLAP",
    "Judged",
    "as_often",
    "chosen_replay",
    "train_all",
    "tune_cached",
    "with_organs",
]

Judged = Callable[[int, Network], None]
"""Told steps done, and the network as it would be kept now."""
HEADS, ADAPTERS = TRAINABLE
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

    def after(done: int, _total: int, _loss: float) -> None:
        if done % config.checkpoint_every == 0:
            kept = torch.load(checkpoint, map_location="cpu", weights_only=True)
            twin.load_state_dict(kept["average"])
            judged(done, twin.eval())

    trained = train_full(network, cases, config, checkpoint, after)
    checkpoint.unlink(missing_ok=True)
    return trained


def as_often(few: Sequence[PreparedCase], many: Sequence[PreparedCase]) -> list[PreparedCase]:
    """Repeat some cases until they are drawn about as often as all others together."""
    return [*few] * max(1, round(len(many) / len(few))) + [*many]


def tune_cached(
    network: Network,
    learned: Mapping[str, tuple[PreparedCase, float]],
    config: ContinualConfig,
    folder: Path,
    judged: Callable[[], Judged],
) -> Network:
    """Tune heads on features that the trunk makes once.

    Args:
        network: Its other tensors stay as they are.
        learned: Cases with labels of `config.organs`, and what those count, by case.
        config: How, and which organs.
        folder: Gets the cache, which is empty when this begins, and gone when it ends.
        judged: Called when the features are there; gives who is told of the steps.
    """
    features = folder / "features"
    shutil.rmtree(features, ignore_errors=True)
    if config.trainable == ADAPTERS:
        add_adapters(network, config.organs)
    trunk = for_caching(network, str(next(network.parameters()).device))
    cache = FeatureCache(features, trunk, config, overlap=OVERLAP)
    wanted = {key: cache.wanted(case, config.organs) for key, (case, _) in learned.items()}
    cache.make_room([one for own in wanted.values() for one in own])
    samples = [
        sample for key, own in wanted.items() for sample in cache.samples(partial(_case, learned, key), own)
    ]
    told = judged()
    weights = {(name, key): weight for key, (_, weight) in learned.items() for name in config.organs}

    def after(step: int, tuned: Network) -> bool:
        told(step, tuned)
        return False

    tuned = tune_heads(network, samples, weights, config, after=after)
    shutil.rmtree(features)
    return tuned


def with_organs(network: Network, new: Sequence[str]) -> Network:
    """Give a network new heads, begun as that of a similar organ; every other tensor stays as it was."""
    similar = {name: similar_organ(name, network.spec.organs) for name in new}
    add_heads(network, {name: [one] if one else [] for name, one in similar.items()})
    return network.eval()


def _case(learned: Mapping[str, tuple[PreparedCase, float]], key: str) -> PreparedCase:
    return learned[key][0]


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
