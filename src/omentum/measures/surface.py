"""Measure how well the surfaces of two masks agree.

The surface of a mask is its voxels with a face on the background, as in MONAI and scipy's binary erosion;
what is outside the grid is background.
"""

import numpy as np
import numpy.typing as npt

from omentum.volumes.boxes import bounding_box, joint_box

__all__ = ["SURFACE_TOLERANCE_MM", "surface_dice", "surface_of"]

Mask = npt.NDArray[np.bool_]
Spacing = tuple[float, float, float]

SURFACE_TOLERANCE_MM = 3.0
"""Two readers' surfaces lie within this distance of each other."""
_FLOAT32_SLACK = 1.0 + 1e-6
"""Distances are float32: one that equals the tolerance on paper must not fall outside it."""


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


def surface_dice(
    a: Mask, b: Mask, spacing_mm: Spacing, tolerance_mm: float = SURFACE_TOLERANCE_MM
) -> float | None:
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
    box_a, box_b = bounding_box(a), bounding_box(b)
    box = joint_box([box_a, box_b])
    if box is None or box_a is None or box_b is None:
        return None if box is None else 0.0
    surface_a = surface_of(np.ascontiguousarray(a[box]))
    surface_b = surface_of(np.ascontiguousarray(b[box]))
    near_a, near_b = (
        _distance_to_mm(one, spacing_mm) <= tolerance_mm * _FLOAT32_SLACK for one in (surface_a, surface_b)
    )
    n_near = np.count_nonzero(surface_a & near_b) + np.count_nonzero(surface_b & near_a)
    return float(n_near / (np.count_nonzero(surface_a) + np.count_nonzero(surface_b)))


def _distance_to_mm(surface: Mask, spacing_mm: Spacing) -> npt.NDArray[np.float32]:
    """Measure every voxel's distance to the nearest surface voxel, in mm."""
    import edt  # commands that only ask for the tolerance start without it

    return np.asarray(edt.edt(~surface, anisotropy=spacing_mm, black_border=False, parallel=1))
