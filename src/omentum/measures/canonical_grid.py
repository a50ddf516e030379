"""Bring masks to the canonical grid: cubic voxels of 2.5 mm over the CT's field of view."""

import numpy as np

from omentum.volumes.geometry import Geometry
from omentum.volumes.masks import MaskSet
from omentum.volumes.resample import nearest_voxels

__all__ = ["CANONICAL_MM", "canonical", "masks_on"]

CANONICAL_MM = 2.5
"""Edge of a canonical voxel: half a millilitre, the least error that counts, is 32 of them."""


def canonical(geometry: Geometry) -> Geometry:
    """Give a CT's canonical grid: cubic voxels over the same field of view, centres equal."""
    return geometry.spaced((CANONICAL_MM,) * 3)


def masks_on(masks: MaskSet, grid: Geometry) -> MaskSet:
    """Bring masks to a grid with parallel axes, by the nearest voxel.

    Raises:
        ConfigError: The axes are not parallel.
    """
    lines = nearest_voxels(masks.geometry, grid)
    return MaskSet(masks.codes[np.ix_(*lines)], masks.sets, masks.organs, grid)
