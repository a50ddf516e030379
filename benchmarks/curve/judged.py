"""Judge many networks on the same patients in one pass: Dice and surface Dice, organ by organ.

In:  networks, most of them with the same trunk; patients with true labels.
Out: figures of each network, organ and patient.

A trunk sees each patient once, and all heads on it are applied to its features. Near an organ (24 mm around
the box of its true mask and of the shipped network's mask) every voxel is judged. Farther away every third
one along each axis is, and stands for 27: false voxels there count in Dice; surface Dice is of what is near.
Masks are as the probabilities make them, on the network's grid, without post-processing. Equal tensors of an
organ are applied once.
"""

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from rich.progress import track

from curve.plan import ORGANS
from omentum.measures.surface import surface_dice
from omentum.networks.extend_organs import add_adapters
from omentum.networks.infer import Features, compute_features, probabilities_of
from omentum.networks.multiscale import join_levels_at
from omentum.networks.network import Network
from omentum.networks.weights import tensors_sha256
from omentum.volumes.boxes import bounding_box, box_shape, grown, joint_box
from omentum.volumes.geometry import Box
from omentum.volumes.labels import organ
from tuning.cohort import Patient

__all__ = ["Figures", "judged", "places_to_judge"]

Mask = npt.NDArray[np.bool_]
Figures = dict[str, dict[str, list[float | None]]]
"""`dice` and `surface`: by organ a value a patient; `None` where mask and truth have none of it."""
MARGIN_MM = 24.0
STEP = 3
_AT_ONCE = 1 << 14


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Places:
    """Where an organ of a patient is judged.

    Attributes:
        box: What is near; `None` where there is no such organ.
        voxels: Indices `(voxel, axis)`: those near, then those far.
        n_near: How many are near.
    """

    box: Box | None
    voxels: npt.NDArray[np.intp]
    n_near: int


def judged(
    networks: Mapping[str, Network], shipped: Network, patients: Sequence[Patient]
) -> dict[str, Figures]:
    """Judge networks, by name.

    Args:
        networks: To judge.
        shipped: Its masks say what is near an organ, and are the same for all.
        patients: To judge on.
    """
    found: dict[str, Figures] = {
        name: {kind: {one: [] for one in ORGANS} for kind in ("dice", "surface")} for name in networks
    }
    groups = _by_trunk(networks)
    for patient in track(patients, "judge"):
        hu = patient.hu.astype(np.float32)
        boxes = _boxes(shipped, hu)
        for own, wide in groups:
            made = compute_features(wide, hu)
            for name in ORGANS:
                places = places_to_judge(patient.truth == organ(name).index, boxes[name])
                for network, figures in _figures(own, made, patient, name, places):
                    for kind, value in figures.items():
                        found[network][kind][name].append(value)
    return found


def places_to_judge(true: Mask, predicted: Box | None) -> _Places:
    """Choose the voxels to judge: all that are near, and some of the others.

    Args:
        true: The organ.
        predicted: Box of the shipped network's mask.
    """
    box = joint_box([bounding_box(true), predicted])
    lattice = np.zeros(true.shape, dtype=bool)
    lattice[1::STEP, 1::STEP, 1::STEP] = True
    if box is None:
        return _Places(box=None, voxels=np.argwhere(lattice), n_near=0)
    box = grown(box, round(MARGIN_MM / 3.0), true.shape)
    lattice[box] = False
    near = np.argwhere(np.ones(box_shape(box), dtype=bool)) + [side.start for side in box]
    return _Places(box=box, voxels=np.concatenate([near, np.argwhere(lattice)]), n_near=len(near))


def _figures(
    networks: Mapping[str, Network], made: Features, patient: Patient, name: str, places: _Places
) -> Iterator[tuple[str, dict[str, float | None]]]:
    """Judge one organ of one patient by all networks with one trunk."""
    tensors = {key: tensors_sha256(network.head_tensors(name)) for key, network in networks.items()}
    distinct = {tensors[key]: network for key, network in networks.items()}
    said = _said(distinct, made, places, name)
    figures = {sha256: _compared(mask, patient, name, places) for sha256, mask in said.items()}
    for key, sha256 in tensors.items():
        yield key, figures[sha256]


@torch.inference_mode()
def _said(networks: Mapping[str, Network], made: Features, places: _Places, name: str) -> dict[str, Mask]:
    """Apply the heads of one organ to the features of some voxels."""
    said = {key: np.zeros(len(places.voxels), dtype=bool) for key in networks}
    shift = [side.start for side in made.box]
    for start in range(0, len(places.voxels), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        features = join_levels_at(made.levels, torch.from_numpy(places.voxels[part] + shift))
        for key, network in networks.items():
            said[key][part] = (network.heads(features[None], made.context, [name])[0, 0] > 0).numpy()
    seen = made.seen.numpy()[tuple(places.voxels.T)]
    return {key: mask & seen for key, mask in said.items()}


def _compared(said: Mask, patient: Patient, name: str, places: _Places) -> dict[str, float | None]:
    true = patient.truth == organ(name).index
    n_far = STEP**3 * int(np.count_nonzero(said[places.n_near :]))
    if places.box is None:
        return {"dice": 0.0 if n_far else None, "surface": None}
    mask, inside = said[: places.n_near].reshape(box_shape(places.box)), true[places.box]
    total = int(np.count_nonzero(mask)) + n_far + int(np.count_nonzero(inside))
    shared = int(np.count_nonzero(mask & inside))
    return {
        "dice": 2.0 * shared / total if total else None,
        "surface": surface_dice(mask, inside, patient.geometry.spacing_mm),
    }


def _boxes(shipped: Network, hu: npt.NDArray[np.float32]) -> dict[str, Box | None]:
    masks = np.zeros((len(ORGANS), *hu.shape), dtype=bool)
    for z, values in probabilities_of(shipped, compute_features(shipped, hu), ORGANS):
        masks[..., z] = values >= 128
    return {name: bounding_box(mask) for name, mask in zip(ORGANS, masks, strict=True)}


def _by_trunk(networks: Mapping[str, Network]) -> list[tuple[dict[str, Network], Network]]:
    """Group networks by trunk; each group with a network that makes all features that any of it reads."""
    groups: dict[str, dict[str, Network]] = {}
    for name, network in networks.items():
        groups.setdefault(tensors_sha256(network.trunk_tensors()), {})[name] = network.eval()
    return [(own, _wide(list(own.values()))) for own in groups.values()]


def _wide(networks: Sequence[Network]) -> Network:
    network = copy.deepcopy(networks[0])
    add_adapters(network, sorted({name for one in networks for name in one.spec.adapters}))
    return network.eval().to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload, no-any-return]
