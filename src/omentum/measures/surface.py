"""How far apart are the surfaces of two masks?

In:  two masks on the same grid, and its spacing in mm.
Out: surface Dice at a tolerance, 95th percentile Hausdorff and mean surface distance, in mm.
The surface of a mask is its voxels with a face on the background, as in MONAI and scipy's
binary erosion; what is outside the grid is background. Work is done inside the masks' joint box.
"""

from dataclasses import dataclass

import edt
import numpy as np
import numpy.typing as npt

from omentum.volumes.boxes import bounding_box, joint_box

__all__ = [
    "SurfaceDistances",
    "hausdorff95_mm",
    "mean_surface_distance_mm",
    "surface_dice",
    "surface_distances",
    "surface_of",
]

Mask = npt.NDArray[np.bool_]
Spacing = tuple[float, float, float]

_FLOAT32_SLACK = 1.0 + 1e-6
"""Distances are float32: one that equals the tolerance on paper must not fall outside it."""


@dataclass(frozen=True, slots=True, eq=False)
class SurfaceDistances:
    """Distances from each surface voxel of two masks to the other's surface.

    Attributes:
        a_to_b_mm: One distance a surface voxel of the first mask, in mm.
        b_to_a_mm: The same for the second mask.
    """

    a_to_b_mm: npt.NDArray[np.float32]
    b_to_a_mm: npt.NDArray[np.float32]

    def dice(self, tolerance_mm: float) -> float:
        """Give the share of both surfaces that lies within a tolerance of the other."""
        limit = tolerance_mm * _FLOAT32_SLACK
        within = np.count_nonzero(self.a_to_b_mm <= limit) + np.count_nonzero(self.b_to_a_mm <= limit)
        return float(within) / (self.a_to_b_mm.size + self.b_to_a_mm.size)

    @property
    def hausdorff95_mm(self) -> float:
        """The larger of both directions' 95th percentiles."""
        return float(max(np.percentile(self.a_to_b_mm, 95), np.percentile(self.b_to_a_mm, 95)))

    @property
    def mean_mm(self) -> float:
        """Mean over both surfaces together."""
        total = self.a_to_b_mm.sum(dtype=np.float64) + self.b_to_a_mm.sum(dtype=np.float64)
        return float(total / (self.a_to_b_mm.size + self.b_to_a_mm.size))


def surface_of(mask: Mask) -> Mask:
    """Find the voxels of a mask that have a face on the background or on the grid's border."""
    inside = mask.copy()
    for axis in range(mask.ndim):
        along, line = np.moveaxis(inside, axis, 0), np.moveaxis(mask, axis, 0)
        along[1:] &= line[:-1]
        along[:-1] &= line[1:]
        along[0] = False
        along[-1] = False
    return np.asarray(mask & ~inside)


def surface_distances(a: Mask, b: Mask, spacing_mm: Spacing) -> SurfaceDistances | None:
    """Measure the distances between the surfaces of two masks, both ways.

    Args:
        a: One mask `(x, y, z)`.
        b: The other, on the same grid.
        spacing_mm: Edge lengths of a voxel `(x, y, z)`, in mm.

    Returns:
        The distances; `None` where either mask is empty and there is nothing to measure to.
    """
    box_a, box_b = bounding_box(a), bounding_box(b)
    box = joint_box([box_a, box_b])
    if box is None or box_a is None or box_b is None:
        return None
    surface_a = surface_of(np.ascontiguousarray(a[box]))
    surface_b = surface_of(np.ascontiguousarray(b[box]))
    to_b_mm = _distance_to_mm(surface_b, spacing_mm)[surface_a]
    return SurfaceDistances(to_b_mm, _distance_to_mm(surface_a, spacing_mm)[surface_b])


def surface_dice(a: Mask, b: Mask, spacing_mm: Spacing, tolerance_mm: float) -> float | None:
    """Measure the share of both surfaces that lies within a tolerance of the other.

    Args:
        a: One mask `(x, y, z)`.
        b: The other, on the same grid.
        spacing_mm: Edge lengths of a voxel `(x, y, z)`, in mm.
        tolerance_mm: Distance that still counts as agreement, in mm.

    Returns:
        Surface Dice in [0, 1]; 0.0 where one mask is empty, `None` where both are.

    Source:
        Nikolov et al. 2018, arXiv:1809.04430; surfaces are counted in voxels, as in MONAI's
        `compute_surface_dice` with `spacing` and without sub-voxels.

    Example:
        >>> a = np.zeros((6, 6, 6), dtype=bool)
        >>> a[1:4, 1:4, 1:4] = True
        >>> surface_dice(a, np.roll(a, 1, axis=0), (1.0, 1.0, 1.0), tolerance_mm=1.0)
        1.0
    """
    distances = surface_distances(a, b, spacing_mm)
    if distances is not None:
        return distances.dice(tolerance_mm)
    return 0.0 if a.any() or b.any() else None


def hausdorff95_mm(a: Mask, b: Mask, spacing_mm: Spacing) -> float | None:
    """Measure the distance that 95% of each surface stays below; `None` where a mask is empty."""
    distances = surface_distances(a, b, spacing_mm)
    return None if distances is None else distances.hausdorff95_mm


def mean_surface_distance_mm(a: Mask, b: Mask, spacing_mm: Spacing) -> float | None:
    """Measure the mean distance over both surfaces together; `None` where a mask is empty."""
    distances = surface_distances(a, b, spacing_mm)
    return None if distances is None else distances.mean_mm


def _distance_to_mm(surface: Mask, spacing_mm: Spacing) -> npt.NDArray[np.float32]:
    """Measure every voxel's distance to the nearest surface voxel, in mm."""
    return np.asarray(edt.edt(~surface, anisotropy=spacing_mm, black_border=False, parallel=1))
