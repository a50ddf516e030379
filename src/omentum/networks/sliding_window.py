"""Run a function over a volume in overlapping windows (sliding window).

The result comes in slabs from bottom to top, so memory does not grow with the length of the scan.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, product

import torch
from torch import Tensor
from torch.nn import functional as F

from omentum.errors import ConfigError
from omentum.volumes.geometry import Box

__all__ = ["WindowLayout", "Windows", "sliding_window", "window_layout", "window_starts", "window_weights"]

SIGMA = 1 / 8
"""Width of the Gaussian, as a share of the window's side; as published."""
_LEAST_WEIGHT = 1e-3
"""Weight in the corners of a window; as published."""
_ROUNDING = 1e-9


def window_starts(side: int, window: int, overlap: float, *, evenly: bool = False) -> list[int]:
    """Place windows along an axis in equal steps, the last one at the border, as MONAI does.

    Args:
        side: Length of the axis.
        window: Length of a window.
        overlap: Least share of a window that the next one repeats.
        evenly: Spread the same number of windows evenly from border to border instead.

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
    """Size and places of the windows of a volume.

    Attributes:
        voxels: Size of a window, `(x, y, z)`.
        overlap: Least share of a window that the next one repeats, in [0, 1).
        multiple: Windows start at multiples of this, and their sides are multiples too. A network of stride
            16 gives a voxel the same features in two windows only if both lie on one grid of 16.
        evenly: Spread windows from border to border, see `window_starts`.
        padding: Value to pad with; by default the minimum of the volume.
        sums: Type in which windows are summed and maps returned.
        at_once: Most windows that the function is given together; all are of one row along z.
    """

    voxels: Sequence[int]
    overlap: float
    multiple: int = 1
    evenly: bool = False
    padding: float | None = None
    sums: torch.dtype = torch.float32
    at_once: int = 1


def sliding_window(
    function: Callable[[Tensor], Tensor], volume: Tensor, windows: Windows, *, visible: Tensor | None = None
) -> Iterator[tuple[slice, Tensor, Tensor]]:
    """Run a function over a volume, window by window.

    Args:
        function: From `(window, 1, x, y, z)` of the windows' size to `(window, channel, x, y, z)`; each as if
            it were alone.
        volume: `(1, 1, x, y, z)`, on the device to compute on; padded to the multiple, and to the window.
        windows: Their size and places.
        visible: Mask `(x, y, z)`; windows without any voxel of it are skipped.

    Yields:
        For each slab with a window: its place along z, the map `(1, channel, x, y, slab)` (the weighted mean
        over windows), and the mask `(x, y, slab)` of voxels inside a window. The next slab overwrites a map.

    Raises:
        ConfigError: The overlap is out of range, or nothing is visible.
    """
    layout = window_layout(volume, windows, visible=visible)
    x, y, z = layout.inner
    if tuple(layout.padded.shape[2:]) == tuple(windows.voxels):
        # One window needs no mean, and no memory for sums.
        made = function(layout.padded)[:, :, x, y, z]
        yield slice(0, volume.shape[4]), made, torch.ones_like(made[0, 0], dtype=torch.bool)
        return
    for low, high, sums in _added(function, layout, windows):
        first, last = max(low, z.start), min(high, z.stop)
        mean, seen = sums.mean((x, y, slice(first - low, last - low)))
        yield slice(first - z.start, last - z.start), mean, seen


@dataclass(frozen=True, slots=True, eq=False)
class WindowLayout:
    """Windows over a volume.

    Attributes:
        padded: The padded volume, `(1, 1, x, y, z)`.
        inner: Place of the volume in `padded`.
        boxes: Place of each window in `padded`, in the order in which `sliding_window` takes them.
    """

    padded: Tensor
    inner: Box
    boxes: tuple[Box, ...]


def window_layout(volume: Tensor, windows: Windows, *, visible: Tensor | None = None) -> WindowLayout:
    """List the windows that `sliding_window` uses; arguments and errors as there."""
    before, ends = _room(volume.shape[2:], windows)
    padded = _padded(volume, before, ends, windows.padding)
    starts = [_starts(end, side, windows) for end, side in zip(ends, windows.voxels, strict=True)]
    boxes = [_box((x, y, z), windows.voxels) for z in starts[2] for x, y in product(*starts[:2])]
    if visible is not None:
        shown = _padded(visible[None, None], before, ends, 0)[0, 0]
        boxes = [box for box in boxes if bool(shown[box].any())]
    if not boxes:
        rule = "there must be a body in the CT; check its Hounsfield units"
        raise ConfigError("visible", "empty", rule)
    return WindowLayout(padded, _box(before, volume.shape[2:]), tuple(boxes))


def window_weights(window_voxels: Sequence[int]) -> Tensor:
    """Give the Gaussian weight of each voxel of a window: 1 in the middle, and 0 nowhere."""
    x, y, z = (
        torch.exp(-0.5 * ((torch.arange(side) - (side - 1) / 2) / (SIGMA * side)) ** 2)
        for side in window_voxels
    )
    return (x[:, None, None] * y[None, :, None] * z[None, None, :]).clamp_min(_LEAST_WEIGHT)


def _room(sides: Sequence[int], windows: Windows) -> tuple[list[int], list[int]]:
    """Give the padding before a volume, and its sides with all padding."""
    whole = [-(-side // windows.multiple) * windows.multiple for side in sides]
    lacking = [max(0, window - side) for side, window in zip(whole, windows.voxels, strict=True)]
    return [lack // 2 for lack in lacking], [side + lack for side, lack in zip(whole, lacking, strict=True)]


def _box(corner: Sequence[int], sides: Sequence[int]) -> Box:
    x, y, z = (slice(low, low + side) for low, side in zip(corner, sides, strict=True))
    return x, y, z


def _added(
    function: Callable[[Tensor], Tensor], layout: WindowLayout, windows: Windows
) -> Iterator[tuple[int, int, "_Sums"]]:
    """Sum windows, and yield the planes `low` to `high` as soon as no later window reaches them.

    The sums are as thick as a window; their first `high - low` planes count. Planes without a window are
    left out.
    """
    sums = _Sums(layout.padded, windows)
    rows = [list(row) for _, row in groupby(layout.boxes, key=lambda box: box[2])]
    for row, following in zip(rows, [*rows[1:], None], strict=True):
        for start in range(0, len(row), windows.at_once):
            boxes = row[start : start + windows.at_once]
            for box, made in zip(boxes, function(_cut(layout.padded, boxes)), strict=True):
                sums.add(box[:2], made[None])
        low, high = row[0][2].start, row[0][2].stop
        if following is None:
            yield low, high, sums
        else:
            high = min(high, following[0][2].start)
            yield low, high, sums
            sums.move_down(high - low)


def _cut(padded: Tensor, boxes: Sequence[Box]) -> Tensor:
    """Cut windows out, `(window, 1, x, y, z)`; one alone is not copied."""
    cut = [padded[:, :, *box] for box in boxes]
    return cut[0] if len(cut) == 1 else torch.cat(cut)


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
        """Add the output for the window at `place` in x and y."""
        if self._total is None:
            shape = (1, made.shape[1], *self._weight.shape)
            self._total = torch.zeros(shape, dtype=self._windows.sums, device=made.device)
        self._total[:, :, *place] += made * self._gaussian
        self._weight[place] += self._gaussian

    def mean(self, box: Box) -> tuple[Tensor, Tensor]:
        """Divide the sums in a box by their weights, in place; return them and the mask of windows."""
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
