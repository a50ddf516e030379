"""Cut the training patches of a step, by the seed and the step alone.

Patches are turned, scaled, blurred and varied in intensity. They are not mirrored: a mirrored right kidney
is a left one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from omentum.records import MaskSource
from omentum.tune.case_buffer import CasePool
from omentum.tune.config import FullConfig
from omentum.tune.prepared_cases import PreparedCase
from omentum.volumes.labels import organ

__all__ = ["Patches", "draw"]

_TURN_DEGREES = 10.0
_SCALE = (0.85, 1.18)
_GAIN = 0.1
_OFFSET_HU = 15.0
_NOISE_HU = 20.0
_BLUR_VOXELS = (0.4, 1.0)
"""Standard deviation of the Gaussian."""
_BLUR_REACH = 3
_MOST_COARSE = 3.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Patches:
    """One batch.

    Attributes:
        hu: `(batch, 1, x, y, z)`.
        labels: 0 or 1, `(batch, organ, x, y, z)`, bool.
        weights: What each label counts, `(batch, organ)`; 0 where the organ is unknown.
        overviews: The whole volumes that the patches are from, coarse, `(batch, 1, ...)`.
    """

    hu: Tensor
    labels: Tensor
    weights: Tensor
    overviews: Tensor


def draw(pool: CasePool, organs: Sequence[str], step: int, config: FullConfig, rank: int = 0) -> Patches:
    """Draw the batch of one step.

    Args:
        pool: What to learn from.
        organs: The network's, in the order of its logits.
        step: Number of the step.
        config: Seed, sizes, shares.
        rank: Number of the device. Two devices with a patch each draw what one with two patches draws.
    """
    drawn, overviews, labels, weights = [], [], [], []
    for item in range(rank * config.batch_size, (rank + 1) * config.batch_size):
        rng = np.random.default_rng([config.seed, step, item])
        case, seen = pool.pick(step, rng)
        hu, codes = _cut(case, _centre(case, organs, rng, config), rng, config)
        drawn.append(_varied(_unsharp(hu, rng.spawn(1)[0], config), rng))
        overviews.append(seen)
        labels.append(_labels(codes, case, organs))
        weights.append(_weights(case, organs, config))
    return Patches(
        hu=torch.stack(drawn),
        labels=torch.stack(labels),
        weights=torch.stack(weights),
        overviews=torch.stack(overviews),
    )


def _centre(
    case: PreparedCase, organs: Sequence[str], rng: np.random.Generator, config: FullConfig
) -> npt.NDArray[np.float64]:
    """Draw a voxel of a random organ that is there; else any voxel."""
    shape = np.array(case.hu.shape)
    if rng.random() < config.foreground_share:
        codes = case.masks.codes.ravel()
        is_there = np.bincount(codes, minlength=len(case.masks.sets)) > 0
        members = [[organ(name).index in one for one in case.masks.sets] for name in organs]
        present = [row for row in np.array(members) if (row & is_there).any()]
        if present:
            inside = np.flatnonzero(present[rng.integers(len(present))][codes])
            return np.array(np.unravel_index(rng.choice(inside), case.hu.shape), dtype=np.float64)
    return rng.uniform(0, shape - 1)


def _cut(
    case: PreparedCase, centre: npt.NDArray[np.float64], rng: np.random.Generator, config: FullConfig
) -> tuple[Tensor, Tensor]:
    """Sample a turned and scaled patch: values linear, labels nearest; air beyond the border."""
    angles = np.deg2rad(rng.uniform(-_TURN_DEGREES, _TURN_DEGREES, 3))
    scale = np.exp(rng.uniform(*np.log(_SCALE)))
    shape = np.array(case.hu.shape)
    reach = np.array(config.patch_voxels) / 2
    turn = _rotation(angles) * scale
    centre = np.clip(centre + rng.uniform(-0.3, 0.3, 3) * reach, 0, shape - 1)
    # grid_sample counts axes from the last, and places from -1 to 1 between the borders' centres
    per_unit = 2 / np.maximum(shape - 1, 1)
    theta = np.concatenate(
        [per_unit[:, None] * turn * reach[None, :], (centre * per_unit - 1)[:, None]], axis=1
    )
    order = [2, 1, 0]
    theta = theta[order][:, [*order, 3]]
    grid = F.affine_grid(
        torch.from_numpy(theta).float()[None], [1, 1, *config.patch_voxels], align_corners=False
    )
    hu = torch.from_numpy(case.hu.astype(np.float32))[None, None] + 1024
    codes = torch.from_numpy(case.masks.codes.astype(np.float32))[None, None]
    cut = F.grid_sample(hu, grid, mode="bilinear", align_corners=True) - 1024
    cut_codes = F.grid_sample(codes, grid, mode="nearest", align_corners=True)
    return cut[0], cut_codes[0, 0].long()


def _rotation(angles: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    (sx, sy, sz), (cx, cy, cz) = np.sin(angles), np.cos(angles)
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return np.asarray(about_z @ about_y @ about_x)


def _unsharp(hu: Tensor, rng: np.random.Generator, config: FullConfig) -> Tensor:
    """Blur some patches `(1, x, y, z)`, and give some the thick slices of another scan."""
    if rng.random() < config.blur_share:
        hu = _blurred(hu, rng.uniform(*_BLUR_VOXELS))
    if rng.random() < config.coarse_share:
        axis, times = int(rng.integers(3)), rng.uniform(1.0, _MOST_COARSE)
        sides = list(hu.shape[1:])
        sides[axis] = max(2, round(sides[axis] / times))
        thick = F.adaptive_avg_pool3d(hu, (sides[0], sides[1], sides[2]))
        hu = F.interpolate(thick[None], hu.shape[1:], mode="trilinear", align_corners=False)[0]
    return hu


def _blurred(hu: Tensor, sigma_voxels: float) -> Tensor:
    steps = torch.arange(-_BLUR_REACH, _BLUR_REACH + 1)
    weights = torch.exp(-0.5 * (steps / sigma_voxels) ** 2)
    weights = weights / weights.sum()
    wide = F.pad(hu[None], [_BLUR_REACH] * 6, mode="replicate")
    for shape in ((-1, 1, 1), (1, -1, 1), (1, 1, -1)):
        wide = F.conv3d(wide, weights.reshape(1, 1, *shape))
    return wide[0]


def _varied(hu: Tensor, rng: np.random.Generator) -> Tensor:
    gain, offset = 1 + rng.uniform(-_GAIN, _GAIN), rng.normal(0, _OFFSET_HU)
    noise = rng.standard_normal(tuple(hu.shape), dtype=np.float32) * (_NOISE_HU * rng.random())
    return hu * gain + offset + torch.from_numpy(noise)


def _labels(codes: Tensor, case: PreparedCase, organs: Sequence[str]) -> Tensor:
    table = torch.tensor([[organ(name).index in members for name in organs] for members in case.masks.sets])
    return table[codes].permute(3, 0, 1, 2)


def _weights(case: PreparedCase, organs: Sequence[str], config: FullConfig) -> Tensor:
    counts = {None: 0.0, MaskSource.PREDICTED: config.predicted_weight}
    return torch.tensor([counts.get(case.sources.get(name), 1.0) for name in organs])
