"""Which way do the array axes point? Reordering and flipping, nothing else.

In:  a volume or a grid, and the three letters that its axes should point to.
Out: the same voxels at the same places, as a view.
"""

import nibabel as nib
import numpy as np

from omentum.errors import ConfigError
from omentum.volumes.geometry import Geometry
from omentum.volumes.volume import Volume

__all__ = ["ALL_ORIENTATIONS", "reoriented", "reoriented_geometry"]

ALL_ORIENTATIONS: tuple[str, ...] = tuple(
    "".join(letters)
    for letters in np.array(np.meshgrid(list("RLAPSI"), list("RLAPSI"), list("RLAPSI")))
    .T.reshape(-1, 3)
    .tolist()
    if len({"RLAPSI".index(letter) // 2 for letter in letters}) == 3
)
"""The 48 ways in which three axes can point, such as `RAS` or `PIL`."""


Change = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
"""As of `nibabel.orientations`: of each axis the one that it becomes, and -1 where it is turned round."""


def reoriented(volume: Volume, orientation: str) -> Volume:
    """Let the array axes point where said; voxels keep their places in mm. A view, not a copy.

    Raises:
        ConfigError: `orientation` is not one of the 48.
    """
    change = _change(volume.geometry, orientation)
    voxels = nib.orientations.apply_orientation(volume.voxels, change)
    return Volume(voxels, _changed(volume.geometry, change))


def reoriented_geometry(geometry: Geometry, orientation: str) -> Geometry:
    """Give the grid that `reoriented` gives, without voxels.

    Example:
        >>> grid = Geometry((4, 5, 6), np.diag([-2.0, 1.0, 3.0, 1.0]))
        >>> reoriented_geometry(grid, "SRA").shape
        (6, 4, 5)
    """
    return _changed(geometry, _change(geometry, orientation))


def _changed(geometry: Geometry, change: Change) -> Geometry:
    affine = geometry.affine @ nib.orientations.inv_ornt_aff(change, geometry.shape)
    shape = [0, 0, 0]
    for old_axis, new_axis in enumerate(change[:, 0].astype(int)):
        shape[new_axis] = geometry.shape[old_axis]
    return Geometry((shape[0], shape[1], shape[2]), affine)


def _change(geometry: Geometry, orientation: str) -> Change:
    if orientation not in ALL_ORIENTATIONS:
        raise ConfigError("orientation", orientation, "three letters are needed, one each of R/L, A/P, S/I")
    old = nib.orientations.io_orientation(geometry.affine)
    new = nib.orientations.axcodes2ornt(tuple(orientation))
    return np.asarray(nib.orientations.ornt_transform(old, new), dtype=np.float64)
