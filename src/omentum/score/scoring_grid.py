"""Resample a case's masks, probabilities and CT to the 2.5 mm grid on which it is scored."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from omentum.measures.canonical_grid import canonical, masks_on
from omentum.volumes.boxes import BoxedArray, BoxedBytes
from omentum.volumes.geometry import Box, Geometry
from omentum.volumes.labels import organ
from omentum.volumes.masks import MaskSet, organ_boxes
from omentum.volumes.probabilities import FULL, ProbabilityMaps
from omentum.volumes.volume import Volume

__all__ = ["GriddedCase", "VoxelOwners", "gridded_case", "thumbnail", "voxel_owners"]

_THUMBNAIL = 6
_WINDOW_HU = (-200.0, 300.0)

Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class GriddedCase:
    """A case on the canonical grid.

    Attributes:
        masks: The main network's masks, which readers see.
        boxes: Where each of them lies; `None` where it is empty.
        probabilities: Of each network, by organ, a box and uint8 values; the main network first.
        hu: The CT, float32 `(x, y, z)`; `None` where there is none at hand.
    """

    masks: MaskSet
    boxes: dict[str, Box | None]
    probabilities: tuple[dict[str, BoxedBytes], ...]
    hu: npt.NDArray[np.float32] | None

    @property
    def geometry(self) -> Geometry:
        """The canonical grid."""
        return self.masks.geometry

    def alone(self) -> "GriddedCase":
        """Give the same case as a project with a single network sees it."""
        return GriddedCase(self.masks, self.boxes, self.probabilities[:1], self.hu)


@dataclass(frozen=True, slots=True, eq=False)
class VoxelOwners:
    """Which organ most probably owns each voxel, as uint8 `(x, y, z)`.

    Attributes:
        first: Greatest probability that any network gives any organ.
        owner: Which organ that is, as its 32-class index; 0 where none.
        second: Greatest probability of any other organ.
    """

    first: Bytes
    owner: Bytes
    second: Bytes

    def of_others(self, name: str, box: Box) -> Bytes:
        """Give the greatest probability of all organs but one, inside a box."""
        is_owner = self.owner[box] == organ(name).index
        return np.where(is_owner, self.second[box], self.first[box])


def gridded_case(masks: MaskSet, maps: Sequence[ProbabilityMaps], ct: Volume | None) -> GriddedCase:
    """Resample a case to its canonical grid.

    Args:
        masks: The main network's, on the CT's grid.
        maps: Each network's probabilities, the main network's first; axes parallel to the CT's.
        ct: HU on the grid of `masks`, or `None`.
    """
    grid = canonical(masks.geometry)
    shown = masks_on(masks, grid)
    hu = None if ct is None else ct.resampled(grid).voxels
    return GriddedCase(shown, organ_boxes(shown), tuple(_parts(one, grid) for one in maps), hu)


def voxel_owners(gridded: GriddedCase) -> VoxelOwners:
    """Find the owner and the two greatest probabilities of each voxel, in one pass over the organs' boxes."""
    shape = gridded.geometry.shape
    first, owner, second = (np.zeros(shape, dtype=np.uint8, order="F") for _ in range(3))
    for name in gridded.masks.organs:
        for box, values in (part[name] for part in gridded.probabilities if name in part):
            mine = owner[box] == organ(name).index
            second[box] = np.where(mine, second[box], np.maximum(second[box], np.minimum(values, first[box])))
            above = values > first[box]
            owner[box] = np.where(above, organ(name).index, owner[box])
            first[box] = np.maximum(first[box], values)
    return VoxelOwners(first, owner, second)


def thumbnail(hu: npt.NDArray[Any] | None) -> str:
    """Shrink a CT `(x, y, z)` to 6 x 6 x 6 bytes, as hexadecimal digits; empty where there is none."""
    if hu is None:
        return ""
    low, high = _WINDOW_HU
    small = (np.clip(hu, low, high) - low) / (high - low) * FULL
    for axis in range(3):
        parts = np.array_split(small, _THUMBNAIL, axis=axis)
        small = np.concatenate([one.mean(axis=axis, keepdims=True) for one in parts if one.size], axis=axis)
    return bytes(small.astype(np.uint8)).hex()


def _parts(maps: ProbabilityMaps, grid: Geometry) -> dict[str, BoxedBytes]:
    found = {}
    for name in maps.organs:
        placed = maps.on_grid(name, grid)
        if placed is not None:
            found[name] = BoxedArray(placed.box, np.rint(placed.values * FULL).astype(np.uint8))
    return found
