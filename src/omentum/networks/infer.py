"""Run a network over a whole CT.

Prediction and Continual Tuning's cache see the same windows, so that what was tuned is what is used.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from omentum.errors import ConfigError
from omentum.networks.multiscale import joined, of_planes
from omentum.networks.network import Network
from omentum.networks.window import Windows, laid, slide

__all__ = ["BODY_HU", "Features", "View", "features_of", "heads_of", "organ_probabilities", "view_of"]

BODY_HU = -500.0
"""What is denser than this is body, table or clothes; windows without any are skipped."""
_VOXELS_AT_ONCE = {"cpu": 1 << 13, "cuda": 1 << 18}
"""As many as a processor's cache holds the hidden layers of."""
_SLAB_VOXELS = 1 << 18
_JOINED_VOXELS = 1 << 15
"""As many are brought onto one grid at a time; with and without adapters, so that logits round alike."""
Slab = tuple[slice, npt.NDArray[np.uint8]]
"""Its place along z, and what is there: `(organ, x, y, slab)`."""


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """What a trunk made of one volume.

    Attributes:
        levels: What `joined` takes, see `Network.levels`; where windows were joined, one with all channels.
        context: `(1, channel)`, of the whole volume.
        seen: Voxels that any window saw, `(x, y, z)`; an organ is nowhere else.
        box: Place of the volume in the first level, which may be larger.
    """

    levels: tuple[Tensor, ...]
    context: Tensor
    seen: Tensor
    box: tuple[slice, slice, slice]

    @property
    def features(self) -> Tensor:
        """All that heads read, `(1, channel, x, y, z)`."""
        return joined(self.levels)[:, :, *self.box]


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """What a network is shown of a volume.

    Attributes:
        box: The part in which it can see anything.
        volume: That part, `(1, 1, x, y, z)`, on the network's device.
        windows: Those that it is seen through.
    """

    box: tuple[slice, slice, slice]
    volume: Tensor
    windows: Windows

    @property
    def visible(self) -> Tensor:
        """Mask `(x, y, z)` of what makes a window worth looking through."""
        return self.volume[0, 0] > BODY_HU


def view_of(network: Network, hu: npt.NDArray[np.float32], overlap: float) -> View:
    """Choose what a network is shown of a volume; arguments as `organ_probabilities`."""
    if network.context_per_window:
        box = _visible_box(hu, network.least_hu)
        volume = _on_device(network, hu[box])
        windows = Windows(
            voxels=network.window_for(volume.shape[2:]),
            overlap=overlap,
            padding=network.least_hu,
            sums=torch.float16,
        )
        return View(box, volume, windows)
    windows = Windows(
        voxels=network.window_for(hu.shape), overlap=overlap, multiple=network.stride, evenly=True
    )
    x, y, z = (slice(0, side) for side in hu.shape)
    return View((x, y, z), _on_device(network, hu), windows)


def organ_probabilities(
    network: Network, hu: npt.NDArray[np.float32], organs: Sequence[str], *, overlap: float = 0.5
) -> Iterator[Slab]:
    """Find where organs are, on the network's grid.

    Where a network's context is that of the whole volume, windows are joined as features; where every window
    has its own, as published, each window goes through the heads and windows are joined as logits.

    Args:
        network: In evaluation mode, on the device to compute on.
        hu: Hounsfield units `(x, y, z)` at the network's spacing, axes turned to RAS+.
        organs: Names; only their heads are computed.
        overlap: Least share of a window that the next one repeats.

    Yields:
        Slab by slab, its place along z and probabilities times 255 rounded to uint8, `(organ, x, y, slab)`;
        0 where no window looked, and in slabs that are left out.

    Raises:
        ConfigError: The overlap is out of range, or nothing in the volume is denser than air.
        UnknownOrganError: The network has no head for one of the organs.
    """
    if network.context_per_window:
        yield from _joined_as_logits(network, hu, organs, overlap)
    else:
        yield from heads_of(network, features_of(network, hu, overlap=overlap), organs)


@torch.inference_mode()
def features_of(network: Network, hu: npt.NDArray[np.float32], *, overlap: float = 0.5) -> Features:
    """Run the trunk over a whole volume; for networks whose context is that of the whole volume.

    Args:
        network: In evaluation mode, on the device to compute on.
        hu: Hounsfield units `(x, y, z)` at the network's spacing, axes turned to RAS+.
        overlap: Least share of a window that the next one repeats.

    Raises:
        ConfigError: The overlap is out of range, nothing in the volume is denser than air, or the network's
            windows have contexts of their own.
    """
    if network.context_per_window:
        rule = "each of its windows has a context of its own; tune it with `--mode full`"
        raise ConfigError("network", network.spec.architecture, rule)
    view = view_of(network, hu, overlap)
    volume = view.volume
    context = network.context_of(volume)
    if all(side <= window for side, window in zip(hu.shape, view.windows.voxels, strict=True)):
        lying = laid(volume, view.windows, visible=view.visible)
        levels, _ = network.levels(lying.padded)
        seen = torch.ones(hu.shape, dtype=torch.bool, device=volume.device)
        x, y, z = (slice(low, low + side) for low, side in zip(lying.before, hu.shape, strict=True))
        return Features(levels, context, seen, (x, y, z))
    features: Tensor | None = None
    seen = torch.zeros(hu.shape, dtype=torch.bool, device=volume.device)
    slabs = slide(lambda window: network.trunk(window)[0], volume, view.windows, visible=view.visible)
    for z, values, looked in slabs:
        if features is None:
            features = volume.new_zeros((1, values.shape[1], *hu.shape))
        features[..., z] = values
        seen[..., z] = looked
    assert features is not None
    x, y, z = (slice(0, side) for side in hu.shape)
    return Features((features,), context, seen, (x, y, z))


