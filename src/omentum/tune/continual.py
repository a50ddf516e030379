"""Tune the heads of revised organs on cached features; every other tensor stays equal to the last bit."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import repeat

import torch

from omentum.errors import TuneError
from omentum.networks.network import Network
from omentum.runners.runner import Progress
from omentum.tune.adamw import AdamW
from omentum.tune.config import ADAPTERS, ContinualConfig
from omentum.tune.head_batches import HeadBatches
from omentum.tune.losses import partial_loss
from omentum.tune.samples import OrganSamples
from omentum.tune.schedule import rate_at

__all__ = ["one_thread_each", "tune_heads"]

After = Callable[[int, Network], bool]


def tune_heads(
    network: Network,
    samples: Sequence[OrganSamples],
    weights: Mapping[tuple[str, str], float],
    config: ContinualConfig,
    progress: Progress | None = None,
    after: After | None = None,
) -> Network:
    """Tune heads side by side, in place; each as if it were alone.

    Args:
        network: Its trunk stays frozen, as do the heads of organs without samples. Where adapters are to be
            trained it has them already, see `add_adapters`.
        samples: Of each organ to tune, from revised and replayed cases.
        weights: What the label of an organ in a case counts, by `(organ, case_id)`.
        config: How.
        progress: Told of the steps of all heads, with the loss of the last.
        after: Called after each step of all heads with the number of steps done and the network; ends the
            tuning where it says so.

    Returns:
        The network in evaluation mode.

    Raises:
        TuneError: There are no samples, or the loss is not finite; heads are then as they last were good.
    """
    if not samples:
        raise TuneError("no organ has a revision to tune on; import one with `omentum review import FOLDER`")
    network.eval().requires_grad_(False)
    organs = sorted({sample.organ for sample in samples})
    heads: list[_Head] = []
    for name in organs:
        own = [sample for sample in samples if sample.organ == name]
        counted = [weights[name, sample.case_id] for sample in own]
        heads.append(_Head(network, name, HeadBatches(own, counted, config.seed), config))
    try:
        with ThreadPoolExecutor(torch.get_num_threads()) as pool:
            for step in range(config.steps):
                with one_thread_each():
                    losses = list(pool.map(_Head.learn, heads, repeat(step)))
                for number, loss in enumerate(losses, start=step * len(heads) + 1):
                    if progress is not None:
                        progress("tune heads", number, config.steps * len(heads), f"loss {loss:.3f}")
                if after is not None and after(step + 1, network):
                    break
        for head in heads:
            head.settle()
    finally:
        network.requires_grad_(False)
    return network.eval()


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Let heads learn side by side, each in one thread: a step is too short for several to share."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class _Head:
    """One organ's head while it learns."""

    def __init__(self, network: Network, name: str, batches: HeadBatches, config: ContinualConfig) -> None:
        self._network, self._name, self._batches, self._config = network, name, batches, config
        parts = {"controllers", "adapters"} if config.trainable == ADAPTERS else {"controllers"}
        self._trained = [
            value
            for key, value in network.organ_heads.named_parameters()
            if key.split(".")[0] in parts and key.split(".")[1] == name
        ]
        for parameter in self._trained:
            parameter.requires_grad_(True)
        self._optimizer = AdamW(self._trained)
        self._good = [parameter.detach().clone() for parameter in self._trained]
        self._average = [value.clone() for value in self._good]

    def learn(self, step: int) -> float:
        """Take one step, and give the loss before it."""
        loss = self._loss(step)
        value = float(loss.detach())
        if not torch.isfinite(loss):
            self._take(self._good)
            cure = f"lower learning_rate from {self._config.learning_rate:g}; nothing was written"
            raise TuneError(f"the loss of {self._name} became {value} at step {step}; {cure}")
        self._good = [parameter.detach().clone() for parameter in self._trained]
        rate = self._config.learning_rate * rate_at(step, self._config.steps)
        self._optimizer.step(torch.autograd.grad(loss, self._trained), rate)
        if self._config.average_decay:
            # At first the running mean is that of few steps, not of where they began.
            decay = min(self._config.average_decay, (step + 1) / (step + 10))
            for mean, parameter in zip(self._average, self._trained, strict=True):
                mean.lerp_(parameter.detach(), 1 - decay)
        return value

    def settle(self) -> None:
        """Take the running mean of the weights, if that is what is kept."""
        if self._config.average_decay:
            self._take(self._average)

    def _take(self, values: Sequence[torch.Tensor]) -> None:
        with torch.no_grad():
            for parameter, value in zip(self._trained, values, strict=True):
                parameter.copy_(value)

    def _loss(self, step: int) -> torch.Tensor:
        device = self._trained[0].device
        batch = self._batches.draw(step)
        logits = self._network.heads(batch.features.to(device), batch.contexts.to(device), [self._name])
        counted = torch.ones(len(batch.contexts), 1, device=device)
        return partial_loss(logits, batch.labels.to(device), counted, batch.stands_for.to(device))
