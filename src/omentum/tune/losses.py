"""Cross-entropy and Dice losses for each organ by itself; unknown organs are left out."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["organ_losses", "partial_loss"]

_SMOOTH_VOXELS = 16.0
_LEAST_SHARE = 0.1
_MOST_BOOST = 20.0
"""Voxels inside an organ count, in the cross-entropy, as at least a tenth of all, up to 20 times as much
as they are: without it the heads of small organs learn to say no everywhere, within a hundred steps."""


def partial_loss(
    logits: Tensor,
    labels: Tensor,
    weights: Tensor,
    voxel_weights: Tensor | None = None,
    *,
    over_all: Callable[[Tensor], Tensor] | None = None,
) -> Tensor:
    """Compute the mean over known organs of binary cross-entropy plus soft Dice loss.

    Both are over the whole batch: an organ that is in one patch only is judged by its false voxels in the
    others too. An organ in none of them has no Dice loss.

    Args:
        logits: `(batch, organ, ...)`.
        labels: 0 or 1, the same shape.
        weights: What each label counts, `(batch, organ)`; 0 leaves an organ out.
        voxel_weights: How many voxels each one stands for, the shape of `logits`, where they are a sample.
        over_all: Adds up a tensor over the devices that have a part of the batch each; see `together.summed`.

    Returns:
        A scalar; 0 if nothing is known.
    """
    losses, counted = organ_losses(logits, labels, weights, voxel_weights, over_all=over_all)
    mean: Tensor = (losses * counted).sum() / counted.sum().clamp_min(1e-6)
    return mean


def organ_losses(
    logits: Tensor,
    labels: Tensor,
    weights: Tensor,
    voxel_weights: Tensor | None = None,
    *,
    over_all: Callable[[Tensor], Tensor] | None = None,
) -> tuple[Tensor, Tensor]:
    """Compute the loss of each organ by itself; arguments as `partial_loss`, labels may lie between 0 and 1.

    Returns:
        Losses, `(organ,)`, and the sum of the weights of its labels, `(organ,)`.
    """
    shown, truth = logits.float().flatten(2), labels.float().flatten(2)
    stands_for = weights[:, :, None].expand_as(shown)
    if voxel_weights is not None:
        stands_for = stands_for * voxel_weights.flatten(2)
    over = (0, 2)
    probability, inside = shown.sigmoid(), truth * stands_for
    entropy = F.binary_cross_entropy_with_logits(shown, truth, reduction="none")
    parts = (stands_for, inside, probability * inside, probability * stands_for)
    sums = torch.stack([part.sum(over) for part in (*parts, entropy * stands_for, entropy * inside)])
    counted = weights.to(sums.dtype).sum(0)
    if over_all is not None:
        *_, counted = sums = over_all(torch.cat([sums, counted[None]]))
    in_all, n_inside, both, said, entropy_all, entropy_inside = sums[:6]
    in_all = in_all.clamp_min(1e-6)
    dice_loss = 1 - (2 * both + _SMOOTH_VOXELS) / (said + n_inside + _SMOOTH_VOXELS)
    boost = (_LEAST_SHARE * in_all / n_inside.clamp_min(1e-6)).clamp(1.0, _MOST_BOOST)
    entropy_mean = (entropy_all + (boost - 1) * entropy_inside) / in_all
    return entropy_mean + torch.where(n_inside > 0, dice_loss, 0.0), counted
