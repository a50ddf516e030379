"""Hold several copies of one organ's head and adapter in stacked tensors, so that they learn side by side.

Copies see the same voxels at a step and differ in the patients that count for them and in their settings. One
product serves all, which is several times faster than one after another.
"""

import threading
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from omentum.networks.heads import Adapter, apply_heads
from omentum.networks.network import FEATURES, Network

__all__ = ["StackedHeads", "has_adapter", "starting_tensors"]

_HEAD = "organ_heads.controllers.{}."
_ADAPTER = "organ_heads.adapters.{}."
_DRAWING = threading.Lock()
"""Random numbers of new adapters come from PyTorch's own stream, which all threads share."""


def has_adapter(organ_name: str, tensors: Mapping[str, Tensor]) -> bool:
    """Tell whether tensors, by full name, include an adapter of the organ."""
    return any(name.startswith(_ADAPTER.format(organ_name)) for name in tensors)


def starting_tensors(
    network: Network, organ_name: str, *, adapted: bool, seed: int
) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """Give the tensors of an organ from which a fit begins, and which of them learn.

    Args:
        network: The parent.
        organ_name: One that it has a head for.
        adapted: Whether an adapter learns too; one that is initially zero, where the organ has none.
        seed: Of a new adapter.

    Returns:
        Tensors by their full names, with an adapter's where it has one or is to have one, and the names of
        those that learn.
    """
    tensors = {name: value.detach().float() for name, value in network.head_tensors(organ_name).items()}
    prefix = _ADAPTER.format(organ_name)
    if adapted and organ_name not in network.spec.adapters:
        with _DRAWING, torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            fresh = Adapter(network.wide_channels)
        device = next(network.parameters()).device
        tensors |= {f"{prefix}{name}": value.to(device) for name, value in fresh.state_dict().items()}
    learn = tuple(name for name in tensors if adapted or not name.startswith(prefix))
    return tensors, learn


class StackedHeads:
    """Copies of one organ's tensors, the first axis of each of which is the copy.

    Args:
        organ_name: The organ.
        tensors: As of `starting_tensors`, by full name; every copy starts from them.
        n_copies: How many.
        slope: Of the heads' rectifier below 0.
    """

    def __init__(
        self, organ_name: str, tensors: Mapping[str, Tensor], n_copies: int, *, slope: float
    ) -> None:
        self._organ, self._slope, self.n_copies = organ_name, slope, n_copies
        self.values = {name: value.expand(n_copies, *value.shape).clone() for name, value in tensors.items()}

    @property
    def device(self) -> torch.device:
        """Where the tensors are."""
        return next(iter(self.values.values())).device

    @property
    def is_adapted(self) -> bool:
        """Whether there is an adapter."""
        return has_adapter(self._organ, self.values)

    def taken(self, copies: Sequence[int]) -> "StackedHeads":
        """Give a stack of some of the copies, as they are now."""
        made = StackedHeads(self._organ, {}, len(copies), slope=self._slope)
        made.values = {name: value[list(copies)].detach().clone() for name, value in self.values.items()}
        return made

    def between(self, begun: Mapping[str, Tensor], share: float) -> "StackedHeads":
        """Give copies whose tensors lie at a share of the way from where they began; 1 is where they are."""
        made = self.taken(range(self.n_copies))
        for name, value in made.values.items():
            value.copy_(torch.lerp(begun[name].expand_as(value), value, share))
        return made

    def copied(self, copy: int) -> dict[str, Tensor]:
        """Give one copy's tensors, by full name."""
        return {name: value[copy].detach().clone() for name, value in self.values.items()}

    def logits(self, features: Tensor, contexts: Tensor) -> Tensor:
        """Compute what each copy says.

        Args:
            features: `(group, channel, voxel)`; at least the 8 reduced ones, all with an adapter.
            contexts: `(group, channel)`.

        Returns:
            `(copy, group, voxel)`.
        """
        n_groups, _, n_voxels = features.shape
        seen = features[:, :FEATURES].expand(self.n_copies, -1, -1, -1)
        if self.is_adapted:
            seen = seen + self._correction(features[:, FEATURES:])
        numbers = contexts @ self._head("weight").mT + self._head("bias")[:, None]
        flat = seen.reshape(self.n_copies * n_groups, FEATURES, n_voxels)
        made = apply_heads(flat, numbers.reshape(len(flat), 1, -1), slope=self._slope)
        return made.reshape(self.n_copies, n_groups, n_voxels)

    def _head(self, name: str) -> Tensor:
        return self.values[_HEAD.format(self._organ) + name]

    def _adapter(self, name: str) -> Tensor:
        value = self.values[_ADAPTER.format(self._organ) + name]
        return value[..., 0] if name.endswith("weight") else value[..., None]

    def _correction(self, wide: Tensor) -> Tensor:
        """Compute what adapters add, `(copy, group, 8, voxel)`; the same as `Adapter.forward`."""
        n_groups, channels, n_voxels = wide.shape
        flat = wide.transpose(0, 1).reshape(channels, n_groups * n_voxels)
        down = self._adapter("down.weight")
        n_hidden = down.shape[1]
        rows = down.flatten(end_dim=1) @ flat
        hidden = F.relu(rows.reshape(self.n_copies, n_hidden, -1) + self._adapter("down.bias"))
        mixed = F.relu(torch.baddbmm(self._adapter("mix.bias"), self._adapter("mix.weight"), hidden))
        made = torch.bmm(self._adapter("up.weight"), hidden + mixed)
        return made.reshape(self.n_copies, FEATURES, n_groups, n_voxels).transpose(1, 2)
