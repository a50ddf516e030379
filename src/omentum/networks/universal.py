"""Define what the two published networks share: all that comes after the backbone."""

import torch
from torch import Tensor, nn

from omentum.errors import ConfigError
from omentum.networks.heads import OrganHeads
from omentum.networks.multiscale import join_levels
from omentum.networks.network import FEATURES, Network, NetworkSpec

__all__ = ["CONTEXT_CHANNELS", "UniversalNetwork", "split_controller"]

CONTEXT_CHANNELS = 256
_INTENSITY_WINDOW_HU = (-175.0, 250.0)
_GROUPS = 16


class UniversalNetwork(Network):
    """Backbone, its two reductions and a controller an organ; parts are named as in the published files.

    Args:
        spec: What it is for.
        backbone: From intensities `(batch, 1, x, y, z)` in [0, 1] to coarse features `(batch, channel, ...)`
            and full-size ones `(batch, channel, x, y, z)`; every item of a batch as if it were alone.
        deep_channels: Channels of the coarse features.
        full_channels: Channels of the full-size features.

    Raises:
        ConfigError: Windows are so small that one coarse voxel is left, which cannot be normalised.

    Source:
        Liu et al. 2023, arXiv:2301.00785 (CLIP-driven universal model), sections 3.2 and 4.
    """

    context_per_window = True
    context_channels = CONTEXT_CHANNELS
    least_hu = _INTENSITY_WINDOW_HU[0]
    takes_half = predicts_in_half = True

    def __init__(
        self, spec: NetworkSpec, backbone: nn.Module, *, deep_channels: int, full_channels: int
    ) -> None:
        super().__init__(spec)
        if all(side <= self.stride for side in spec.window_voxels):
            rule = f"one side at least must be over {self.stride}, the network's stride"
            raise ConfigError("window_voxels", spec.window_voxels, rule)
        self.backbone = backbone
        self.precls_conv = nn.Sequential(
            nn.GroupNorm(_GROUPS, full_channels),
            nn.ReLU(inplace=True),
            nn.Conv3d(full_channels, FEATURES, 1),
        )
        self.GAP = nn.Sequential(
            nn.GroupNorm(_GROUPS, deep_channels),
            nn.ReLU(inplace=True),
            nn.AdaptiveAvgPool3d(1),
            nn.Conv3d(deep_channels, CONTEXT_CHANNELS, 1),
        )
        self.organ_heads = OrganHeads(
            spec.organs, CONTEXT_CHANNELS, adapted=spec.adapters, wide_channels=full_channels
        )
        self.wide_channels = full_channels

    def trunk(self, hu: Tensor) -> tuple[Tensor, Tensor]:
        """See `Network.trunk`; the context is that of the window."""
        low, high = _INTENSITY_WINDOW_HU
        intensities = ((hu - low) / (high - low)).clamp_(0, 1)
        # TensorFloat-32 is off by 1e-3. All windows have one size, so cuDNN's benchmark pays.
        with torch.backends.cudnn.flags(enabled=True, benchmark=True, allow_tf32=False):
            deep, full = self.backbone(intensities.to(next(self.backbone.parameters()).dtype))
        normal, activate, reduce = self.precls_conv
        wide = activate(normal(full.float()))
        levels = (reduce(wide), wide) if self.spec.adapters else (reduce(wide),)
        return join_levels(levels), self.GAP(deep.float()).flatten(start_dim=1)

    def set_compute_dtype(self, dtype: torch.dtype) -> None:
        """See `Network.set_compute_dtype`; what follows the backbone stays in float32."""
        super().set_compute_dtype(dtype)
        self.backbone.to(dtype)

    def compile_windows(self, backend: str) -> None:
        """See `Network.compile_windows`; what follows the backbone is not compiled."""
        known = torch.compiler.list_backends(exclude_tags=())
        if backend not in known:
            raise ConfigError("compiled", backend, f"the backends of PyTorch are {', '.join(known)}")
        self.backbone.compile(backend=backend, dynamic=False)


def split_controller(
    weight: Tensor, bias: Tensor, embedding: Tensor, text_weight: Tensor, text_bias: Tensor
) -> list[tuple[Tensor, Tensor]]:
    """Split the published controller, which reads a context and an organ's text, into one for each organ.

    An organ's text is constant, so its part of the sum goes into the bias; logits stay the same.

    Args:
        weight: `(153, 512, 1, 1, 1)`: context first, then text.
        bias: `(153,)`.
        embedding: `(organ, 512)`, the text of each organ.
        text_weight: `(256, 512)`, which reduces it.
        text_bias: `(256,)`.

    Returns:
        For each organ weight `(153, 256)` and bias `(153,)`, float32, summed in float64.
    """
    of_both = weight.flatten(start_dim=1).double()
    of_context, of_text = of_both[:, :CONTEXT_CHANNELS], of_both[:, CONTEXT_CHANNELS:]
    text = torch.relu(embedding.double() @ text_weight.double().T + text_bias.double())
    biases = bias.double() + text @ of_text.T
    return [(of_context.float(), organ_bias.float()) for organ_bias in biases]