@torch.inference_mode()
def heads_of(network: Network, made: Features, organs: Sequence[str]) -> Iterator[Slab]:
    """Run the heads on features; see `organ_probabilities`."""
    x, y, z = made.box
    *plane, length = made.seen.shape
    n_planes = max(1, _SLAB_VOXELS // (plane[0] * plane[1]))
    for low in range(0, length, n_planes):
        slab = slice(low, min(low + n_planes, length))
        logits = torch.empty((len(organs), *plane, slab.stop - low), device=made.seen.device)
        for part in _thin(slab, made.levels[0]):
            features = joined(of_planes(made.levels, _moved(part, z.start)))[:, :, x, y]
            logits[..., _moved(part, -low)] = _logits(network, features, made.context, organs)[0]
        yield slab, _as_bytes(logits, made.seen[..., slab])


def _moved(part: slice, by: int) -> slice:
    return slice(part.start + by, part.stop + by)


def _thin(slab: slice, full_size: Tensor) -> Iterator[slice]:
    """Split a slab into what is joined at a time."""
    _, _, *plane, _ = full_size.shape
    n_planes = max(1, _JOINED_VOXELS // (plane[0] * plane[1]))
    for low in range(slab.start, slab.stop, n_planes):
        yield slice(low, min(low + n_planes, slab.stop))


@torch.inference_mode()
def _joined_as_logits(
    network: Network, hu: npt.NDArray[np.float32], organs: Sequence[str], overlap: float
) -> Iterator[Slab]:
    view = view_of(network, hu, overlap)
    x, y, z = view.box

    def logits_of(window: Tensor) -> Tensor:
        return _logits(network, *network.trunk(window), organs)

    for place, logits, seen in slide(logits_of, view.volume, view.windows, visible=view.visible):
        made = np.zeros((len(organs), *hu.shape[:2], place.stop - place.start), dtype=np.uint8)
        made[:, x, y] = _as_bytes(logits[0], seen)
        yield slice(z.start + place.start, z.start + place.stop), made


def _logits(network: Network, features: Tensor, context: Tensor, organs: Sequence[str]) -> Tensor:
    """Run the heads on features `(1, 8, x, y, z)`, part by part."""
    flat = _flat(features)
    logits = flat.new_empty((1, len(organs), flat.shape[2]))
    n_voxels = _VOXELS_AT_ONCE.get(flat.device.type, flat.shape[2])
    for start in range(0, flat.shape[2], n_voxels):
        part = slice(start, start + n_voxels)
        logits[:, :, part] = network.heads(flat[:, :, part], context, organs)
    return logits.reshape(1, len(organs), *features.shape[2:])


def _flat(features: Tensor) -> Tensor:
    """Put all voxels on one axis, `(batch, channel, voxel)`; what lies side by side in memory stays so."""
    if features.stride(1) == 1:
        return features.movedim(1, -1).flatten(start_dim=1, end_dim=3).transpose(1, 2)
    return features.flatten(start_dim=2)


def _on_device(network: Network, hu: npt.NDArray[np.float32]) -> Tensor:
    device = next(network.parameters()).device
    return torch.from_numpy(np.ascontiguousarray(hu, dtype=np.float32))[None, None].to(device)


def _visible_box(hu: npt.NDArray[np.float32], least_hu: float) -> tuple[slice, slice, slice]:
    """Find the box of what a network can see at all, or the whole volume where there is nothing."""
    seen = hu > least_hu
    sides = [np.flatnonzero(seen.any(axis=axes)) for axes in ((1, 2), (0, 2), (0, 1))]
    if not all(len(side) for side in sides):
        return slice(0, hu.shape[0]), slice(0, hu.shape[1]), slice(0, hu.shape[2])
    x, y, z = (slice(int(side[0]), int(side[-1]) + 1) for side in sides)
    return x, y, z


def _as_bytes(logits: Tensor, seen: Tensor) -> npt.NDArray[np.uint8]:
    """Turn logits `(organ, x, y, slab)` into probabilities, an organ at a time; nothing where none looked."""
    made = torch.empty(logits.shape, dtype=torch.uint8, device=logits.device)
    for one, values in zip(made, logits, strict=True):
        one[:] = (values.float().sigmoid_() * 255).round_() * seen
    return made.cpu().numpy()
