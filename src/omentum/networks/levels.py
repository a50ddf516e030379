"""How do the parts of what a trunk made come onto one grid? Everywhere, or at a few voxels alone.

In:  features, each on a grid of its own: the reduced ones at full size, what adapters read often coarser.
Out: all channels one after another, coarse ones interpolated linearly; the same either way, but for rounding.
"""

from collections.abc import Sequence
from itertools import product

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["joined", "joined_at"]

_CHANNELS_AT_ONCE = 8


def joined(levels: Sequence[Tensor]) -> Tensor:
    """Give all features of all voxels.

    Args:
        levels: The first at full size, `(batch, channel, x, y, z)`; others likewise or coarser.

    Returns:
        `(batch, channel, x, y, z)`, in the numbers of the first.
    """
    if len(levels) == 1:
        return levels[0]
    first = levels[0]
    batch, _, *sides = first.shape
    shape = (batch, sum(one.shape[1] for one in levels), *sides)
    features, start = torch.empty(shape, dtype=first.dtype, device=first.device), 0
    for level in levels:
        for part in torch.split(level, _CHANNELS_AT_ONCE, dim=1):  # hardly anything is held twice
            own = part.to(first.dtype).contiguous()  # channels first, as they are read; turned while small
            fine = own if list(own.shape[2:]) == sides else F.interpolate(own, sides, mode="trilinear")
            features[:, start : start + part.shape[1]] = fine
            start += part.shape[1]
    return features


def joined_at(levels: Sequence[Tensor], places: Tensor) -> Tensor:
    """Give all features of a few voxels, without those of any other.

    Args:
        levels: As for `joined`, of one volume.
        places: Of the voxels at full size, `(voxel, axis)`, whole numbers.

    Returns:
        `(channel, voxel)`, float32.
    """
    sides = levels[0].shape[2:]
    return torch.cat([_at(level, places, sides) for level in levels], dim=1).T


def _at(level: Tensor, places: Tensor, sides: Sequence[int]) -> Tensor:
    """Interpolate between the eight voxels around each place, as `F.interpolate` does; `(voxel, channel)`."""
    rows = level[0].movedim(0, -1).flatten(end_dim=2)
    own_sides = level.shape[2:]
    if list(own_sides) == list(sides):
        return rows.index_select(0, _flat(places.unbind(1), sides)).float()
    corners = []
    for axis, (own, side) in enumerate(zip(own_sides, sides, strict=True)):
        exact = ((places[:, axis] + 0.5) * (own / side) - 0.5).clamp_min(0)
        low = exact.long()
        share = exact - low
        corners.append(((low, 1 - share), ((low + 1).clamp_max(own - 1), share)))
    total = torch.zeros(len(places), rows.shape[1], device=rows.device)
    for corner in product(*corners):
        (x, a), (y, b), (z, c) = corner
        total.addcmul_(rows.index_select(0, _flat((x, y, z), own_sides)).float(), (a * b * c)[:, None])
    return total


def _flat(places: Sequence[Tensor], sides: Sequence[int]) -> Tensor:
    x, y, z = places
    return (x * sides[1] + y) * sides[2] + z
