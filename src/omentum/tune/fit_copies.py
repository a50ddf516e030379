"""Train several copies of one organ's head at a time, each on patients and with a pull of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from omentum.errors import TuneError
from omentum.networks.network import FEATURES
from omentum.tune.adamw import AdamW
from omentum.tune.head_batches import HeadBatch
from omentum.tune.losses import organ_losses
from omentum.tune.schedule import rate_at
from omentum.tune.stacked_heads import StackedHeads

__all__ = ["Batches", "CopyWeights", "Fit", "fit_copies"]

_SMOOTH_VOXELS = 16.0


class Batches(Protocol):
    """Draws what copies see at a step."""

    def draw(self, step: int) -> HeadBatch:
        """Draw the batch of one step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """How copies learn, the same for all of them.

    Attributes:
        steps: Of AdamW.
        learning_rate: Its peak, from which it falls as a cosine.
        gain_noise: Standard deviation of the logarithm of a random gain of each channel of a group of voxels;
            scanners and bodies differ so.
        drop_share: Share of the wide channels that are left out at a step.
    """

    steps: int = 150
    learning_rate: float = 5e-3
    gain_noise: float = 0.1
    drop_share: float = 0.05


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CopyWeights:
    """What tells copies apart, and cases.

    Attributes:
        counts: What each case counts for each copy, `(copy, case)`; 0 leaves it out.
        pulls: Strength of each copy's pull towards its parent, `(copy,)`.
        soft: Cases that teach by the parent's probabilities and not by their labels, `(case,)`, bool.
    """

    counts: Tensor
    pulls: Tensor
    soft: Tensor


def fit_copies(
    copies: StackedHeads,
    learn: Sequence[str],
    batches: Batches,
    weights: CopyWeights,
    fit: Fit,
    *,
    seed: int,
) -> None:
    """Train copies, in place.

    The loss of each is that of `partial_loss`, plus its pull times the squared distance of its tensors from
    where it began, by the number of patients that count for it: what one patient says is worth little.

    Args:
        copies: That start as their parent.
        learn: Names of the tensors that learn.
        batches: Of the samples of all cases.
        weights: Of cases and pulls, copy by copy.
        fit: How.
        seed: Of the noise.

    Raises:
        TuneError: The loss is not finite.
    """
    begun = {name: copies.values[name].clone() for name in learn}
    parent = copies.taken([0]) if bool(weights.soft.any()) else None
    trained = [copies.values[name].requires_grad_(True) for name in learn]
    optimizer = AdamW(trained)
    noise = torch.Generator().manual_seed(seed)
    pull = weights.pulls / weights.counts.sum(1).clamp_min(1.0)
    for step in range(fit.steps):
        batch = batches.draw(step).to(copies.device)
        features = _varied(batch.features, fit, noise)
        logits = copies.logits(features, batch.contexts).transpose(0, 1)
        counts = weights.counts[:, batch.members].T
        soft = weights.soft[batch.members]
        stands_for = batch.stands_for.expand_as(logits)
        labels = batch.labels.expand_as(logits)
        losses, _ = organ_losses(logits, labels, counts * ~soft[:, None], stands_for)
        if parent is not None and bool(soft.any()):
            losses = losses + _drift(logits[soft], _said(parent, batch)[soft], stands_for[soft], counts[soft])
        away = torch.stack(
            [((copies.values[name] - begun[name]) ** 2).flatten(1).sum(1) for name in learn]
        ).sum(0)
        total = (losses + pull * away).sum()
        if not torch.isfinite(total):
            raise TuneError(f"the loss became {float(total.detach())} at step {step}; nothing was written")
        optimizer.step(torch.autograd.grad(total, trained), fit.learning_rate * rate_at(step, fit.steps))
    for value in trained:
        value.requires_grad_(False)


@torch.no_grad()
def _said(parent: StackedHeads, batch: HeadBatch) -> Tensor:
    """Give the parent's probabilities, `(group, 1, voxel)`."""
    return parent.logits(batch.features, batch.contexts)[0].sigmoid()[:, None]


def _drift(logits: Tensor, said: Tensor, stands_for: Tensor, counts: Tensor) -> Tensor:
    """Compute what copies lose of the parent's probabilities, by the parent's volume of the organ; `(copy,)`.

    Kullback-Leibler divergence, without the Dice loss: that is least where probabilities are 0 or 1.
    """
    said = said.clamp(1e-4, 1 - 1e-4).expand_as(logits)
    entropy = F.binary_cross_entropy(said, said, reduction="none")
    lost = F.binary_cross_entropy_with_logits(logits, said, reduction="none") - entropy
    volume = (said * stands_for).sum((0, 2)).clamp_min(_SMOOTH_VOXELS)
    return (lost * stands_for * counts[..., None]).sum((0, 2)) / volume


def _varied(features: Tensor, fit: Fit, noise: torch.Generator) -> Tensor:
    """Multiply channels by random gains, each group of voxels by its own, and leave some wide ones out."""
    n_groups, channels, _ = features.shape
    gains = torch.exp(fit.gain_noise * torch.randn(n_groups, channels, 1, generator=noise))
    kept = (torch.rand(channels, 1, generator=noise) >= fit.drop_share).float() / (1.0 - fit.drop_share)
    kept[:FEATURES] = 1.0
    return features * (gains * kept).to(features.device)
