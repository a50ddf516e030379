"""How good are a network's masks? Dice on patients whose truth is known, and what changed voxel by voxel.

In:  a network; patients that nothing was learned from.
Out: mean Dice of each organ; the raw masks, on the network's grid, as the probabilities make them.
"""

import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import torch

from omentum.measures.overlap import dice
from omentum.networks.infer import Features, compute_features, organ_probabilities, probabilities_of
from omentum.networks.network import Network
from omentum.volumes.labels import organ
from tuning.cohort import Patient

__all__ = ["FrozenJudge", "Masks", "changed_voxels", "dice_by_organ", "masks_of", "mean_dice"]

Masks = npt.NDArray[np.bool_]
_HALF = 128
"""A probability of a half, in bytes."""


class FrozenJudge:
    """Judges heads on a trunk that does not change: the trunk sees each patient once.

    Where each window has a context of its own, it sees them each time.

    Args:
        network: Its trunk.
        patients: To judge on.
    """

    def __init__(self, network: Network, patients: Sequence[Patient]) -> None:
        self._patients = patients
        seen, lying = () if network.context_per_window else patients, _as_predicting(network)
        self._features: list[Features] = [compute_features(lying, one.hu.astype(np.float32)) for one in seen]

    def masks(self, network: Network, organs: Sequence[str]) -> Iterator[Masks]:
        """Predict one patient after another: `(organ, x, y, z)`."""
        if network.context_per_window:
            yield from masks_of(network, self._patients, organs)
            return
        for one, made in zip(self._patients, self._features, strict=True):
            yield _joined(probabilities_of(network, made, organs), one, len(organs))

    def dice(self, network: Network, organs: Sequence[str]) -> dict[str, float]:
        """Score the heads of some organs."""
        return dice_by_organ(self.masks(network, organs), self._patients, organs)


def masks_of(network: Network, patients: Iterable[Patient], organs: Sequence[str]) -> Iterator[Masks]:
    """Predict one patient after another: `(organ, x, y, z)`."""
    network = _as_predicting(network)
    for one in patients:
        slabs = organ_probabilities(network, one.hu.astype(np.float32), organs)
        yield _joined(slabs, one, len(organs))


def dice_by_organ(
    masks: Iterable[Masks], patients: Sequence[Patient], organs: Sequence[str]
) -> dict[str, float]:
    """Average Dice over the patients, organ by organ; one without the organ in mask and truth is left out."""
    found: dict[str, list[float]] = {name: [] for name in organs}
    for predicted, patient in zip(masks, patients, strict=True):
        for name, mask in zip(organs, predicted, strict=True):
            value = dice(mask, patient.truth == organ(name).index)
            if value is not None:
                found[name].append(value)
    return {name: float(np.mean(values)) for name, values in found.items()}


def mean_dice(by_organ: Mapping[str, float], organs: Iterable[str]) -> float:
    """Average over organs, each counting the same."""
    return float(np.mean([by_organ[name] for name in organs]))


def changed_voxels(before: Iterable[Masks], after: Iterable[Masks]) -> int:
    """Count the voxels of all masks that are not as they were."""
    return sum(int(np.count_nonzero(a != b)) for a, b in zip(before, after, strict=True))


def _as_predicting(network: Network) -> Network:
    """Give a copy that lies in memory as it does when it predicts."""
    return copy.deepcopy(network).to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload, no-any-return]


def _joined(slabs: Iterable[tuple[slice, npt.NDArray[np.uint8]]], patient: Patient, n_organs: int) -> Masks:
    masks = np.zeros((n_organs, *patient.hu.shape), dtype=np.bool_)
    for z, values in slabs:
        masks[..., z] = values >= _HALF
    return masks
