"""Decorrelate the wide features while adapters learn, so that few steps suffice.

Channels of a decoder are correlated and lie on different scales; what tells an organ's borders is often in
the small differences between them, which gradient descent reaches last. Adapters learn on features of unit
covariance, and their first layer is turned back afterwards, so that predicting is as before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor

from omentum.networks.network import FEATURES
from omentum.tune.head_batches import HeadBatch, HeadBatches
from omentum.tune.samples import OrganSamples

__all__ = ["WhitenedBatches", "Whitening"]

_VOXELS_A_CASE = 4_000
_LEAST_VARIANCE = 0.01
"""Directions of less than this share of the mean variance are not stretched further: they are noise."""


@dataclass(frozen=True, slots=True, eq=False)
class Whitening:
    """An affine map of the wide features, and back.

    Attributes:
        mean: `(channel, 1)`.
        matrix: Turns centred features into uncorrelated ones, `(channel, channel)`.
        inverse: Its inverse.
    """

    mean: Tensor
    matrix: Tensor
    inverse: Tensor

    @classmethod
    def of(cls, samples: Sequence[OrganSamples], device: torch.device) -> Self:
        """Measure the wide features of samples; labels play no part.

        Args:
            samples: With the channels that adapters read.
            device: Where the map is used.
        """
        rows = [one.features[FEATURES:, :: max(1, len(one.labels) // _VOXELS_A_CASE)] for one in samples]
        wide = torch.cat([row.float() for row in rows], dim=1)
        variances, directions = torch.linalg.eigh(torch.cov(wide).double())
        least = (_LEAST_VARIANCE * variances.mean()).clamp_min(1e-12)
        deviations = variances.clamp_min(least).sqrt()
        matrix = (directions / deviations) @ directions.T
        inverse = (directions * deviations) @ directions.T
        mean = wide.mean(dim=1, keepdim=True)
        return cls(mean.to(device), matrix.float().to(device), inverse.float().to(device))

    def __call__(self, features: Tensor) -> Tensor:
        """Whiten the wide channels of `(group, channel, voxel)`."""
        return torch.cat([features[:, :FEATURES], self.matrix @ (features[:, FEATURES:] - self.mean)], dim=1)

    def to_whitened(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Turn an adapter that reads features as they are into the same one that reads whitened ones."""
        return _turned(tensors, self.inverse, self.mean)

    def from_whitened(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Turn an adapter that reads whitened features into the same one that reads them as they are."""
        return _turned(tensors, self.matrix, -self.matrix @ self.mean)


class WhitenedBatches:
    """Batches whose wide features are whitened.

    Args:
        batches: As they are.
        whitening: The map; its device has to be that of the copies that learn.
    """

    def __init__(self, batches: HeadBatches, whitening: Whitening) -> None:
        self._batches, self._whitening = batches, whitening

    def draw(self, step: int) -> HeadBatch:
        """Draw the batch of one step."""
        batch = self._batches.draw(step).to(self._whitening.mean.device)
        return replace(batch, features=self._whitening(batch.features))


def _turned(tensors: Mapping[str, Tensor], matrix: Tensor, shift: Tensor) -> dict[str, Tensor]:
    """Let the first layer read `x` where it read `matrix x + shift`; leading axes may be copies."""
    made = dict(tensors)
    for name, weight in tensors.items():
        if name.endswith(".down.weight"):
            bias = name.replace(".weight", ".bias")
            made[name] = (weight[..., 0] @ matrix)[..., None]
            made[bias] = tensors[bias] + (weight[..., 0] @ shift)[..., 0]
    return made
