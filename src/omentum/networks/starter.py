"""Define the network that comes with the package: a small residual U-Net that runs on a laptop's CPU.

Normalisation uses stored statistics, so a voxel's features depend on its surroundings, not on the window.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from omentum.networks.heads import OrganHeads
from omentum.networks.multiscale import join_levels
from omentum.networks.network import FEATURES, Network, NetworkSpec, register

__all__ = ["OVERVIEW_VOXELS", "StarterNetwork", "overview"]

CHANNELS = (16, 32, 64, 128, 160)
CONTEXT_CHANNELS = 32
_WIDE_LEVELS = 3
"""Adapters read the decoder at full size, half and a quarter."""
_HEAD_SLOPE = 0.1
_HAS_ONEDNN: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
OVERVIEW_VOXELS = (24, 24, 24)
"""Size of the whole volume for its context."""
_SCANNER_HU = (-1024.0, 3071.0)
"""Range of scanners; other values are padding and metal."""
_WHOLE_VOXELS = 4_000_000
"""Largest volume in one window: 42 cm of body at 3 mm, in about 1.5 GB."""
_INTENSITY_WINDOWS_HU = ((-160.0, 240.0), (-1000.0, 1000.0))
"""Soft tissue, and everything from air to bone; an input channel each."""


def overview(hu: Tensor) -> Tensor:
    """Downsample a whole volume `(batch, 1, x, y, z)` for its context."""
    return F.adaptive_avg_pool3d(hu.clamp(*_SCANNER_HU), OVERVIEW_VOXELS)


@register("starter")
class StarterNetwork(Network):
    """About 3 million parameters; residual U-Net trunk, five levels, a controller an organ."""

    stride = 16
    context_channels = CONTEXT_CHANNELS
    wide_channels = sum(CHANNELS[:_WIDE_LEVELS])
    takes_half = True

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__(spec)
        inputs = len(_INTENSITY_WINDOWS_HU)
        self.down = nn.ModuleList(
            _Residual(before, after, stride=1 if level == 0 else 2)
            for level, (before, after) in enumerate(zip((inputs, *CHANNELS), CHANNELS, strict=False))
        )
        coarse_to_fine = list(zip(CHANNELS[:0:-1], CHANNELS[-2::-1], strict=True))
        self.up = nn.ModuleList(nn.ConvTranspose3d(a, b, 2, stride=2, bias=False) for a, b in coarse_to_fine)
        self.join = nn.ModuleList(_Residual(b, b, stride=1) for _, b in coarse_to_fine)
        self.reduce = nn.Sequential(nn.Conv3d(CHANNELS[0], FEATURES, 1, bias=False), nn.BatchNorm3d(FEATURES))
        self.context = nn.Sequential(
            _Residual(inputs, 16, stride=2),
            _Residual(16, CONTEXT_CHANNELS, stride=2),
            nn.AdaptiveAvgPool3d(1),
        )
        self.organ_heads = OrganHeads(
            spec.organs,
            CONTEXT_CHANNELS,
            slope=_HEAD_SLOPE,
            adapted=spec.adapters,
            wide_channels=self.wide_channels,
        )

    def trunk(self, hu: Tensor) -> tuple[Tensor, Tensor]:
        """See `Network.trunk`; the context is that of the window as if it were the whole volume."""
        levels, context = self.levels(hu)
        return join_levels(levels), context

    def levels(self, hu: Tensor) -> tuple[tuple[Tensor, ...], Tensor]:
        """See `Network.levels`; weights, the reduced features and the context are in float32."""
        with self._in_its_numbers(hu.device):
            skipped = [_intensities(hu)]
            for block in self.down:
                skipped.append(block(skipped[-1]))
            made = [skipped.pop()]
            for up, join in zip(self.up, self.join, strict=True):
                made.append(join(up(made[-1]) + skipped.pop()))
        reduced = self.reduce(made[-1].to(hu.dtype))
        wide = made[: -_WIDE_LEVELS - 1 : -1] if self.spec.adapters else []
        return (reduced, *wide), self.context_of(hu)

    def context_of(self, hu: Tensor) -> Tensor:
        """See `Network.context_of`; also takes the result of `overview`."""
        context: Tensor = self.context(_intensities(overview(hu)))
        return context.flatten(start_dim=1)

    def _in_its_numbers(self, device: torch.device) -> AbstractContextManager[object]:
        if self.dtype == torch.float32:
            return nullcontext()  # training sets its own precision
        return torch.autocast(device.type, dtype=self.dtype)

    def window_for(self, shape: Sequence[int]) -> tuple[int, int, int]:
        """Take the whole volume as one window if memory allows; features do not depend on the window."""
        x, y, z = (-(-side // self.stride) * self.stride for side in shape)
        return (x, y, z) if x * y * z <= _WHOLE_VOXELS else self.spec.window_voxels


class _Convolution(nn.Conv3d):
    """A convolution without bias, by oneDNN for a single map on a CPU, which is faster."""

    def forward(self, x: Tensor) -> Tensor:
        """Compute it in the same way for maps of all sizes."""
        is_exact = x.dtype == torch.float32 and not torch.is_autocast_enabled(x.device.type)
        if len(x) > 1 or x.device.type != "cpu" or not is_exact or torch.is_grad_enabled() or not _HAS_ONEDNN:
            return super().forward(x)
        padding = [side // 2 for side in self.kernel_size]
        made: Tensor = torch.mkldnn_convolution(x, self.weight, None, padding, self.stride, [1, 1, 1], 1)
        return made


class _Residual(nn.Module):
    """Two 3 x 3 x 3 convolutions beside a short cut."""

    def __init__(self, before: int, after: int, *, stride: int) -> None:
        super().__init__()
        self.first = _Convolution(before, after, 3, stride=stride, padding=1, bias=False)
        self.first_norm = nn.BatchNorm3d(after)
        self.second = _Convolution(after, after, 3, padding=1, bias=False)
        self.second_norm = nn.BatchNorm3d(after)
        self.short_cut: nn.Module = nn.Identity()
        if before != after or stride != 1:
            self.short_cut = _Convolution(before, after, 1, stride=stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.first_norm(self.first(x)).relu_()
        total: Tensor = self.second_norm(self.second(hidden)) + self.short_cut(x)
        return total.relu_()


def _intensities(hu: Tensor) -> Tensor:
    """Show each intensity window as a channel from -1 to 1."""
    channels = [
        (hu.clamp(low, high) - (low + high) / 2) / ((high - low) / 2) for low, high in _INTENSITY_WINDOWS_HU
    ]
    return torch.cat(channels, dim=1)
