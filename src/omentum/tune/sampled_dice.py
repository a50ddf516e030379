"""Estimate the Dice that a head reaches in a whole volume from the voxels sampled there."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

from omentum.tune.samples import OrganSamples
from omentum.tune.stacked_heads import StackedHeads

__all__ = ["logits_at_samples", "mean_by_patient", "sampled_dice"]

_VOXELS_AT_ONCE = 1 << 13


@torch.inference_mode()
def logits_at_samples(copies: StackedHeads, samples: OrganSamples) -> Tensor:
    """Compute what each copy says at the samples of a case; `(copy, voxel)`, on the CPU."""
    device = copies.device
    made = torch.empty(copies.n_copies, len(samples.labels))
    starts = samples.starts.tolist()
    for group, (first, last) in enumerate(pairwise(starts)):
        context = samples.contexts[group : group + 1].to(device)
        for low in range(first, last, _VOXELS_AT_ONCE):
            part = slice(low, min(low + _VOXELS_AT_ONCE, last))
            features = samples.features[None, :, part].to(device).float()
            made[:, part] = copies.logits(features, context)[:, 0].cpu()
    return made


def sampled_dice(logits: Tensor, samples: OrganSamples) -> list[float]:
    """Estimate the Dice of each of several masks of one case over the whole volume.

    Each sample stands for as many voxels as its kind has for each one drawn, so the volumes that the mask
    shares with the label and has beside it are estimated without bias, false voxels far from the organ
    included. The organ's own volume is known, as all that is inside is a kind of its own.

    Args:
        logits: `(mask, voxel)`; above 0 is the organ.
        samples: Of one organ in one case.

    Returns:
        One value in [0, 1] a mask. Where the label is empty: 1.0 if the mask is too, else 0.0.

    Example:
        >>> samples = OrganSamples(
        ...     organ="liver", case_id="a", features=torch.zeros(8, 4), contexts=torch.zeros(1, 32),
        ...     starts=torch.tensor([0, 4]), labels=torch.tensor([True, True, False, False]),
        ...     stands_for=torch.tensor([1.0, 1.0, 1.0, 5.0]))
        >>> sampled_dice(torch.tensor([[1.0, 1.0, 1.0, -1.0], [1.0, 1.0, -1.0, 1.0]]), samples)
        [0.8, 0.4444444444444444]
    """
    said = (logits > 0).double() * samples.stands_for.double()
    inside = samples.labels.double()
    true_voxels = float((samples.stands_for.double() * inside).sum())
    shared = said @ inside
    total = said.sum(1) + true_voxels
    return [_dice(*pair) for pair in zip(shared.tolist(), total.tolist(), strict=True)]


def _dice(shared: float, total: float) -> float:
    return 2.0 * shared / total if total else 1.0


def mean_by_patient(values: Sequence[float], patients: Sequence[str]) -> dict[str, float]:
    """Average the values of each patient's cases, as several CTs of one are not independent.

    Example:
        >>> mean_by_patient([0.5, 1.0, 0.0], ["a", "a", "b"])
        {'a': 0.75, 'b': 0.0}
    """
    own: dict[str, list[float]] = {}
    for value, patient in zip(values, patients, strict=True):
        own.setdefault(patient, []).append(value)
    return {patient: sum(found) / len(found) for patient, found in own.items()}
