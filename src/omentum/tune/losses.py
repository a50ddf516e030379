"""How wrong is a prediction? Cross-entropy and Dice for each organ by itself, unknown organs left out.

In:  logits, labels, and what each label counts.
Out: one number to make small.
"""

from torch import Tensor
from torch.nn import functional as F

__all__ = ["partial_loss"]

_SMOOTH_VOXELS = 16.0


def partial_loss(
    logits: Tensor, labels: Tensor, weights: Tensor, voxel_weights: Tensor | None = None
) -> Tensor:
    """Compute the mean over known organs of binary cross-entropy plus soft Dice loss.

    Args:
        logits: `(batch, organ, ...)`.
        labels: 0 or 1, the same shape.
        weights: What each label counts, `(batch, organ)`; 0 leaves an organ out.
        voxel_weights: How many voxels each one stands for, the shape of `logits`, where they are a sample.

    Returns:
        A scalar; 0 if nothing is known.
    """
    shown, truth = logits.float().flatten(2), labels.float().flatten(2)
    stands_for = shown.new_ones(()) if voxel_weights is None else voxel_weights.flatten(2)
    probability = shown.sigmoid()
    both = (probability * truth * stands_for).sum(2)
    total = ((probability + truth) * stands_for).sum(2)
    dice_loss = 1 - (2 * both + _SMOOTH_VOXELS) / (total + _SMOOTH_VOXELS)
    entropy = F.binary_cross_entropy_with_logits(shown, truth, reduction="none") * stands_for
    entropy_mean = entropy.sum(2) / (stands_for.expand_as(shown).sum(2)).clamp_min(1.0)
    per_organ = (entropy_mean + dice_loss) * weights
    return per_organ.sum() / weights.sum().clamp_min(1e-6)
