"""Find the regions where a mask is wrong, deeper and larger than readers differ."""

from dataclasses import dataclass
from typing import Any

import edt
import numpy as np
import numpy.typing as npt

from omentum.measures.components import pieces_of
from omentum.measures.surface import SURFACE_TOLERANCE_MM

__all__ = ["DEEPER_THAN_MM", "LEAST_ML", "ErrorRegions", "error_regions"]

DEEPER_THAN_MM = SURFACE_TOLERANCE_MM
"""An error this close to the true surface is within what two readers differ by."""
LEAST_ML = 0.5
"""A smaller region is not worth opening a case for."""

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class ErrorRegions:
    """Where a mask is wrong.

    Attributes:
        numbers: Number of the region that a voxel belongs to, from 1; 0 elsewhere; shape `(x, y, z)`.
        volumes_ml: Volume of each region, by its number - 1.
    """

    numbers: npt.NDArray[Any]
    volumes_ml: tuple[float, ...]


def error_regions(
    mask: Mask,
    true: Mask,
    spacing_mm: tuple[float, float, float],
    *,
    deeper_than_mm: float = DEEPER_THAN_MM,
    least_ml: float = LEAST_ML,
) -> ErrorRegions:
    """Find the connected regions (26 neighbours) of mask XOR truth that lie deep and are large enough.

    Args:
        mask: What is judged `(x, y, z)`.
        true: What is right, on the same grid.
        spacing_mm: Edge lengths of a voxel `(x, y, z)`, in mm.
        deeper_than_mm: How far from the true surface a voxel's centre must lie; where nothing is true,
            any voxel of the mask lies deep.
        least_ml: Least volume of a region.

    Example:
        >>> true = np.zeros((20, 20, 20), dtype=bool)
        >>> true[2:8, 2:18, 2:18] = True
        >>> mask = true.copy()
        >>> mask[8:18, 5:15, 5:15] = True
        >>> error_regions(mask, true, (2.0, 2.0, 2.0)).volumes_ml
        (6.4,)
    """
    wrong = mask != true
    if wrong.any() and true.any():
        wrong &= _depth_mm(true, spacing_mm) > deeper_than_mm
    pieces = pieces_of(wrong)
    volumes_ml = pieces.n_voxels * (float(np.prod(spacing_mm)) / 1000.0)
    large = 1 + np.flatnonzero(volumes_ml[1:] >= least_ml)  # number 0 is what is right
    renumbered = np.zeros(len(volumes_ml), dtype=np.int32)
    renumbered[large] = np.arange(1, len(large) + 1)
    return ErrorRegions(renumbered[pieces.numbers], tuple(volumes_ml[large].tolist()))


def _depth_mm(true: Mask, spacing_mm: tuple[float, float, float]) -> npt.NDArray[np.float32]:
    """Measure how far each voxel's centre lies from the true surface, which is between two voxels."""
    line = np.ascontiguousarray(true)
    apart = edt.edt(line, anisotropy=spacing_mm, black_border=False, parallel=1)
    outside = edt.edt(~line, anisotropy=spacing_mm, black_border=False, parallel=1)
    return np.asarray(np.where(line, apart, outside) - 0.5 * min(spacing_mm), dtype=np.float32)
