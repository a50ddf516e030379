"""Sample voxels of a case, with the features that the trunk gives there.

One pass of the trunk, through the same windows as in prediction, serves all organs of a case.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import edt
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from omentum.networks.network import Network
from omentum.networks.sample_features import sample_features, seen_voxels
from omentum.tune.augment import augmented
from omentum.tune.config import ContinualConfig
from omentum.tune.prepared_cases import PreparedCase
from omentum.volumes.boxes import bounding_box, grown

__all__ = ["OrganSamples", "most_samples", "sample_case"]

_N_KINDS = 3
"""Voxels inside an organ, near it, and elsewhere are sampled apart; with `around_mm` those around it too."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OrganSamples:
    """Voxels of one organ in one case, in random order within each group.

    Attributes:
        organ: Its name.
        case_id: The case.
        features: `(channel, voxel)`, half precision; 8, or, of an organ with an adapter, all of the trunk's.
        contexts: Of each group of voxels, `(group, channel)`: one in all where a network's context is that of
            the whole volume, else one for each window.
        starts: Where each group begins, and the last one ends, `(group + 1,)`.
        labels: 0 or 1, `(voxel,)`, bool.
        stands_for: How many voxels of the case each sample stands for, `(voxel,)`.
    """

    organ: str
    case_id: str
    features: Tensor
    contexts: Tensor
    starts: Tensor
    labels: Tensor
    stands_for: Tensor


def most_samples(config: ContinualConfig, n_voxels: int) -> int:
    """Give the most samples that are drawn of one organ in a case of so many voxels."""
    n_kinds = _N_KINDS + (config.around_mm > 0)
    return min(n_kinds * config.samples_per_class, 2 * n_voxels)


def sample_case(
    network: Network,
    case: PreparedCase,
    organs: Sequence[str],
    config: ContinualConfig,
    *,
    overlap: float,
    copy: int = 0,
) -> list[OrganSamples]:
    """Run the trunk over one case and sample voxels for each organ.

    Inside the organ, in a shell around it, and elsewhere, up to the same number each: the border is where
    heads err, and so few voxels are inside that a plain sample would miss them. With `around_mm`, what is
    outside the shell and near is drawn apart from what is far, so that few samples say how much is wrong.

    Args:
        network: In evaluation mode.
        case: At the network's spacing.
        organs: To sample for; the case must know them.
        config: Numbers of samples, the shell, the seed.
        overlap: Of windows, as in prediction.
        copy: Of the case, see `augmented`; 0 is the case as it is.

    Raises:
        ConfigError: The overlap is out of range, or nothing in the volume is denser than air.
        UnknownOrganError: The case has no label of an organ.
    """
    seen_as = augmented(case, copy, config.seed)
    hu = seen_as.hu.astype(np.float32)
    seen = seen_voxels(network, hu, overlap=overlap)
    drawn = {name: _drawn(seen_as, name, seen, config, copy) for name in organs}
    places = {name: index for name, (index, _) in drawn.items()}
    made = sample_features(network, hu, places, overlap=overlap, seed=config.seed)
    return [
        OrganSamples(
            organ=name,
            case_id=case.case_id,
            features=one.features,
            contexts=one.contexts,
            starts=torch.tensor(one.starts),
            labels=torch.from_numpy(seen_as.masks.mask(name).ravel()[drawn[name][0]][one.order]),
            stands_for=torch.from_numpy(drawn[name][1][one.order]),
        )
        for name, one in made.items()
    ]


def _drawn(
    case: PreparedCase, name: str, seen: npt.NDArray[np.bool_], config: ContinualConfig, copy: int
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float32]]:
    """Draw voxels, in random order, and tell how many each stands for."""
    rng = np.random.default_rng([config.seed, copy, *name.encode(), *case.case_id.encode()])
    chosen, stands_for = [], []
    spacing_mm = case.masks.geometry.spacing_mm
    for kind in _kinds(case.masks.mask(name), seen, spacing_mm, (config.shell_mm, config.around_mm)):
        where = np.flatnonzero(kind)
        n_samples = min(len(where), config.samples_per_class)
        chosen.append(where[rng.choice(len(where), n_samples, replace=False)] if n_samples else where)
        stands_for.append(np.full(n_samples, len(where) / max(1, n_samples), dtype=np.float32))
    order = rng.permutation(sum(map(len, chosen)))
    return np.concatenate(chosen)[order], np.concatenate(stands_for)[order]


def _kinds(
    mask: npt.NDArray[np.bool_],
    seen: npt.NDArray[np.bool_],
    spacing_mm: tuple[float, float, float],
    reach_mm: tuple[float, float],
) -> list[npt.NDArray[np.bool_]]:
    """Split the voxels that prediction looks at: inside, near, around where that is asked for, elsewhere."""
    box = bounding_box(mask)
    if box is None:
        return [seen]
    shell_mm, around_mm = reach_mm
    shell_mm = max(shell_mm, *spacing_mm)  # at least the voxels that touch it
    farthest_mm = max(shell_mm, around_mm)
    part = grown(box, int(farthest_mm / min(spacing_mm)) + 1, mask.shape)
    outside = np.ascontiguousarray(~mask[part])
    distance_mm = edt.edt(outside, anisotropy=spacing_mm)
    kinds, rest, nearest_mm = [mask & seen], seen & ~mask, 0.0
    for reach in (shell_mm, around_mm):
        if reach > nearest_mm:
            own = np.zeros_like(mask)
            own[part] = outside & (distance_mm > nearest_mm) & (distance_mm <= reach) & seen[part]
            kinds.append(own)
            rest &= ~own
            nearest_mm = reach
    return [*kinds, rest]
