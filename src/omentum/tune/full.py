"""How are all weights trained? Patches of every case, partial labels, a running mean of the weights.

In:  a network, prepared cases, settings, where checkpoints go.
Out: the network with the mean weights; the same ones whether or not the run was interrupted.
"""

import hashlib
import json
import math
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from omentum.errors import TuneError
from omentum.networks.network import Network
from omentum.networks.weights import tensors_sha256
from omentum.phantoms.anatomy_map import AnatomyMap
from omentum.phantoms.phantom import LABELLED
from omentum.tune.checkpoint import TrainingState, load_checkpoint, save_checkpoint
from omentum.tune.config import FullConfig
from omentum.tune.losses import partial_loss
from omentum.tune.patches import Patches, draw
from omentum.tune.pool import CasePool
from omentum.tune.prepared import PreparedCase
from omentum.tune.schedule import rate_at

__all__ = ["train_full"]

Progress = Callable[[int, int, float], None]
"""Told the steps done, the steps in all, and the loss."""
_NARROW_VOXELS = 32
"""A patch no wider than this has maps two voxels wide inside the network. On CPUs, what bfloat16
convolutions over those give as gradient is uninitialised memory (torch 2.13)."""


def train_full(
    network: Network,
    cases: Sequence[PreparedCase],
    config: FullConfig,
    checkpoint_path: Path,
    progress: Progress | None = None,
    *,
    maps: Sequence[AnatomyMap] = (),
) -> Network:
    """Train every weight of a network, in place.

    Args:
        network: Fresh, or to be trained on; on the CPU or a GPU.
        cases: All that it learns from, at its spacing.
        config: How.
        checkpoint_path: Where the state is kept between steps; removed by the caller when all is stored.
        progress: Told after each step.
        maps: Anatomy of real people, from which patients are made up on the fly.

    Returns:
        The network in evaluation mode, with the running mean of its weights.

    Raises:
        TuneError: No label of any organ is there to learn from, or the loss is not finite.
    """
    organs = network.spec.organs
    known = {name for case in cases for name in case.sources}
    if not set(organs) & known.union(LABELLED if config.rendered_share else ()):
        raise TuneError(
            f"no case has a label of {', '.join(organs)}; add cases with `--label`, or revise some"
        )
    key = _run_key(network, cases, maps, config)
    network.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
    state = _fresh_state(network, config)
    load_checkpoint(checkpoint_path, state, key)
    with closing(CasePool(cases, maps, organs, network.spec.spacing_mm, config)) as pool:
        while state.step < config.steps:
            loss = _step(state, draw(pool, organs, state.step, config), organs, config)
            _check(loss, state.step)
            state.step += 1
            if state.step % config.checkpoint_every == 0:
                save_checkpoint(checkpoint_path, state, key)
            if progress is not None:
                progress(state.step, config.steps, loss)
    network.load_state_dict(state.average)
    return network.eval()


def _check(loss: float, step: int) -> None:
    if not np.isfinite(loss):
        cure = "lower learning_rate; the last checkpoint is kept"
        raise TuneError(f"the loss became {loss} at step {step}; {cure}")


def _fresh_state(network: Network, config: FullConfig) -> TrainingState:
    heads: list[torch.nn.Parameter] = []
    trunk: list[torch.nn.Parameter] = []
    for name, parameter in network.named_parameters():
        (heads if name.startswith("organ_heads.") else trunk).append(parameter)
    groups = [{"params": trunk, "factor": 1.0}, {"params": heads, "factor": config.heads_rate}]
    optimizer = torch.optim.AdamW(groups, lr=config.learning_rate, weight_decay=config.weight_decay)
    average = {key: value.detach().clone() for key, value in network.state_dict().items()}
    return TrainingState(model=network, optimizer=optimizer, average=average)


def _step(state: TrainingState, patches: Patches, organs: Sequence[str], config: FullConfig) -> float:
    network = state.model.train()
    assert isinstance(network, Network)
    device = next(network.parameters()).device
    for group in state.optimizer.param_groups:
        rate = config.learning_rate * rate_at(state.step, config.steps, config.warm_up_share)
        group["lr"] = rate * group["factor"]
    is_half = device.type != "cpu" or config.patch_voxels[0] > _NARROW_VOXELS
    with torch.autocast(device.type, dtype=torch.bfloat16, enabled=is_half):
        features, own = network.trunk(patches.hu.to(device))
        context = own if network.context_per_window else network.context_of(patches.overviews.to(device))
        logits = network.heads(features, context, organs)
    loss = partial_loss(logits, patches.labels.to(device), patches.weights.to(device))
    state.optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    norm = torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
    if not bool(torch.isfinite(norm)):
        return math.nan
    state.optimizer.step()
    _move_average(
        state.average, network.state_dict(), min(config.average_decay, (state.step + 1) / (state.step + 10))
    )
    return float(loss.detach())


@torch.no_grad()
def _move_average(average: dict[str, Tensor], now: dict[str, Tensor], decay: float) -> None:
    for key, value in now.items():
        if value.is_floating_point():
            average[key].lerp_(value, 1 - decay)
        else:
            average[key].copy_(value)


def _run_key(
    network: Network, cases: Sequence[PreparedCase], maps: Sequence[AnatomyMap], config: FullConfig
) -> str:
    """Name the run by all that its result depends on, so that no other run's checkpoint is taken up."""
    parts = [tensors_sha256(network.state_dict()), json.dumps(asdict(config)), network.spec.to_json()]
    parts += [case.key for case in cases] + [one.sha256 for one in maps]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
