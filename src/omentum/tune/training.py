"""Train all weights on one device, alone or as one of several.

The weights are the same whether or not the run was interrupted, and on each device.
"""

import math
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import torch
from torch import distributed

from omentum.errors import OmentumError, TuneError
from omentum.networks.network import Network
from omentum.networks.weights import tensors_sha256
from omentum.tune.activation_checkpointing import recomputed
from omentum.tune.case_buffer import CasePool
from omentum.tune.checkpoint import TrainingState, load_checkpoint, save_checkpoint
from omentum.tune.config import FullConfig
from omentum.tune.full_training import FullRun, Outcome, Watch, taught_organs
from omentum.tune.learner import Learner, fresh_state
from omentum.tune.patches import Patches, draw
from omentum.tune.sync_batchnorm import normalised_together

if TYPE_CHECKING:
    from lightning_fabric import Fabric

__all__ = ["run_steps"]


def run_steps(run: FullRun, fabric: "Fabric", key: str, watch: Watch | None = None) -> Outcome:
    """Train on this device, with all others that Fabric knows of; they end with the same weights.

    Args:
        run: What it is given; its network is trained in place, and left in evaluation mode.
        fabric: Launched, where there are several devices.
        key: Names the run, so that no other run's checkpoint is taken up.
        watch: Told after each step; on the first device only.

    Raises:
        TuneError: No label of any organ is there to learn from, or the loss is not finite.
    """
    network, config, organs = run.network, run.config, taught_organs(run)
    fabric.to_device(network)
    network.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
    if fabric.world_size > 1:
        normalised_together(network)
    with _frozen(network, organs):
        state = fresh_state(network, config)
        load_checkpoint(run.checkpoint_path, state, key)
        learner = Learner(state, fabric, organs, config)
        pool = CasePool(run.cases, run.maps, organs, network.spec.spacing_mm, config)
        batches = _drawn_ahead(pool, organs, config, range(state.step, config.steps), fabric.global_rank)
        with closing(pool), closing(batches), recomputed(network, config.recompute):
            while state.step < config.steps and not state.stop_state.is_enough(config.patience):
                loss = learner.step(next(batches))
                _check(loss, state, run)
                looked = _look(run, state, fabric)
                if fabric.is_global_zero:
                    if looked or state.step % config.checkpoint_every == 0:
                        save_checkpoint(run.checkpoint_path, state, key)
                    if watch is not None:
                        watch(learner.report(loss))
    network.load_state_dict(state.stop_state.weights or state.average)
    network.eval()
    stop_state = state.stop_state
    return Outcome(
        steps=state.step,
        best_dice=stop_state.best,
        best_step=None if stop_state.best is None else stop_state.best_step,
        precision=str(fabric.strategy.precision.precision),
        weights_sha256=_of_each(fabric, tensors_sha256(network.state_dict())),
    )


def _of_each(fabric: "Fabric", text: str) -> tuple[str, ...]:
    """Gather a text from every device."""
    if fabric.world_size == 1:
        return (text,)
    texts: list[str] = [""] * fabric.world_size
    distributed.all_gather_object(texts, text)
    return tuple(texts)


def _drawn_ahead(
    pool: CasePool, organs: Sequence[str], config: FullConfig, steps: range, rank: int
) -> Generator[Patches]:
    """Draw one batch after another; the next one while the last is learned from."""
    with ThreadPoolExecutor(1) as thread:
        following = [thread.submit(draw, pool, organs, step, config, rank) for step in steps[:1]]
        for step in [*steps[1:], None]:
            patches = following.pop().result()
            if step is not None:
                following.append(thread.submit(draw, pool, organs, step, config, rank))
            yield patches


def _check(loss: float, state: TrainingState, run: FullRun) -> None:
    if not math.isfinite(loss):
        path = run.checkpoint_path
        kept = f"the last good checkpoint is kept, {path}" if path.is_file() else "no checkpoint was due yet"
        raise TuneError(f"the loss became {loss} at step {state.step}; lower learning_rate; {kept}")


@contextmanager
def _frozen(network: Network, organs: Sequence[str]) -> Iterator[None]:
    """Set aside the heads of organs without labels, so that not even weight decay touches them."""
    others = set(network.spec.organs) - set(organs)
    named = network.named_parameters()
    frozen = [value for key, value in named if any(f".{name}." in key for name in others)]
    for parameter in frozen:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in frozen:
            parameter.requires_grad_(True)


def _look(run: FullRun, state: TrainingState, fabric: "Fabric") -> bool:
    """Measure the mean weights where it is time to; on the first device, while the others wait."""
    every, is_last = run.config.validate_every, state.step == run.config.steps
    if run.validate is None or not every or (state.step % every and not is_last):
        return False
    said: float | str = ""
    if fabric.is_global_zero:
        network = state.network
        learning = {name: value.clone() for name, value in network.state_dict().items()}
        network.load_state_dict(state.average)
        try:
            with torch.no_grad():
                said = float(run.validate(network.eval()))
        except OmentumError as error:
            said = str(error)
        network.load_state_dict(learning)
    said = fabric.broadcast(said)
    if isinstance(said, str):
        raise TuneError(f"held-out patients cannot be looked at: {said}")
    state.stop_state.note(said, state.step, state.average)
    return True
