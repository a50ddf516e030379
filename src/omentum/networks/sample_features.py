"""Compute a trunk's features at a few voxels of a CT, through the windows of prediction."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from omentum.networks.infer import Features, WindowedBox, compute_features, windowed_box
from omentum.networks.multiscale import join_levels_at
from omentum.networks.network import FEATURES, Network
from omentum.networks.sliding_window import WindowLayout, window_layout, window_weights

__all__ = ["SampledFeatures", "sample_features", "seen_voxels"]

_Places = dict[str, npt.NDArray[np.intp]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SampledFeatures:
    """Features of some voxels, ordered by window.

    Attributes:
        order: Position of each column in the list of voxels asked for, `(voxel,)`.
        features: `(channel, voxel)`, float16.
        contexts: One for each window, `(window, channel)`, float32; a single one if it is the whole volume's.
        starts: First column of each window, and the number of columns, `(window + 1,)`.
    """

    order: npt.NDArray[np.intp]
    features: Tensor
    contexts: Tensor
    starts: tuple[int, ...]


def seen_voxels(
    network: Network, hu: npt.NDArray[np.float32], *, overlap: float = 0.5
) -> npt.NDArray[np.bool_]:
    """Find the voxels `(x, y, z)` inside the windows of prediction; arguments as `sample_features`."""
    view = windowed_box(network, hu, overlap)
    layout = window_layout(view.volume, view.windows, visible=view.visible)
    covered = np.zeros(layout.padded.shape[2:], dtype=bool)
    for box in layout.boxes:
        covered[box] = True
    seen = np.zeros(hu.shape, dtype=bool)
    seen[view.box] = covered[layout.inner]
    return seen


@torch.inference_mode()
def sample_features(
    network: Network,
    hu: npt.NDArray[np.float32],
    voxels: Mapping[str, npt.NDArray[np.intp]],
    *,
    overlap: float = 0.5,
    seed: int = 0,
) -> dict[str, SampledFeatures]:
    """Run the trunk over a volume once, and keep the features of some voxels.

    If each window has its own context, prediction averages the logits of all windows over a voxel by weight.
    Here each voxel gets one window, drawn with a probability proportional to that weight.

    Args:
        network: In evaluation mode, on the device to compute on.
        hu: Hounsfield units `(x, y, z)` at the network's spacing, axes turned to RAS+.
        voxels: For each organ, indices into the flattened volume, all inside `seen_voxels`.
        overlap: Of windows, as in prediction.
        seed: Of the draw of windows.

    Returns:
        For each organ the features of its voxels, with the channels that its head reads.

    Raises:
        ConfigError: The overlap is out of range, or nothing in the volume is denser than air.
    """
    if network.context_per_window:
        places = {name: _indices(at, hu.shape) for name, at in voxels.items()}
        return _of_windows(network, windowed_box(network, hu, overlap), places, seed)
    made = compute_features(network, hu, overlap=overlap)
    return {name: _picked(network, name, made, at) for name, at in voxels.items()}


def _indices(voxels: npt.NDArray[np.intp], shape: tuple[int, ...]) -> npt.NDArray[np.intp]:
    return np.stack(np.unravel_index(voxels, shape), axis=1)


def _picked(network: Network, name: str, made: Features, voxels: npt.NDArray[np.intp]) -> SampledFeatures:
    """Take the channels of an organ's head at some voxels; all share the context of the whole volume."""
    is_adapted = name in network.spec.adapters
    levels = made.levels if is_adapted else (made.levels[0][:, :FEATURES],)
    places = _indices(voxels, made.seen.shape) + [part.start for part in made.box]
    return SampledFeatures(
        order=np.arange(len(voxels)),
        features=_kept(join_levels_at(levels, torch.from_numpy(places).to(made.context.device))),
        contexts=made.context.cpu(),
        starts=(0, len(voxels)),
    )


def _of_windows(
    network: Network, view: WindowedBox, places: _Places, seed: int
) -> dict[str, SampledFeatures]:
    layout = window_layout(view.volume, view.windows, visible=view.visible)
    shift = [inner.start - part.start for inner, part in zip(layout.inner, view.box, strict=True)]
    places = {name: at + shift for name, at in places.items()}
    given = {
        name: _given(at, layout, view, np.random.default_rng([seed, *name.encode()]))
        for name, at in places.items()
    }
    columns: dict[str, list[tuple[npt.NDArray[np.intp], Tensor, Tensor]]] = defaultdict(list)
    for number, box in enumerate(layout.boxes):
        here = {name: np.flatnonzero(of == number) for name, of in given.items()}
        if not any(len(chosen) for chosen in here.values()):
            continue
        features, context = network.trunk(layout.padded[:, :, *box])
        corner = [part.start for part in box]
        for name, chosen in here.items():
            x, y, z = torch.from_numpy(places[name][chosen] - corner).to(features.device).T
            own = _kept(features[0, : network.channels_for(name), x, y, z])
            columns[name].append((chosen, own, context[0].cpu()))
    return {name: _joined([one for one in columns[name] if len(one[0])]) for name in places}


def _given(
    places: npt.NDArray[np.intp], layout: WindowLayout, view: WindowedBox, rng: np.random.Generator
) -> npt.NDArray[np.intp]:
    """Draw one window for each voxel, by the windows' weights there, in one pass over windows."""
    weights = window_weights(view.windows.voxels).numpy()
    total = np.zeros(len(places))
    chosen = np.full(len(places), -1)
    for number, box in enumerate(layout.boxes):
        local = places - [part.start for part in box]
        within = np.flatnonzero(((local >= 0) & (local < weights.shape)).all(axis=1))
        own = weights[tuple(local[within].T)]
        total[within] += own
        takes = rng.random(len(within)) * total[within] < own
        chosen[within[takes]] = number
    return chosen


def _kept(features: Tensor) -> Tensor:
    return features.to("cpu", torch.float16)


def _joined(columns: list[tuple[npt.NDArray[np.intp], Tensor, Tensor]]) -> SampledFeatures:
    orders, features, contexts = zip(*columns, strict=True)
    return SampledFeatures(
        order=np.concatenate(orders),
        features=torch.cat(features, dim=1),
        contexts=torch.stack(contexts),
        starts=tuple(np.cumsum([0, *map(len, orders)]).tolist()),
    )
