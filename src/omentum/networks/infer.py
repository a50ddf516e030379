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
from omentum.networks.device_load import WHOLE, DeviceLoad
from omentum.networks.host_copies import HostCopies
from omentum.networks.multiscale import crop_planes, join_levels
from omentum.networks.network import Network
from omentum.networks.sliding_window import Windows, sliding_window, window_layout
from omentum.volumes.boxes import bounding_box, whole
from omentum.volumes.geometry import Box

__all__ = [
    "BODY_HU",
    "Features",
    "WindowedBox",
    "compute_features",
    "organ_probabilities",
    "probabilities_of",
    "windowed_box",
]

BODY_HU = -500.0
"""Denser voxels are body, table or clothes; windows without any are skipped."""
_VOXELS_AT_ONCE = {"cpu": 1 << 13, "cuda": 1 << 18}
"""Voxels whose hidden layers fit into the processor's cache."""
_SLAB_VOXELS = 1 << 18
_JOINED_VOXELS = 1 << 15
"""Voxels whose levels are joined at once; the same with and without adapters, so that logits round alike."""
Slab = tuple[slice, npt.NDArray[np.uint8]]
"""Place along z, and probabilities times 255 `(organ, x, y, slab)`."""


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """A trunk's features of one volume.

    Attributes:
        levels: See `Network.levels`; a single one with all channels where several windows were needed.
        context: `(1, channel)`, of the whole volume.
        seen: Voxels inside a window, `(x, y, z)`; there are organs nowhere else.
        box: Place of the volume in the first level, which may be padded.
    """

    levels: tuple[Tensor, ...]
    context: Tensor
    seen: Tensor
    box: Box

    @property
    def features(self) -> Tensor:
        """All features, `(1, channel, x, y, z)`."""
        return join_levels(self.levels)[:, :, *self.box]


@dataclass(frozen=True, slots=True, eq=False)
class WindowedBox:
    """The part of a volume that a network is run on, and the windows over it."""

    box: Box
    volume: Tensor
    """Its voxels, `(1, 1, x, y, z)`, on the network's device; in the machine's memory if read in pieces."""
    windows: Windows

    @property
    def visible(self) -> Tensor:
        """Mask `(x, y, z)` of the body; windows without a voxel of it are skipped."""
        return self.volume[0, 0] > BODY_HU


def windowed_box(
    network: Network, hu: npt.NDArray[np.float32], overlap: float, load: DeviceLoad = WHOLE
) -> WindowedBox:
    """Crop a volume to what the network can see; arguments as `organ_probabilities`."""
    device = torch.device("cpu") if load.in_pieces else _device(network)
    if network.context_per_window:
        box = bounding_box(hu > network.least_hu) or whole(hu.shape)
        volume = _tensor(hu[box], device)
        windows = Windows(
            voxels=network.window_for(volume.shape[2:]),
            overlap=overlap,
            padding=network.least_hu,
            sums=torch.float16,
            at_once=load.n_windows,
        )
        return WindowedBox(box, volume, windows)
    windows = Windows(
        voxels=network.spec.window_voxels if load.in_pieces else network.window_for(hu.shape),
        overlap=overlap,
        multiple=network.stride,
        evenly=True,
        at_once=load.n_windows,
    )
    return WindowedBox(whole(hu.shape), _tensor(hu, device), windows)


def organ_probabilities(
    network: Network,
    hu: npt.NDArray[np.float32],
    organs: Sequence[str],
    *,
    overlap: float = 0.5,
    load: DeviceLoad = WHOLE,
) -> Iterator[Slab]:
    """Predict organ probabilities on the network's grid.

    If the context is that of the whole volume, windows are averaged as features. If every window has its own
    context, as published, windows are averaged as logits.

    Args:
        network: In evaluation mode, on the device to compute on.
        hu: Hounsfield units `(x, y, z)` at the network's spacing, axes turned to RAS+.
        organs: Names; only their heads are computed.
        overlap: Least share of a window that the next one repeats.
        load: How much of the volume the device holds at once; results differ by rounding only.

    Yields:
        For each slab its place along z and probabilities times 255, uint8 `(organ, x, y, slab)`; 0 outside
        all windows. Slabs without a window are left out.

    Raises:
        ConfigError: The overlap is out of range, or nothing in the volume is denser than air.
        UnknownOrganError: The network has no head for one of the organs.
    """
    if network.context_per_window:
        yield from _joined_as_logits(network, hu, organs, overlap, load)
    else:
        yield from probabilities_of(
            network, compute_features(network, hu, overlap=overlap, load=load), organs
        )


