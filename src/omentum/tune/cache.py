"""What do heads learn from? Samples of the features that the frozen trunk makes, computed once.

In:  a network, a prepared case, the organs to tune.
Out: features of sampled voxels with labels, and how many voxels each sample stands for. The trunk runs
     once a case, through the same windows as in prediction; then every step costs milliseconds.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import edt
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from omentum.networks.infer import Features, features_of
from omentum.networks.network import Network
from omentum.tune.config import ContinualConfig
from omentum.tune.prepared import PreparedCase

__all__ = ["OrganSamples", "sample_case"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OrganSamples:
    """Voxels of one organ in one case.

    Attributes:
        organ: Its name.
        case_id: The case.
        features: `(8, voxel)`, half precision.
        context: `(channel,)`.
        labels: 0 or 1, `(voxel,)`, bool.
        stands_for: How many voxels of the case each sample stands for, `(voxel,)`.
    """

    organ: str
    case_id: str
    features: Tensor
    context: Tensor
    labels: Tensor
    stands_for: Tensor


def sample_case(
    network: Network, case: PreparedCase, organs: Sequence[str], config: ContinualConfig, *, overlap: float
) -> list[OrganSamples]:
    """Run the trunk over one case and sample voxels for each organ.

    Inside the organ, in a shell around it, and elsewhere, up to the same number each: the border is where
    heads err, and so few voxels are inside that a plain sample would miss them.

    Args:
        network: In evaluation mode.
        case: At the network's spacing.
        organs: To sample for; the case must know them.
        config: Numbers of samples, the shell, the seed.
        overlap: Of windows, as in prediction.
    """
    made = features_of(network, case.hu.astype(np.float32), overlap=overlap)
    return [_sample(made, case, name, config) for name in organs]


def _sample(made: Features, case: PreparedCase, name: str, config: ContinualConfig) -> OrganSamples:
    mask = case.masks.mask(name)
    kinds = _kinds(mask, made.seen.cpu().numpy(), case.masks.geometry.spacing_mm, config.shell_mm)
    rng = np.random.default_rng([config.seed, *name.encode(), *case.case_id.encode()])
    chosen, stands_for = [], []
    for kind in kinds:
        where = np.flatnonzero(kind)
        n_samples = min(len(where), config.samples_per_class)
        chosen.append(rng.choice(where, n_samples, replace=False) if n_samples else where)
        stands_for.append(np.full(n_samples, len(where) / max(1, n_samples), dtype=np.float32))
    index = np.concatenate(chosen)
    flat = made.features[0].flatten(start_dim=1)
    return OrganSamples(
        organ=name,
        case_id=case.case_id,
        features=flat[:, torch.from_numpy(index)].to("cpu", torch.float16).clone(),
        context=made.context[0].to("cpu").clone(),
        labels=torch.from_numpy(mask.ravel()[index]),
        stands_for=torch.from_numpy(np.concatenate(stands_for)),
    )


def _kinds(
    mask: npt.NDArray[np.bool_], seen: npt.NDArray[np.bool_], spacing_mm: Sequence[float], shell_mm: float
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Split the voxels that prediction looks at: inside, near, elsewhere."""
    if not mask.any():
        return mask, mask, seen
    near = edt.edt(np.ascontiguousarray(~mask), anisotropy=tuple(spacing_mm)) <= shell_mm
    near &= ~mask
    return mask & seen, near & seen, ~mask & ~near & seen
