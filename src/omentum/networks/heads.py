"""Compute logits from features: one small head an organ, all in one batched product.

An organ may have an adapter, which adds to the 8 features what it reads in the wider ones.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from omentum.errors import UnknownOrganError
from omentum.networks.network import FEATURES

__all__ = ["HEAD_NUMBERS", "Adapter", "OrganHeads", "apply_heads", "new_controller"]

_SIZES = (FEATURES * FEATURES, FEATURES * FEATURES, FEATURES, FEATURES, FEATURES, 1)
HEAD_NUMBERS = sum(_SIZES)
"""Numbers of one head: weights of layers 8-8, 8-8, 8-1, then their biases; 153."""
_ADAPTER_WIDTH = 32
_RARE = -3.0
"""Initial bias of a logit: an organ fills a few per cent of the voxels."""


def apply_heads(features: Tensor, numbers: Tensor, *, slope: float = 0.0) -> Tensor:
    """Apply every organ's three-layer head to every voxel.

    Args:
        features: `(batch, 8, voxel)`.
        numbers: `(batch, organ, 153)`: weights first, then biases; row-major, out before in.
        slope: Of the rectifier below 0; the published heads have 0.

    Returns:
        Logits `(batch, organ, voxel)`.

    Source:
        Liu et al. 2023, arXiv:2301.00785 (CLIP-driven universal model), section 3.2. They repeat the
        features for every organ and use grouped convolutions; one product over 8 channels gives the same.
    """
    batch, n_organs, _ = numbers.shape
    w1, w2, w3, b1, b2, b3 = torch.split(numbers, list(_SIZES), dim=-1)
    first = torch.baddbmm(b1.reshape(batch, -1, 1), w1.reshape(batch, -1, FEATURES), features)
    hidden = F.leaky_relu_(first, slope).reshape(batch * n_organs, FEATURES, -1)
    square = w2.reshape(-1, FEATURES, FEATURES)
    hidden = torch.baddbmm(b2.reshape(-1, FEATURES, 1), square, hidden)
    hidden = F.leaky_relu_(hidden, slope)
    logits = torch.baddbmm(b3.reshape(-1, 1, 1), w3.reshape(-1, 1, FEATURES), hidden)
    return logits.reshape(batch, n_organs, -1)


class Adapter(nn.Module):
    """A correction to the reduced features, computed from the wide ones before the reduction; initially 0."""

    def __init__(self, wide_channels: int) -> None:
        super().__init__()
        self.down = nn.Conv1d(wide_channels, _ADAPTER_WIDTH, 1)
        self.mix = nn.Conv1d(_ADAPTER_WIDTH, _ADAPTER_WIDTH, 1)
        self.up = nn.Conv1d(_ADAPTER_WIDTH, FEATURES, 1, bias=False)
        nn.init.zeros_(self.up.weight)

    def forward(self, wide: Tensor) -> Tensor:
        """Turn `(batch, channel, voxel)` into the correction, `(batch, 8, voxel)`."""
        if torch.is_grad_enabled() or wide.device.type != "cpu":
            hidden = self.down(wide).relu_()
            made: Tensor = self.up(hidden + self.mix(hidden).relu_())
            return made
        voxels = wide.transpose(1, 2)  # products of rows take several threads half the time
        rows = _product(self.down, voxels).relu_()
        return _product(self.up, rows + _product(self.mix, rows).relu_()).transpose(1, 2)


def _product(layer: nn.Conv1d, voxels: Tensor) -> Tensor:
    """Apply a convolution of length 1 to `(batch, voxel, channel)`."""
    return F.linear(voxels, layer.weight[..., 0], layer.bias)


class OrganHeads(nn.Module):
    """One controller an organ: a linear map from the context to the numbers of its head.

    Args:
        organs: Names.
        context_channels: Size of the context.
        slope: Of the rectifier below 0. With 0, all units of a small organ's head can die early in training.
        adapted: Organs that have an adapter.
        wide_channels: Of the features before the reduction.
    """

    def __init__(
        self,
        organs: Sequence[str],
        context_channels: int,
        *,
        slope: float = 0.0,
        adapted: Sequence[str] = (),
        wide_channels: int = 0,
    ) -> None:
        super().__init__()
        self.slope = slope
        self.controllers = nn.ModuleDict({name: new_controller(context_channels) for name in organs})
        self.adapters = nn.ModuleDict({name: Adapter(wide_channels) for name in adapted})

    def forward(self, features: Tensor, context: Tensor, organs: Sequence[str]) -> Tensor:
        """Compute logits; see `Network.heads`. Features are those of `Network.trunk`."""
        numbers = torch.stack([self._controller(name)(context) for name in organs], dim=1)
        flat = features.flatten(start_dim=2)
        logits = self._logits(flat, numbers, organs)
        return logits.reshape(features.shape[0], len(organs), *features.shape[2:])

    def _logits(self, features: Tensor, numbers: Tensor, organs: Sequence[str]) -> Tensor:
        # Laid out alike whether any organ has an adapter or none, so that the logits of others round alike.
        reduced, wide = features[:, :FEATURES].contiguous(), features[:, FEATURES:]
        adapted = {name: place for place, name in enumerate(organs) if name in self.adapters}
        own = {
            place: apply_heads(reduced + self.adapters[name](wide), numbers[:, [place]], slope=self.slope)
            for name, place in adapted.items()
        }
        if len(own) == len(organs):
            return torch.cat([own[place] for place in range(len(organs))], dim=1)
        # One product for all, adapted or not: with fewer rows, the others' logits might round differently.
        logits = apply_heads(reduced, numbers, slope=self.slope)
        for place, values in own.items():
            logits[:, [place]] = values
        return logits

    def _controller(self, name: str) -> nn.Module:
        if name not in self.controllers:
            raise UnknownOrganError(name, self.controllers)
        return self.controllers[name]


def new_controller(context_channels: int) -> nn.Linear:
    """Make a controller whose head initially depends little on the context."""
    linear = nn.Linear(context_channels, HEAD_NUMBERS)
    nn.init.normal_(linear.weight, std=0.02)
    weights, biases = sum(_SIZES[:3]), sum(_SIZES[3:])
    with torch.no_grad():
        linear.bias[:weights].normal_(std=(2.0 / FEATURES) ** 0.5)
        linear.bias[weights:] = torch.zeros(biases)
        linear.bias[-1] = _RARE
    return linear
