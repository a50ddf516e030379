"""Compute a trunk's features at a few voxels of a CT, through the windows of prediction."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from omentum.networks.infer import Features, View, features_of, view_of
from omentum.networks.multiscale import joined_at
from omentum.networks.network import FEATURES, Network
from omentum.networks.window import Laid, laid, window_weights

__all__ = ["FeaturesAt", "features_at", "voxels_seen"]

_Places = dict[str, npt.NDArray[np.intp]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FeaturesAt:
    """Features of some voxels, ordered by the window that they were seen through.

    Attributes:
        order: Which of the voxels asked for each column is of, `(voxel,)`.
        features: `(channel, voxel)`, float16.
        contexts: One a window, `(window, channel)`, float32; one in all where it is the whole volume's.
        starts: Where each window's voxels begin, and where the last one's end, `(window + 1,)`.
    """

    order: npt.NDArray[np.intp]
    features: Tensor
    contexts: Tensor
    starts: tuple[int, ...]


def voxels_seen(
    network: Network, hu: npt.NDArray[np.float32], *, overlap: float = 0.5
) -> npt.NDArray[np.bool_]:
    """Tell which voxels `(x, y, z)` prediction looks at, without running the trunk.

    Args:
        network: On the device to compute on.
        hu: Hounsfield units `(x, y, z)` at the network's spacing, axes turned to RAS+.
        overlap: Of windows, as in prediction.

    Raises:
        ConfigError: The overlap is out of range, or nothing in the volume is denser than air.
    """
    view = view_of(network, hu, overlap)
    lying = laid(view.volume, view.windows, visible=view.visible)
    covered = np.zeros(lying.padded.shape[2:], dtype=bool)
    for box in lying.boxes:
        covered[box] = True
    inner = tuple(
        slice(low, low + side) for low, side in zip(lying.before, view.volume.shape[2:], strict=True)
    )
    seen = np.zeros(hu.shape, dtype=bool)
    seen[view.box] = covered[inner]
    return seen


@torch.inference_mode()
def features_at(
    network: Network,
    hu: npt.NDArray[np.float32],
    voxels: Mapping[str, npt.NDArray[np.intp]],
    *,
    overlap: float = 0.5,
    seed: int = 0,
) -> dict[str, FeaturesAt]:
    """Run the trunk over a volume once, and keep the features of some voxels.

    Where each window has a context of its own, prediction averages the logits of all windows over a voxel,
    each with its weight there. Here a voxel is given to one of them, drawn with a chance proportional to that
    weight: on average over many voxels, that is what each window's features count in prediction.

    Args:
        network: In evaluation mode, on the device to compute on.
        hu: Hounsfield units `(x, y, z)` at the network's spacing, axes turned to RAS+.
        voxels: Of each organ, places in the flattened volume; all seen, see `voxels_seen`.
        overlap: Of windows, as in prediction.
        seed: Of the draw of windows.

    Returns:
        For each organ its voxels' features, as many channels as its head reads.

    Raises:
        ConfigError: The overlap is out of range, or nothing in the volume is denser than air.
    """
    if network.context_per_window:
        view = view_of(network, hu, overlap)
        places = {name: _inside(at, hu.shape, view) for name, at in voxels.items()}
        return _of_windows(network, view, places, seed)
    made = features_of(network, hu, overlap=overlap)
    return {name: _picked(network, name, made, at) for name, at in voxels.items()}


def _inside(voxels: npt.NDArray[np.intp], shape: tuple[int, ...], view: View) -> npt.NDArray[np.intp]:
    """Give the places `(voxel, axis)` in what the network is shown."""
    places = np.stack(np.unravel_index(voxels, shape), axis=1)
    return np.asarray(places - [part.start for part in view.box])


def _picked(network: Network, name: str, made: Features, voxels: npt.NDArray[np.intp]) -> FeaturesAt:
    """Take what an organ's head reads at some voxels; all have the context of the whole volume."""
    is_adapted = name in network.spec.adapters
    levels = made.levels if is_adapted else (made.levels[0][:, :FEATURES],)
    places = np.stack(np.unravel_index(voxels, made.seen.shape), axis=1) + [part.start for part in made.box]
    return FeaturesAt(
        order=np.arange(len(voxels)),
        features=_kept(joined_at(levels, torch.from_numpy(places).to(made.context.device))),
        contexts=made.context.cpu(),
        starts=(0, len(voxels)),
    )


def _of_windows(network: Network, view: View, places: _Places, seed: int) -> dict[str, FeaturesAt]:
    lying = laid(view.volume, view.windows, visible=view.visible)
    places = {name: at + lying.before for name, at in places.items()}
    given = {
        name: _given(at, lying, view, np.random.default_rng([seed, *name.encode()]))
        for name, at in places.items()
    }
    columns: dict[str, list[tuple[npt.NDArray[np.intp], Tensor, Tensor]]] = defaultdict(list)
    for number, box in enumerate(lying.boxes):
        here = {name: np.flatnonzero(of == number) for name, of in given.items()}
        if not any(len(chosen) for chosen in here.values()):
            continue
        features, context = network.trunk(lying.padded[:, :, *box])
        corner = [part.start for part in box]
        for name, chosen in here.items():
            x, y, z = torch.from_numpy(places[name][chosen] - corner).to(features.device).T
            own = _kept(features[0, : network.channels_for(name), x, y, z])
            columns[name].append((chosen, own, context[0].cpu()))
    return {name: _joined([one for one in columns[name] if len(one[0])]) for name in places}


def _given(
    places: npt.NDArray[np.intp], lying: Laid, view: View, rng: np.random.Generator
) -> npt.NDArray[np.intp]:
    """Draw for each voxel one of the windows over it, each with its weight there; one pass over windows."""
    weights = window_weights(view.windows.voxels).numpy()
    total = np.zeros(len(places))
    chosen = np.full(len(places), -1)
    for number, box in enumerate(lying.boxes):
        local = places - [part.start for part in box]
        within = np.flatnonzero(((local >= 0) & (local < weights.shape)).all(axis=1))
        own = weights[tuple(local[within].T)]
        total[within] += own
        takes = rng.random(len(within)) * total[within] < own
        chosen[within[takes]] = number
    return chosen


def _kept(features: Tensor) -> Tensor:
    return features.to("cpu", torch.float16)


def _joined(columns: list[tuple[npt.NDArray[np.intp], Tensor, Tensor]]) -> FeaturesAt:
    orders, features, contexts = zip(*columns, strict=True)
    return FeaturesAt(
        order=np.concatenate(orders),
        features=torch.cat(features, dim=1),
        contexts=torch.stack(contexts),
        starts=tuple(np.cumsum([0, *map(len, orders)]).tolist()),
    )
