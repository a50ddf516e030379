"""Join features of several resolutions on one grid, for all voxels or for a few."""

from collections.abc import Sequence
from itertools import product

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["crop_planes", "join_levels", "join_levels_at"]

_CHANNELS_AT_ONCE = 16


def join_levels(levels: Sequence[Tensor]) -> Tensor:
    """Join the channels of all levels at full size; coarse ones are interpolated linearly.

    Args:
        levels: The first at full size, `(batch, channel, x, y, z)`; others of that size or coarser.

    Returns:
        `(batch, channel, x, y, z)`, with the first level's type and memory format.
    """
    if len(levels) == 1:
        return levels[0]
    first = levels[0]
    batch, _, *sides = first.shape
    shape = (batch, sum(one.shape[1] for one in levels), *sides)
    lying = torch.channels_last_3d if first.stride(1) == 1 else torch.contiguous_format
    features, start = torch.empty(shape, dtype=first.dtype, device=first.device, memory_format=lying), 0
    for level in levels:
        for part in torch.split(level, _CHANNELS_AT_ONCE, dim=1):  # hardly anything is held twice
            own = part.to(first.dtype).contiguous(memory_format=lying)
            fine = own if list(own.shape[2:]) == sides else F.interpolate(own, sides, mode="trilinear")
            features[:, start : start + part.shape[1]] = fine
            start += part.shape[1]
    return features


def crop_planes(levels: Sequence[Tensor], planes: slice) -> list[Tensor]:
    """Crop levels to planes (full size, along z), so that `join_levels` gives those planes of the whole."""
    return [_cut(level, planes, levels[0].shape[4]) for level in levels]


def join_levels_at(levels: Sequence[Tensor], places: Tensor) -> Tensor:
    """Join the channels of all levels at a few voxels only; but for rounding, the same as `join_levels`.

    Args:
        levels: As for `join_levels`, of one volume.
        places: Voxel indices at full size, `(voxel, axis)`.

    Returns:
        `(channel, voxel)`, float32.
    """
    sides = levels[0].shape[2:]
    return torch.cat([_at(level, places, sides) for level in levels], dim=1).T


def _cut(level: Tensor, planes: slice, n_planes: int) -> Tensor:
    n_own = level.shape[4]
    if n_own == n_planes:
        return level[..., planes]
    wanted = torch.arange(n_planes, device=level.device)[planes]
    low, high, share = _between(wanted, n_own, n_planes)
    below, above = level.index_select(4, low), level.index_select(4, high)
    return torch.lerp(below, above, share.to(level.dtype))


def _between(wanted: Tensor, n_own: int, n_full: int) -> tuple[Tensor, Tensor, Tensor]:
    """Give the two neighbours on a coarse axis of each place on the full one, and the share of the second."""
    exact = ((wanted + 0.5) * (n_own / n_full) - 0.5).clamp_min(0)
    low = exact.long()
    return low, (low + 1).clamp_max(n_own - 1), exact - low


def _at(level: Tensor, places: Tensor, sides: Sequence[int]) -> Tensor:
    """Interpolate between the eight voxels around each place, as `F.interpolate` does; `(voxel, channel)`."""
    own_sides = level.shape[2:]
    if list(own_sides) == list(sides):
        x, y, z = places.unbind(1)
        return level[0, :, x, y, z].T.float()
    rows, corners = level[0].movedim(0, -1).flatten(end_dim=2), []
    for axis, (own, side) in enumerate(zip(own_sides, sides, strict=True)):
        low, high, share = _between(places[:, axis], own, side)
        corners.append(((low, 1 - share), (high, share)))
    total = torch.zeros(len(places), rows.shape[1], device=rows.device)
    for corner in product(*corners):
        (x, a), (y, b), (z, c) = corner
        flat = (x * own_sides[1] + y) * own_sides[2] + z
        total.addcmul_(rows.index_select(0, flat).float(), (a * b * c)[:, None])
    return total
