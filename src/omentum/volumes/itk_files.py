"""How do volumes come from NRRD and MetaImage files?

In:  `.nrrd`, `.nhdr`, `.mha`, `.mhd` files with three axes, whose header says where they are in the patient.
Out: a `Volume` with an RAS+ affine, the axes as they are in the file.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from omentum.errors import AffineError, ImageShapeError, UnreadableImageError
from omentum.volumes.geometry import Geometry
from omentum.volumes.volume import Volume

__all__ = ["ITK_ENDINGS", "is_itk", "read_itk"]

ITK_ENDINGS = (".nrrd", ".nhdr", ".mha", ".mhd")

_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
_CURE = "save it anew as a 3D volume from the program it came from"


def is_itk(path: Path) -> bool:
    """Tell by its ending whether a file is NRRD or MetaImage."""
    return path.name.lower().endswith(ITK_ENDINGS)


def read_itk(path: Path, *, check: Callable[[Geometry], None] | None = None) -> Volume:
    """Read a file; integers stay integers, anything floating becomes float32.

    Args:
        path: The file.
        check: Looks at the grid before any voxel is read; what it raises is raised.

    Raises:
        UnreadableImageError: It is not there, cut short, or neither NRRD nor MetaImage.
        ImageShapeError: It does not have three axes of length over 1, or several values a voxel.
        AffineError: An NRRD file does not say in which space it is, so that left and right are unknown.
    """
    reader = _header(path)
    geometry = _geometry(path, reader)
    if check is not None:
        check(geometry)
    import SimpleITK as sitk

    try:
        voxels = sitk.GetArrayFromImage(reader.Execute()).transpose(2, 1, 0)
    except RuntimeError as error:
        raise UnreadableImageError(
            path, f"its voxels cannot be read ({_last_line(error)})", "copy it again from its source"
        ) from None
    if voxels.dtype.kind == "f":
        voxels = voxels.astype(np.float32, copy=False)
    return Volume(voxels, geometry)


def _header(path: Path) -> Any:
    import SimpleITK as sitk  # slow to import, and few files need it

    if not path.is_file():
        raise UnreadableImageError(path, "there is no such file", "check the path")
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        raise UnreadableImageError(path, f"it cannot be read ({_last_line(error)})", _CURE) from None
    return reader


def _geometry(path: Path, reader: Any) -> Geometry:
    size = reader.GetSize()
    n_values = reader.GetNumberOfComponents()
    if len(size) != 3 or min(size) < 2 or n_values != 1:
        seen = f"it has shape {size} with {n_values} values a voxel, and a volume has three axes and one"
        raise ImageShapeError(path, seen, "give one 3D volume a file")
    if path.suffix.lower() in {".nrrd", ".nhdr"} and "NRRD_space" not in reader.GetMetaDataKeys():
        raise AffineError(path, "its header names no space, so left and right are unknown", _CURE)
    affine = np.eye(4)
    affine[:3, :3] = np.array(reader.GetDirection()).reshape(3, 3) * np.array(reader.GetSpacing())
    affine[:3, 3] = reader.GetOrigin()
    try:
        x, y, z = size
        return Geometry((x, y, z), _LPS_TO_RAS @ affine)
    except AffineError as error:
        raise AffineError(path, *str(error).removeprefix("grid: ").split("; ")) from None


def _last_line(error: RuntimeError) -> str:
    return str(error).strip().splitlines()[-1]
