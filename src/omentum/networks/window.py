"""Run a function over a volume in overlapping windows (sliding window).

The result comes in slabs from bottom to top, so memory does not grow with the length of the scan.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, product

import torch
from torch import Tensor
from torch.nn import functional as F

from omentum.errors import ConfigError

__all__ = ["Laid", "Windows", "laid", "slide", "window_starts", "window_weights"]

SIGMA = 1 / 8
"""Width of the Gaussian, as a share of the window's side; as published."""
_LEAST_WEIGHT = 1e-3
"""Weight in the corners of a window; as published."""
_ROUNDING = 1e-9


def window_starts(side: int, window: int, overlap: float, *, evenly: bool = False) -> list[int]:
    """Place windows along an axis: in equal steps, and the last at the border; as MONAI does.

    Args:
        side: Length of the axis.
        window: Length of a window.
        overlap: Least share of a window that the next one repeats.
        evenly: Spread as many windows from border to border instead, with rounding alone between steps.

    Raises:
        ConfigError: `overlap` is not in [0, 1).

    Example:
        >>> window_starts(200, 96, 0.5)
        [0, 48, 96, 104]
        >>> window_starts(200, 96, 0.5, evenly=True)
        [0, 35, 69, 104]
        >>> window_starts(80, 96, 0.5)
        [0]
    """
    if not 0 <= overlap < 1:
        raise ConfigError("overlap", overlap, "it must be at least 0 and under 1")
    room = max(0, side - window)
    step = max(1, int(window * (1 - overlap) + _ROUNDING))
    starts = [*range(0, room, step), room]
    last = len(starts) - 1
    return [round(room * k / max(1, last)) for k in range(last + 1)] if evenly else starts


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """How a volume is seen.

    Attributes:
        voxels: Size of a window, `(x, y, z)`.
        overlap: Least share of a window that the next one repeats, in [0, 1).
        multiple: Windows start at multiples of this, which their sides are too: a network that halves the
            volume four times says the same of a voxel in two windows only if both lie on one grid of 16.
        evenly: They are spread from border to border, see `window_starts`; else two of them may end close to
            each other, and where both err none has most of the weight.
        padding: Value to pad with; the least of the volume where not said.
        sums: Numbers in which windows are added up, and in which maps are given.
    """

    voxels: Sequence[int]
    overlap: float
    multiple: int = 1
    evenly: bool = False
    padding: float | None = None
    sums: torch.dtype = torch.float32


def slide(
    function: Callable[[Tensor], Tensor], volume: Tensor, windows: Windows, *, visible: Tensor | None = None
) -> Iterator[tuple[slice, Tensor, Tensor]]:
    """Run a function over a volume, window by window.

    Args:
        function: From `(1, 1, x, y, z)` of the window's size to `(1, channel, x, y, z)`.
        volume: `(1, 1, x, y, z)`, on the device to compute on. Where it is smaller than the window it is
            padded on both sides alike, and before that behind up to a multiple.
        windows: Their size and places.
        visible: Mask `(x, y, z)` of what is worth looking at; windows with nothing of it are skipped.

    Yields:
        For one slab after another that any window saw: its place along z, the map `(1, channel, x, y, slab)`,
        and the mask `(x, y, slab)` of voxels that any window saw. A map is overwritten by the next one's
        work, so that only the last one may be kept as it is.

    Raises:
        ConfigError: The overlap is out of range, or nothing is visible.
    """
    sides = volume.shape[2:]
    before, ends = _room(sides, windows)
    padded = _padded(volume, before, ends, windows.padding)
    if visible is not None:
        visible = _padded(visible[None, None], before, ends, 0)[0, 0]
    x, y = (slice(low, low + side) for low, side in zip(before[:2], sides[:2], strict=True))
    starts = [_starts(end, side, windows) for end, side in zip(ends, windows.voxels, strict=True)]
    if all(len(one) == 1 for one in starts) and (visible is None or bool(visible.any())):
        # What one window sees needs no mean, nor the memory for sums.
        inner = (x, y, slice(before[2], before[2] + sides[2]))
        made = function(padded)[:, :, *inner]
        yield slice(0, sides[2]), made, torch.ones_like(made[0, 0], dtype=torch.bool)
        return
    found = False
    for low, high, sums in _added(function, padded, windows, visible):
        found = True
        first, last = max(low, before[2]), min(high, before[2] + sides[2])
        mean, seen = sums.mean((x, y, slice(first - low, last - low)))
        yield slice(first - before[2], last - before[2]), mean, seen
    if not found:
        raise _nothing()


@dataclass(frozen=True, slots=True, eq=False)
class Laid:
    """Windows that lie over a volume.

    Attributes:
        padded: The volume with what was added around it, `(1, 1, x, y, z)`.
        before: Voxels that were added before it along each axis.
        boxes: Place of each window in `padded`, in the order in which `slide` takes them.
    """

    padded: Tensor
    before: tuple[int, int, int]
    boxes: tuple[tuple[slice, slice, slice], ...]


