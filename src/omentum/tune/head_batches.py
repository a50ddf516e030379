"""Choose the samples that a head sees at a step, by the seed and the step alone.

Samples lie in random order, so that a run of neighbours is a random draw and one piece of the disk.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Self

import numpy as np
import torch
from torch import Tensor

from omentum.tune.samples import OrganSamples

__all__ = ["VOXELS_A_STEP", "HeadBatch", "HeadBatches"]

VOXELS_A_STEP = 1 << 14
_FEW_GROUPS, _MANY_GROUPS = 8, 64
"""Cases seen at a step; or windows, which differ less within than from one to the next."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HeadBatch:
    """What a head sees at one step.

    Attributes:
        features: `(group, channel, voxel)`, float32.
        contexts: `(group, channel)`.
        labels: 0 or 1, `(group, 1, voxel)`, bool.
        stands_for: How many voxels each one stands for, `(group, 1, voxel)`.
        members: Which of the samples each group is of, `(group,)`.
    """

    features: Tensor
    contexts: Tensor
    labels: Tensor
    stands_for: Tensor
    members: Tensor

    def to(self, device: torch.device) -> Self:
        """Give the batch on a device."""
        moved = {field.name: getattr(self, field.name).to(device) for field in fields(self)}
        return type(self)(**moved)


class HeadBatches:
    """Draws batches of one organ's samples.

    Args:
        samples: Of that organ, from one or more cases and copies.
        weights: What the label of each of them counts; a case is drawn with a chance proportional to it.
        seed: Of the draw.
        n_voxels: How many a step.
    """

    def __init__(
        self,
        samples: Sequence[OrganSamples],
        weights: Sequence[float],
        seed: int,
        *,
        n_voxels: int = VOXELS_A_STEP,
    ) -> None:
        self._samples, self._seed, self._n_voxels = samples, seed, n_voxels
        self._n_groups = _MANY_GROUPS if any(len(one.contexts) > 1 for one in samples) else _FEW_GROUPS
        groups, chances = [], []
        for number, (one, weight) in enumerate(zip(samples, weights, strict=True)):
            starts = one.starts.tolist()
            for group, (low, high) in enumerate(pairwise(starts)):
                groups.append((number, group, low, high))
                chances.append(weight * (high - low) / starts[-1])
        self._groups = groups
        self._chance = np.array(chances) / sum(chances)

    def draw(self, step: int) -> HeadBatch:
        """Draw the batch of one step."""
        rng = np.random.default_rng([self._seed, step])
        n_voxels = self._n_voxels // self._n_groups
        channels = len(self._samples[0].features)
        features = torch.empty(self._n_groups, channels, n_voxels)
        labels = torch.empty(self._n_groups, 1, n_voxels, dtype=torch.bool)
        stands_for = torch.empty(self._n_groups, 1, n_voxels)
        contexts, members = [], []
        for place, drawn in enumerate(rng.choice(len(self._groups), self._n_groups, p=self._chance)):
            number, group, low, high = self._groups[drawn]
            one, start, filled = self._samples[number], int(rng.integers(low, high)), 0
            while filled < n_voxels:  # a small group is gone through again
                n_taken = min(high - start, n_voxels - filled)
                to, run = slice(filled, filled + n_taken), slice(start, start + n_taken)
                features[place, :, to] = one.features[:, run]
                labels[place, 0, to] = one.labels[run]
                stands_for[place, 0, to] = one.stands_for[run]
                filled, start = filled + n_taken, low
            contexts.append(one.contexts[group])
            members.append(number)
        return HeadBatch(
            features=features,
            contexts=torch.stack(contexts),
            labels=labels,
            stands_for=stands_for,
            members=torch.tensor(members),
        )