@torch.inference_mode()
def compute_features(
    network: Network, hu: npt.NDArray[np.float32], *, overlap: float = 0.5, load: DeviceLoad = WHOLE
) -> Features:
    """Run the trunk over a whole volume; arguments as `organ_probabilities`.

    Raises:
        ConfigError: The overlap is out of range, nothing in the volume is denser than air, or the network's
            windows have contexts of their own.
    """
    if network.context_per_window:
        rule = "each of its windows has a context of its own; tune it with `--mode full`"
        raise ConfigError("network", network.spec.architecture, rule)
    view = windowed_box(network, hu, overlap, load)
    volume, device = view.volume, _device(network)
    context = network.context_of(volume.to(device))
    if all(side <= window for side, window in zip(hu.shape, view.windows.voxels, strict=True)):
        layout = window_layout(volume, view.windows, visible=view.visible)
        levels, _ = network.levels(layout.padded.to(device))
        levels = tuple(level.to(volume.device) for level in levels)
        seen = torch.ones(hu.shape, dtype=torch.bool, device=volume.device)
        return Features(levels, context, seen, layout.inner)
    features: Tensor | None = None
    seen = torch.zeros(hu.shape, dtype=torch.bool, device=volume.device)
    slabs = sliding_window(
        lambda windows: network.trunk(windows.to(device))[0].to(volume.device),
        volume,
        view.windows,
        visible=view.visible,
    )
    for z, values, looked in slabs:
        if features is None:
            features = volume.new_zeros((1, values.shape[1], *hu.shape))
        features[..., z] = values
        seen[..., z] = looked
    assert features is not None
    return Features((features,), context, seen, whole(hu.shape))


@torch.inference_mode()
def probabilities_of(network: Network, made: Features, organs: Sequence[str]) -> Iterator[Slab]:
    """Apply the heads to features; see `organ_probabilities`."""
    yield from HostCopies(made.seen.device).in_order(_slabs_of(network, made, organs))


def _slabs_of(network: Network, made: Features, organs: Sequence[str]) -> Iterator[tuple[slice, Tensor]]:
    x, y, z = made.box
    *plane, length = made.seen.shape
    n_planes = max(1, _SLAB_VOXELS // (plane[0] * plane[1]))
    for low in range(0, length, n_planes):
        slab = slice(low, min(low + n_planes, length))
        logits = torch.empty((len(organs), *plane, slab.stop - low), device=made.seen.device)
        for part in _thin(slab, made.levels[0]):
            features = join_levels(crop_planes(made.levels, _moved(part, z.start)))[:, :, x, y]
            logits[..., _moved(part, -low)] = _logits(network, features, made.context, organs)[0]
        yield slab, _as_bytes(logits, made.seen[..., slab])


def _moved(part: slice, by: int) -> slice:
    return slice(part.start + by, part.stop + by)


def _thin(slab: slice, full_size: Tensor) -> Iterator[slice]:
    """Split a slab into parts thin enough to join levels in."""
    _, _, *plane, _ = full_size.shape
    n_planes = max(1, _JOINED_VOXELS // (plane[0] * plane[1]))
    for low in range(slab.start, slab.stop, n_planes):
        yield slice(low, min(low + n_planes, slab.stop))


@torch.inference_mode()
def _joined_as_logits(
    network: Network, hu: npt.NDArray[np.float32], organs: Sequence[str], overlap: float, load: DeviceLoad
) -> Iterator[Slab]:
    view, device = windowed_box(network, hu, overlap, load), _device(network)
    x, y, z = view.box

    def logits_of(windows: Tensor) -> Tensor:
        return _logits(network, *network.trunk(windows.to(device)), organs).to(windows.device)

    slabs = sliding_window(logits_of, view.volume, view.windows, visible=view.visible)
    in_bytes = ((place, _as_bytes(logits[0], seen)) for place, logits, seen in slabs)
    for place, found in HostCopies(view.volume.device).in_order(in_bytes):
        made = np.zeros((len(organs), *hu.shape[:2], place.stop - place.start), dtype=np.uint8)
        made[:, x, y] = found
        yield slice(z.start + place.start, z.start + place.stop), made


def _logits(network: Network, features: Tensor, context: Tensor, organs: Sequence[str]) -> Tensor:
    """Apply the heads to features `(batch, channel, x, y, z)`, part by part, where the context is."""
    flat = _flat(features)
    logits = flat.new_empty((len(flat), len(organs), flat.shape[2]))
    n_voxels = max(1, _VOXELS_AT_ONCE.get(context.device.type, flat.shape[2]) // len(flat))
    for start in range(0, flat.shape[2], n_voxels):
        part = slice(start, start + n_voxels)
        logits[:, :, part] = network.heads(flat[:, :, part].to(context.device), context, organs)
    return logits.reshape(len(flat), len(organs), *features.shape[2:])


def _flat(features: Tensor) -> Tensor:
    """Flatten voxels to `(batch, channel, voxel)` in their memory order."""
    if features.stride(1) == 1:
        return features.movedim(1, -1).flatten(start_dim=1, end_dim=3).transpose(1, 2)
    return features.flatten(start_dim=2)


def _device(network: Network) -> torch.device:
    return next(network.parameters()).device


def _tensor(hu: npt.NDArray[np.float32], device: torch.device) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(hu, dtype=np.float32))[None, None].to(device)


def _as_bytes(logits: Tensor, seen: Tensor) -> Tensor:
    """Turn logits `(organ, x, y, slab)` into probabilities times 255; 0 outside all windows."""
    made = torch.empty(logits.shape, dtype=torch.uint8, device=logits.device)
    for one, values in zip(made, logits, strict=True):
        one[:] = (values.float().sigmoid_() * 255).round_() * seen
    return made