def laid(volume: Tensor, windows: Windows, *, visible: Tensor | None = None) -> Laid:
    """Tell which windows `slide` looks through, without looking; arguments and errors as there."""
    before, ends = _room(volume.shape[2:], windows)
    padded = _padded(volume, before, ends, windows.padding)
    starts = [_starts(end, side, windows) for end, side in zip(ends, windows.voxels, strict=True)]
    boxes = [_box(corner, z, windows) for z in starts[2] for corner in product(*starts[:2])]
    if visible is not None:
        shown = _padded(visible[None, None], before, ends, 0)[0, 0]
        boxes = [box for box in boxes if bool(shown[box].any())]
    if not boxes:
        raise _nothing()
    x, y, z = before
    return Laid(padded, (x, y, z), tuple(boxes))


def window_weights(window_voxels: Sequence[int]) -> Tensor:
    """Give what each voxel of a window counts where windows overlap: 1 in its middle and nowhere 0."""
    x, y, z = (
        torch.exp(-0.5 * ((torch.arange(side) - (side - 1) / 2) / (SIGMA * side)) ** 2)
        for side in window_voxels
    )
    return (x[:, None, None] * y[None, :, None] * z[None, None, :]).clamp_min(_LEAST_WEIGHT)


def _room(sides: Sequence[int], windows: Windows) -> tuple[list[int], list[int]]:
    """Tell how much is added before a volume, and how long it is with all that is added."""
    whole = [-(-side // windows.multiple) * windows.multiple for side in sides]
    lacking = [max(0, window - side) for side, window in zip(whole, windows.voxels, strict=True)]
    return [lack // 2 for lack in lacking], [side + lack for side, lack in zip(whole, lacking, strict=True)]


def _box(corner: Sequence[int], low: int, windows: Windows) -> tuple[slice, slice, slice]:
    x, y, z = (slice(start, start + side) for start, side in zip((*corner, low), windows.voxels, strict=True))
    return x, y, z


def _nothing() -> ConfigError:
    return ConfigError("visible", "empty", "there must be a body in the CT; check its Hounsfield units")


def _added(
    function: Callable[[Tensor], Tensor], padded: Tensor, windows: Windows, visible: Tensor | None
) -> Iterator[tuple[int, int, "_Sums"]]:
    """Add up windows, and give the planes `low` to `high` as soon as no later window reaches them.

    What is given is as thick as a window; its first `high - low` planes count. Those that no window has
    reached are left out.
    """
    x, y, z = (
        _starts(end, side, windows) for end, side in zip(padded.shape[2:], windows.voxels, strict=True)
    )
    sums = _Sums(padded, windows)
    for low, high in pairwise([*z, z[-1] + windows.voxels[2]]):
        for corner in product(x, y):
            box = _box(corner, low, windows)
            if visible is None or bool(visible[box].any()):
                sums.add(box[:2], function(padded[:, :, *box]))
        if sums.reach(high - low):
            yield low, high, sums
        if low != z[-1]:
            sums.move_down(high - low)


def _starts(end: int, side: int, windows: Windows) -> list[int]:
    one = windows.multiple
    return [
        one * low for low in window_starts(end // one, side // one, windows.overlap, evenly=windows.evenly)
    ]


class _Sums:
    """Weighted sums of windows over a part of a volume that is as thick as a window."""

    def __init__(self, padded: Tensor, windows: Windows) -> None:
        self._windows = windows
        self._gaussian = window_weights(windows.voxels).to(padded.device)
        self._total: Tensor | None = None
        self._weight = torch.zeros((*padded.shape[2:4], windows.voxels[2]), device=padded.device)

    def add(self, place: tuple[slice, ...], made: Tensor) -> None:
        """Add what a function made of a window that is at `place` in x and y."""
        if self._total is None:
            shape = (1, made.shape[1], *self._weight.shape)
            self._total = torch.zeros(shape, dtype=self._windows.sums, device=made.device)
        self._total[:, :, *place] += made * self._gaussian
        self._weight[place] += self._gaussian

    def reach(self, n_planes: int) -> bool:
        """Tell whether any window reached the first planes."""
        return bool(self._weight[..., :n_planes].any())

    def mean(self, box: tuple[slice, slice, slice]) -> tuple[Tensor, Tensor]:
        """Divide the sums in a box by their weights, in place; give them, and where any window was."""
        assert self._total is not None
        weight, mean = self._weight[box], self._total[:, :, *box]
        mean /= weight.clamp_min(torch.finfo(weight.dtype).tiny)
        return mean, weight > 0

    def move_down(self, n_planes: int) -> None:
        """Drop the first planes and make room for as many at the end."""
        _move_down(self._weight, n_planes)
        for channel in () if self._total is None else self._total[0]:  # one at a time, as each needs a copy
            _move_down(channel, n_planes)


def _move_down(planes: Tensor, n_planes: int) -> None:
    stay = planes.shape[-1] - n_planes
    planes[..., :stay] = planes[..., n_planes:].clone()
    planes[..., stay:] = 0


def _padded(volume: Tensor, before: Sequence[int], ends: Sequence[int], value: float | None) -> Tensor:
    sides = volume.shape[2:]
    if list(sides) == list(ends):
        return volume
    pads = [(low, end - side - low) for low, end, side in zip(before, ends, sides, strict=True)]
    fill = float(volume.min()) if value is None else value
    return F.pad(volume, [amount for pair in reversed(pads) for amount in pair], value=fill)
