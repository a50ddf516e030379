"""How does a network see a volume larger than it can take at once? Through overlapping windows.

In:  a function from windows to maps, and a volume.
Out: one map of the whole volume: the Gaussian-weighted mean of what the windows say. Windows that
     hold nothing to see are skipped.
"""

from collections.abc import Callable, Sequence
from itertools import product

import torch
from torch import Tensor
from torch.nn import functional as F

from omentum.errors import ConfigError

__all__ = ["slide", "window_starts"]

SIGMA = 1 / 8
"""Width of the Gaussian, as a share of the window's side; as published."""
_LEAST_WEIGHT = 1e-3
"""Weight in the corners of a window; as published."""
_ROUNDING = 1e-9


def window_starts(side: int, window: int, overlap: float) -> list[int]:
    """Place windows along an axis: evenly, from border to border, with at least the overlap asked for.

    Raises:
        ConfigError: `overlap` is not in [0, 1).

    Example:
        >>> window_starts(200, 96, 0.5)
        [0, 35, 69, 104]
        >>> window_starts(80, 96, 0.5)
        [0]
    """
    if not 0 <= overlap < 1:
        raise ConfigError("overlap", overlap, "it must be at least 0 and under 1")
    room = max(0, side - window)
    step = max(1, int(window * (1 - overlap) + _ROUNDING))
    n_windows = -(-room // step) + 1
    return [round(room * k / max(1, n_windows - 1)) for k in range(n_windows)]


def slide(
    function: Callable[[Tensor], Tensor],
    volume: Tensor,
    *,
    window_voxels: Sequence[int],
    overlap: float,
    visible: Tensor | None = None,
    multiple: int = 1,
) -> tuple[Tensor, Tensor]:
    """Run a function over a volume, window by window.

    Args:
        function: From `(1, 1, x, y, z)` of the window's size to `(1, channel, x, y, z)`.
        volume: `(1, 1, x, y, z)`, on the device to compute on. Where it is smaller than the window it is
            padded with its least value, and so up to a multiple.
        window_voxels: Size of a window.
        overlap: Least share of a window that the next one repeats, in [0, 1).
        visible: Mask `(x, y, z)` of what is worth looking at; windows with nothing of it are skipped.
        multiple: Windows start at multiples of this, which their sides are too: a network that halves the
            volume four times says the same of a voxel in two windows only if both lie on one grid of 16.

    Returns:
        The map `(1, channel, x, y, z)` in float32, and the mask `(x, y, z)` of voxels that any window saw.

    Raises:
        ConfigError: The overlap is out of range.
    """
    sides = volume.shape[2:]
    whole = [-(-side // multiple) * multiple for side in sides]
    padded = _padded(volume, [max(one, w) for one, w in zip(whole, window_voxels, strict=True)])
    weights = _gaussian(window_voxels).to(volume.device)
    total: Tensor | None = None
    weight = torch.zeros(padded.shape[2:], device=volume.device)
    axes = [
        window_starts(side // multiple, window // multiple, overlap)
        for side, window in zip(padded.shape[2:], window_voxels, strict=True)
    ]
    for start in product(*axes):
        lows = [multiple * low for low in start]
        x, y, z = (slice(low, low + size) for low, size in zip(lows, window_voxels, strict=True))
        if visible is not None and not bool(visible[x, y, z].any()):
            continue
        made = function(padded[:, :, x, y, z]).float()
        if total is None:
            total = torch.zeros((1, made.shape[1], *padded.shape[2:]), device=volume.device)
        total[:, :, x, y, z] += made * weights
        weight[x, y, z] += weights
    if total is None:
        raise ConfigError("visible", "empty", "there must be a body in the CT; check its Hounsfield units")
    total /= weight.clamp_min(torch.finfo(weight.dtype).tiny)
    x, y, z = (slice(0, side) for side in sides)
    return total[:, :, x, y, z], weight[x, y, z] > 0


def _padded(volume: Tensor, sides: Sequence[int]) -> Tensor:
    lacking = [wanted - side for side, wanted in zip(volume.shape[2:], sides, strict=True)]
    if not any(lacking):
        return volume
    behind = [amount for lack in reversed(lacking) for amount in (0, lack)]
    return F.pad(volume, behind, value=float(volume.min()))


def _gaussian(window_voxels: Sequence[int]) -> Tensor:
    """Weights of a window `(x, y, z)`, 1 in its middle and nowhere 0."""
    x, y, z = (
        torch.exp(-0.5 * ((torch.arange(side) - (side - 1) / 2) / (SIGMA * side)) ** 2)
        for side in window_voxels
    )
    return (x[:, None, None] * y[None, :, None] * z[None, None, :]).clamp_min(_LEAST_WEIGHT)
