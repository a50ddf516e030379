"""What does a network say about a whole CT?

In:  a network and a CT on the network's grid, axes turned to RAS+.
Out: its features (what Continual Tuning caches), and each organ's probability as uint8.
     Predicting and caching go through the same windows, so that what was tuned is what is used.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from omentum.networks.network import Network
from omentum.networks.window import slide

__all__ = ["BODY_HU", "Features", "features_of", "organ_probabilities"]

BODY_HU = -500.0
"""What is denser than this is body, table or clothes; windows without any are skipped."""
_VOXELS_AT_ONCE = 1 << 18


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """What a trunk made of one volume.

    Attributes:
        features: `(1, 8, x, y, z)`, float32.
        context: `(1, channel)`.
        seen: Voxels that any window saw, `(x, y, z)`; an organ is nowhere else.
    """

    features: Tensor
    context: Tensor
    seen: Tensor


@torch.inference_mode()
def features_of(network: Network, hu: npt.NDArray[np.float32], *, overlap: float = 0.5) -> Features:
    """Run the trunk over a whole volume.

    Args:
        network: In evaluation mode, on the device to compute on; its context is that of the whole volume.
        hu: Hounsfield units `(x, y, z)` at the network's spacing, axes turned to RAS+.
        overlap: Least share of a window that the next one repeats.

    Raises:
        ConfigError: The overlap is out of range, or nothing in the volume is denser than air.
    """
    device = next(network.parameters()).device
    volume = torch.from_numpy(np.ascontiguousarray(hu, dtype=np.float32))[None, None].to(device)
    context = network.context_of(volume)
    features, seen = slide(
        lambda window: network.trunk(window)[0],
        volume,
        window_voxels=network.window_for(hu.shape),
        overlap=overlap,
        visible=volume[0, 0] > BODY_HU,
        multiple=network.stride,
    )
    return Features(features, context, seen)


@torch.inference_mode()
def organ_probabilities(
    network: Network, features: Features, organs: Sequence[str]
) -> Iterator[tuple[str, npt.NDArray[np.uint8]]]:
    """Run the heads, and give one organ's probability after another.

    Returns:
        Names, and probabilities times 255 rounded to uint8, `(x, y, z)`; 0 where no window looked.

    Raises:
        UnknownOrganError: The network has no head for one of the organs.
    """
    shape = tuple(features.seen.shape)
    flat = features.features.flatten(start_dim=2)
    made = torch.empty((len(organs), flat.shape[2]), dtype=torch.uint8)
    for start in range(0, flat.shape[2], _VOXELS_AT_ONCE):
        part = slice(start, start + _VOXELS_AT_ONCE)
        logits = network.heads(flat[:, :, part], features.context, organs)[0]
        made[:, part] = (logits.sigmoid_() * 255).round_().to("cpu", torch.uint8)
    made[:, ~features.seen.flatten().cpu()] = 0
    for name, probability in zip(organs, made, strict=True):
        yield name, probability.reshape(shape).numpy()
