"""Build the published Swin UNETR from MONAI's parts, with the patch merging of MONAI 0.9."""

import torch
from torch import Tensor, nn

from omentum.networks.network import NetworkSpec, register
from omentum.networks.universal import UniversalNetwork

__all__ = ["UniversalSwinUNETR"]

WIDTH = 48
_MERGED = ((0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 0, 1), (0, 1, 0), (0, 0, 1), (1, 1, 1))
"""The neighbours that are joined, in this order: two of eight twice, and two never."""


@register("universal-swinunetr")
class UniversalSwinUNETR(UniversalNetwork):
    """62 million parameters in the trunk; the published `swinunetr.pth`."""

    stride = 32

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__(spec, _Backbone(), deep_channels=16 * WIDTH, full_channels=WIDTH)


class _Backbone(nn.Module):
    """MONAI's network without its last convolution.

    Source:
        Hatamizadeh et al. 2022, arXiv:2201.01266; MONAI's `SwinUNETR`.
    """

    def __init__(self) -> None:
        from monai.networks.nets.swin_unetr import SwinUNETR

        super().__init__()
        whole = SwinUNETR(in_channels=1, out_channels=1, feature_size=WIDTH, downsample=_Merging)
        self.swinViT = whole.swinViT
        self.encoder1, self.encoder2 = whole.encoder1, whole.encoder2
        self.encoder3, self.encoder4 = whole.encoder3, whole.encoder4
        self.encoder10, self.decoder5 = whole.encoder10, whole.decoder5
        self.decoder4, self.decoder3 = whole.decoder4, whole.decoder3
        self.decoder2, self.decoder1 = whole.decoder2, whole.decoder1
        for part in self.swinViT.modules():
            if hasattr(part, "relative_position_index"):
                # It follows from the window's size: no weight, so no file of ours holds it.
                part.register_buffer(
                    "relative_position_index", part.relative_position_index, persistent=False
                )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        half, quarter, eighth, sixteenth, coarsest = self.swinViT(x, normalize=True)
        deep = self.encoder10(coarsest)
        fine = self.decoder5(deep, sixteenth)
        fine = self.decoder4(fine, self.encoder4(eighth))
        fine = self.decoder3(fine, self.encoder3(quarter))
        fine = self.decoder2(fine, self.encoder2(half))
        return deep, self.decoder1(fine, self.encoder1(x))


class _Merging(nn.Module):
    """Patch merging of MONAI 0.9, with the fault that 1.5 mended (pull 8285): the weights need it."""

    def __init__(self, dim: int, norm_layer: type[nn.LayerNorm], spatial_dims: int) -> None:
        super().__init__()
        del spatial_dims  # MONAI says it to every merging; ours is always 3
        self.reduction = nn.Linear(8 * dim, 2 * dim, bias=False)
        self.norm = norm_layer(8 * dim)

    def forward(self, x: Tensor) -> Tensor:
        joined = torch.cat([x[:, i::2, j::2, k::2] for i, j, k in _MERGED], dim=-1)
        reduced: Tensor = self.reduction(self.norm(joined))
        return reduced
