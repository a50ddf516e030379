"""Compute loss and batch normalisation over all devices, so that training equals that on one device.

Gradients flow through: their mean over the devices is the gradient of the whole batch.
"""

from typing import Any

import torch
from torch import Tensor, distributed, nn

__all__ = ["normalised_together", "summed"]


class _Summed(torch.autograd.Function):
    """Both ways the same: each device's part has to do with what every device makes of the sum."""

    @staticmethod
    def forward(_context: Any, value: Tensor) -> Tensor:
        return _added_up(value)

    @staticmethod
    def backward(_context: Any, *gradients: Tensor) -> Tensor:
        return _added_up(gradients[0])


def summed(value: Tensor) -> Tensor:
    """Add up a tensor over all devices; each gets the sum."""
    total: Tensor = _Summed.apply(value)  # type: ignore[no-untyped-call]
    return total


def _added_up(value: Tensor) -> Tensor:
    total = value.clone(memory_format=torch.contiguous_format)
    distributed.all_reduce(total)
    return total


def normalised_together(network: nn.Module) -> None:
    """Let each batch norm take the mean and variance over all devices' patches, from now on.

    PyTorch's own `SyncBatchNorm` knows GPUs only.
    """
    for part in network.modules():
        if isinstance(part, nn.BatchNorm3d):
            part.__class__ = _NormTogether


class _NormTogether(nn.BatchNorm3d):
    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return super().forward(x)
        values, over, along = x.float(), (0, 2, 3, 4), (slice(None), None, None, None)
        n_own = torch.full_like(self.weight, values.numel() // values.shape[1])
        total, count = summed(torch.stack([values.sum(over), n_own]))
        mean = total / count
        apart = values - mean[along]
        variance = summed(apart.square().sum(over)) / count
        self._remember(mean.detach(), (variance * count / (count - 1)).detach())
        scale = self.weight / (variance + self.eps).sqrt()
        made: Tensor = apart * scale[along] + self.bias[along]
        return made.to(x.dtype)

    @torch.no_grad()
    def _remember(self, mean: Tensor, variance: Tensor) -> None:
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        assert self.momentum is not None
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance, self.momentum)
        self.num_batches_tracked += 1
