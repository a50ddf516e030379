"""Take one step of training: forward, loss, clipped gradient, running mean of the weights."""

import math
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from omentum.networks.network import Network
from omentum.tune.checkpoint import TrainingState
from omentum.tune.config import FullConfig
from omentum.tune.full_training import StepReport
from omentum.tune.losses import partial_loss
from omentum.tune.patches import Patches
from omentum.tune.schedule import rate_at
from omentum.tune.sync_batchnorm import summed

if TYPE_CHECKING:
    from lightning_fabric import Fabric

__all__ = ["Learner", "fresh_state"]

_SMOOTHING = 0.9


def fresh_state(network: Network, config: FullConfig) -> TrainingState:
    """Give the state before the first step; what is frozen by then stays as it is."""
    heads: list[nn.Parameter] = []
    trunk: list[nn.Parameter] = []
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            (heads if name.startswith("organ_heads.") else trunk).append(parameter)
    groups = [{"params": trunk, "factor": 1.0}, {"params": heads, "factor": config.heads_rate}]
    optimizer = torch.optim.AdamW(groups, lr=config.learning_rate, weight_decay=config.weight_decay)
    average = {key: value.detach().clone() for key, value in network.state_dict().items()}
    return TrainingState(network=network, optimizer=optimizer, average=average)


class _Whole(nn.Module):
    """Trunk and heads in one forward, which is what several devices can train together."""

    def __init__(self, network: Network, organs: Sequence[str]) -> None:
        super().__init__()
        self.network, self._organs = network, organs

    def forward(self, hu: Tensor, overviews: Tensor) -> Tensor:
        features, own = self.network.trunk(hu)
        context = own if self.network.context_per_window else self.network.context_of(overviews)
        return self.network.heads(features, context, self._organs)


class Learner:
    """Takes one step after another with a state, on the devices of a fabric, to learn some organs."""

    def __init__(
        self, state: TrainingState, fabric: "Fabric", organs: Sequence[str], config: FullConfig
    ) -> None:
        self._state, self._fabric, self._config = state, fabric, config
        whole: Any = _Whole(state.network, organs)
        self._whole, self._optimizer = fabric.setup(whole, state.optimizer)
        self._over_all = summed if fabric.world_size > 1 else None
        self._rate = 0.0
        self._seconds: float | None = None
        self._since = time.perf_counter()

    def step(self, patches: Patches) -> float:
        """Learn from the patches of a step, and give their loss.

        Returns:
            NaN or infinity where the loss or its gradient is not finite; nothing is learned then.
        """
        state, config, device = self._state, self._config, self._fabric.device
        state.network.train()
        self._rate = config.learning_rate * rate_at(state.step, config.steps, config.warm_up_share)
        for group in state.optimizer.param_groups:
            group["lr"] = self._rate * group["factor"]
        logits = self._whole(patches.hu.to(device), patches.overviews.to(device))
        labels, weights = patches.labels.to(device), patches.weights.to(device)
        loss = partial_loss(logits, labels, weights, over_all=self._over_all)
        state.optimizer.zero_grad(set_to_none=True)
        self._fabric.backward(loss)
        norm = nn.utils.clip_grad_norm_(state.network.parameters(), 1.0)
        value = float(loss.detach()) if bool(torch.isfinite(norm)) else math.nan
        if not math.isfinite(value):
            return value
        self._optimizer.step()
        decay = min(config.average_decay, (state.step + 1) / (state.step + 10))
        _move_average(state.average, state.network.state_dict(), decay)
        state.step += 1
        return value

    def report(self, loss: float) -> StepReport:
        """Tell how it goes."""
        now = time.perf_counter()
        took, self._since = now - self._since, now
        before = took if self._seconds is None else self._seconds
        self._seconds = _SMOOTHING * before + (1 - _SMOOTHING) * took
        return StepReport(
            step=self._state.step,
            steps=self._config.steps,
            loss=loss,
            rate=self._rate,
            patches_per_second=self._config.batch_size * self._fabric.world_size / max(self._seconds, 1e-9),
            held_out_dice=self._state.stop_state.last,
        )


@torch.no_grad()
def _move_average(average: dict[str, Tensor], now: dict[str, Tensor], decay: float) -> None:
    for key, value in now.items():
        if value.is_floating_point():
            average[key].lerp_(value, 1 - decay)
        else:
            average[key].copy_(value)
