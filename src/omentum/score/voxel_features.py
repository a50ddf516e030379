"""Compute the features of each voxel where an organ's mask may be wrong, in mm, on the canonical grid."""

from dataclasses import dataclass
from typing import Any

import edt
import numpy as np
import numpy.typing as npt
from scipy import ndimage

from omentum.measures.canonical_grid import CANONICAL_MM
from omentum.score.scoring_grid import GriddedCase, VoxelOwners
from omentum.score.shape_features import DENSITY_FEATURES, SHAPE_FEATURES, density_features, shape_features
from omentum.volumes.boxes import BoxedArray, BoxedBytes, bytes_inside, grown, joint_box
from omentum.volumes.geometry import Box
from omentum.volumes.probabilities import FULL

__all__ = ["FEATURES", "VoxelFeatures", "entropy_ml", "organ_features"]

FEATURES = (
    "doubt", "doubt_near", "doubt_around", "inconsistency", "entropy", "distance", "claimed", "taken",
    "mean", "mean_around", "inside", "unsure_case", "to_border", "alone", *DENSITY_FEATURES, *SHAPE_FEATURES,
)  # fmt: skip
"""What the columns of `VoxelFeatures.rows` hold, in order."""

_MARGIN_MM = 10.0
"""How far from the mask an error is still looked for."""
_LIKELY = 8
"""A probability of 0.03, as a byte: below, a voxel belongs to the organ for no network."""
_NEAR_VOXELS, _AROUND_VOXELS = 5, 11
"""Sides of the cubes that doubt is averaged over: 12.5 and 27.5 mm."""
_FAR_MM = 15.0
_CORE = 0.9
_LEAST_DOUBT = 0.004

_p = np.clip(np.arange(FULL + 1) / FULL, 1e-3, 1 - 1e-3)
_ENTROPY = (-(_p * np.log2(_p) + (1 - _p) * np.log2(1 - _p))).astype(np.float32)
"""Two-sided entropy in bits, by the byte of a probability."""

Reals = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class VoxelFeatures:
    """The features of one organ.

    Attributes:
        box: Part of the canonical grid.
        where: Voxels inside it that have a row, `(x, y, z)`.
        mask: The mask that readers see, inside the box.
        rows: float32 `(voxel, feature)`, voxels in the order of `where`.
    """

    box: Box
    where: Mask
    mask: Mask
    rows: Reals

    def spread(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Put one value a row back into the box, zero elsewhere."""
        full = np.zeros(self.where.shape, dtype=values.dtype)
        full[self.where] = values
        return full


def organ_features(gridded: GriddedCase, name: str, owners: VoxelOwners) -> VoxelFeatures | None:
    """Compute the features of one organ.

    Returns:
        The features; `None` where no network finds the organ.
    """
    parts = [one.get(name) for one in gridded.probabilities]
    box = joint_box([gridded.boxes[name], *(_likely(part) for part in parts)])
    if box is None:
        return None
    box = grown(box, round(_MARGIN_MM / CANONICAL_MM), gridded.geometry.shape)
    mask = np.ascontiguousarray(gridded.masks.mask_in(name, box))
    seen = [bytes_inside(box, part) for part in parts]
    mean = sum(seen[1:], start=seen[0].astype(np.float32)) / np.float32(FULL * len(seen))
    distance = _distance_mm(mask)
    where = mask | (mean * FULL > _LIKELY) | (distance < _MARGIN_MM)
    doubt = np.abs(mean - mask)
    columns: dict[str, npt.NDArray[Any]] = {
        "doubt": _log_odds(doubt),
        "doubt_near": _log_odds(ndimage.uniform_filter(doubt, _NEAR_VOXELS)),
        "doubt_around": _log_odds(ndimage.uniform_filter(doubt, _AROUND_VOXELS)),
        "inconsistency": _deviation(seen),
        "entropy": np.mean([_ENTROPY[one] for one in seen], axis=0),
        "distance": np.minimum(distance, _FAR_MM) / np.float32(_FAR_MM),
        "claimed": owners.of_others(name, box) / np.float32(FULL),
        "taken": gridded.masks.codes[box] > 0,
        **density_features(
            None if gridded.hu is None else gridded.hu[box],
            mask,
            mask & (np.minimum.reduce(seen) > _CORE * FULL),
        ),
        **shape_features(mask, gridded.geometry),
        "mean": mean,
        "mean_around": ndimage.uniform_filter(mean, _NEAR_VOXELS),
        "inside": mask,
        "unsure_case": np.log((doubt[where].sum() + 1.0) / (mask.sum() + 100.0)),
        "to_border": _to_border(box, gridded.geometry.shape),
        "alone": np.asarray(len(seen) == 1),
    }
    rows = np.empty((np.count_nonzero(where), len(FEATURES)), dtype=np.float32)
    for k, feature in enumerate(FEATURES):
        rows[:, k] = columns[feature][where] if columns[feature].ndim else columns[feature]
    return VoxelFeatures(box, where, mask, rows)


def entropy_ml(gridded: GriddedCase, name: str) -> float:
    """Sum the main network's two-sided entropy (in bits) over an organ's box, in mL."""
    part = gridded.probabilities[0].get(name)
    if part is None:
        return 0.0
    return float(_ENTROPY[part[1]][part[1] > 0].sum(dtype=np.float64) * gridded.geometry.voxel_ml)


def _likely(part: BoxedBytes | None) -> Box | None:
    likely = None if part is None else BoxedArray(part.box, part.values > _LIKELY).tight()
    return None if likely is None else likely.box


def _distance_mm(mask: Mask) -> Reals:
    """Measure how far each voxel is from the mask's boundary, on either side; far away where it is empty."""
    if not mask.any():
        return np.full(mask.shape, _FAR_MM, dtype=np.float32)
    sides = (
        edt.edt(side, anisotropy=(CANONICAL_MM,) * 3, black_border=False, parallel=1)
        for side in (mask, ~mask)
    )
    return np.asarray(np.minimum(np.maximum(*sides), 10 * _FAR_MM), dtype=np.float32)


def _log_odds(doubt: Reals) -> Reals:
    clipped = np.clip(doubt, _LEAST_DOUBT, 1 - _LEAST_DOUBT)
    return np.asarray(np.log(clipped / (1 - clipped)))


def _deviation(seen: list[npt.NDArray[np.uint8]]) -> Reals:
    """Give the population standard deviation over the networks; 0 with one."""
    if len(seen) == 1:
        return np.zeros(seen[0].shape, dtype=np.float32)
    return np.asarray(np.std(np.stack(seen), axis=0, dtype=np.float32) / np.float32(FULL))


def _to_border(box: Box, shape: tuple[int, int, int]) -> Reals:
    """Measure how near the border of the view is, as a share of 15 mm; organs are cut there."""
    sides = []
    for axis, (part, side) in enumerate(zip(box, shape, strict=True)):
        places = np.arange(part.start, part.stop, dtype=np.float32)
        near = np.minimum(places, side - 1 - places) * np.float32(CANONICAL_MM)
        sides.append(np.expand_dims(near, tuple(other for other in range(3) if other != axis)))
    return np.asarray(np.minimum(np.minimum(np.minimum(*sides[:2]), sides[2]), _FAR_MM) / _FAR_MM)
