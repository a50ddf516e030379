"""Take a step of AdamW, equal to the bit to `torch.optim.AdamW`.

That class loads PyTorch's compiler, which takes longer than a head learns.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.optim.adamw import adamw

__all__ = ["AdamW"]

_BETAS = (0.9, 0.999)
_EPSILON = 1e-8


class AdamW:
    """Fused AdamW without weight decay.

    Args:
        parameters: Floating-point, all on one device.

    Source:
        Loshchilov and Hutter 2019, arXiv:1711.05101 (decoupled weight decay).
    """

    def __init__(self, parameters: Sequence[Tensor]) -> None:
        self._parameters = list(parameters)
        self._means = [torch.zeros_like(one, requires_grad=False) for one in parameters]
        self._squares = [torch.zeros_like(one, requires_grad=False) for one in parameters]
        self._steps = [torch.zeros((), device=one.device) for one in parameters]

    @torch.no_grad()
    def step(self, gradients: Sequence[Tensor], rate: float) -> None:
        """Change the parameters, by the gradient of each and this step's learning rate."""
        adamw(
            self._parameters,
            list(gradients),
            self._means,
            self._squares,
            [],
            self._steps,
            fused=True,
            amsgrad=False,
            beta1=_BETAS[0],
            beta2=_BETAS[1],
            lr=rate,
            weight_decay=0.0,
            eps=_EPSILON,
            maximize=False,
        )
