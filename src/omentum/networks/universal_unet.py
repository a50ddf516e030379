"""Build the published U-Net."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from omentum.networks.network import NetworkSpec, register
from omentum.networks.universal import UniversalNetwork

__all__ = ["UniversalUNet"]

WIDTH = 64


@register("universal-unet")
class UniversalUNet(UniversalNetwork):
    """19 million parameters in the trunk; the published `unet.pth`.

    Args:
        spec: What it is for.
        width: Channels at full size, a multiple of 16, from which all others follow; of files, the published.
    """

    stride = 8

    def __init__(self, spec: NetworkSpec, width: int = WIDTH) -> None:
        super().__init__(spec, _Backbone(width), deep_channels=8 * width, full_channels=width)


class _Backbone(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.down_tr64 = _Pair(1, width // 2, width)
        self.down_tr128 = _Pair(width, width, 2 * width)
        self.down_tr256 = _Pair(2 * width, 2 * width, 4 * width)
        self.down_tr512 = _Pair(4 * width, 4 * width, 8 * width)
        self.up_tr256 = _Up(8 * width, 4 * width)
        self.up_tr128 = _Up(4 * width, 2 * width)
        self.up_tr64 = _Up(2 * width, width)
        self.halve = nn.MaxPool3d(2)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        first = self.down_tr64(x)
        second = self.down_tr128(self.halve(first))
        third = self.down_tr256(self.halve(second))
        deep = self.down_tr512(self.halve(third))
        fine = self.up_tr128(self.up_tr256(deep, third), second)
        return deep, self.up_tr64(fine, first)


class _Pair(nn.Module):
    def __init__(self, before: int, between: int, after: int) -> None:
        super().__init__()
        self.ops = nn.Sequential(_Unit(before, between), _Unit(between, after))

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.ops(x)
        return made


class _Up(nn.Module):
    """Upsample by two, then concatenate the skip connection."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.up_conv = nn.ConvTranspose3d(before, before, 2, stride=2)
        self.ops = nn.Sequential(_Unit(before + after, after), _Unit(after, after))

    def forward(self, x: Tensor, kept: Tensor) -> Tensor:
        made: Tensor = self.ops(torch.cat((self.up_conv(x), kept), dim=1))
        return made


class _Unit(nn.Module):
    """A convolution and the published "batch norm".

    That one always used the statistics of a batch of one window, when predicting too: an instance norm.
    """

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv3d(before, after, 3, padding=1)
        self.bn1 = nn.InstanceNorm3d(after, affine=True)

    def forward(self, x: Tensor) -> Tensor:
        made = self.conv1(x)
        if len(x) == 1 and made.dtype != torch.float32:
            # The same, and several times faster where channels come last. Of float32 values it takes the sums
            # in float32 there, one voxel after another, and is off by more than half precision would be.
            weight, bias = self.bn1.weight, self.bn1.bias
            return F.batch_norm(made, None, None, weight, bias, training=True, eps=self.bn1.eps).relu_()
        normal: Tensor = self.bn1(made)
        return normal.relu_()
