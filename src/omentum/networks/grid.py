"""Resample a CT to a network's grid, and turn maps on that grid back to the CT's axes.

Only the small grid is ever turned, so full-size volumes keep the order in which they were read.
"""

from typing import Any

import nibabel as nib
import numpy as np
import numpy.typing as npt

from omentum.volumes.boxes import bounding_box, grown
from omentum.volumes.geometry import Geometry
from omentum.volumes.probabilities import reach
from omentum.volumes.volume import Volume

__all__ = ["NETWORK_AXES", "from_network_axes", "network_geometry", "to_network_grid", "to_network_mask"]

NETWORK_AXES = "RAS"


def network_geometry(ct: Geometry, spacing_mm: float) -> Geometry:
    """Give the network's grid over a CT's field of view, axes turned to RAS+."""
    return ct.spaced((spacing_mm,) * 3).reoriented(NETWORK_AXES)


def to_network_grid(ct: Volume, spacing_mm: float, *, published: bool = False) -> Volume:
    """Resample a CT for a network: float32 Hounsfield units, axes turned to RAS+.

    Args:
        ct: On any grid.
        spacing_mm: The network's.
        published: Use the published grid, and interpolate without smoothing.
    """
    grid = _parallel(ct.geometry, spacing_mm, published=published)
    values = ct.resampled(grid, smooth=not published).voxels
    return Volume(values, grid).reoriented(NETWORK_AXES)


def to_network_mask(mask: Volume, spacing_mm: float) -> npt.NDArray[np.bool_]:
    """Resample a mask for training: a voxel counts if more than half of its volume is in the mask.

    Args:
        mask: bool or 0/1 `(x, y, z)` on the CT's grid.
        spacing_mm: The network's.
    """
    grid = mask.geometry.spaced((spacing_mm,) * 3)
    small = np.zeros(grid.shape, dtype=bool)
    filled = bounding_box(mask.voxels)
    if filled is not None:
        margin = int(np.ceil(2 * spacing_mm / min(mask.geometry.spacing_mm)))
        part = mask.cropped(grown(filled, margin, mask.geometry.shape))
        box = reach(part.geometry, grid)
        small[box] = part.resampled(grid.cropped(box)).voxels > 0.5
    turned: npt.NDArray[np.bool_] = Volume(small, grid).reoriented(NETWORK_AXES).voxels
    return turned


def from_network_axes(
    voxels: npt.NDArray[Any], ct: Geometry, spacing_mm: float, *, published: bool = False
) -> Volume:
    """Turn a map on the network's grid to the axes of the CT, so that both grids are parallel."""
    grid = _parallel(ct, spacing_mm, published=published)
    # By the transform, not by name: axes at 45 degrees have two names.
    back = nib.orientations.ornt_transform(
        nib.orientations.axcodes2ornt(tuple(NETWORK_AXES)), nib.orientations.io_orientation(grid.affine)
    )
    return Volume(nib.orientations.apply_orientation(voxels, back), grid)


def _parallel(ct: Geometry, spacing_mm: float, *, published: bool) -> Geometry:
    """Give the network's grid with the axes of the CT.

    Ours has the CT's centre and field of view. The published one begins at the centre of the CT's leftmost,
    rearmost, lowest voxel, and ends within half a step of the last.

    Source:
        MONAI's `Spacing` after `Orientation("RAS")`, as AbdomenAtlas-8K uses them.
    """
    if not published:
        return ct.spaced((spacing_mm,) * 3)
    last = np.array(ct.shape) - 1
    ratio = spacing_mm / np.array(ct.spacing_mm)
    steps = np.rint(last / ratio + 1).astype(int) - 1
    is_flipped = nib.orientations.io_orientation(ct.affine)[:, 1] < 0
    affine = ct.affine.copy()
    affine[:3, :3] *= ratio
    affine[:3, 3] = ct.to_mm(np.where(is_flipped, last - steps * ratio, 0.0))
    return Geometry((int(steps[0]) + 1, int(steps[1]) + 1, int(steps[2]) + 1), affine)
