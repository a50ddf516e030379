"""Read volumes from NRRD and MetaImage files."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from omentum.errors import AffineError, ImageShapeError, UnreadableImageError
from omentum.volumes.compressed_voxels import require_data_file, require_whole
from omentum.volumes.geometry import Geometry
from omentum.volumes.itk_headers import META_ENDINGS, itk_affine
from omentum.volumes.library_errors import is_there, require_reachable, said_by
from omentum.volumes.volume import Volume

__all__ = ["ITK_ENDINGS", "Layers", "is_itk", "read_itk", "read_itk_fields", "read_itk_layers"]

ITK_ENDINGS = (".nrrd", ".nhdr", ".mha", ".mhd")

_HEADER_BYTES = 1 << 14
_CURE = "save it anew as a 3D volume from the program it came from"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Layers:
    """One or more values for each voxel, `(layer, x, y, z)`, the grid of all layers, and notes for people."""

    voxels: npt.NDArray[Any]
    geometry: Geometry
    notes: tuple[str, ...] = ()


def is_itk(path: Path) -> bool:
    """Tell by its ending whether a file is NRRD or MetaImage."""
    return path.name.lower().endswith(ITK_ENDINGS)


def read_itk(path: Path, *, check: Callable[[Geometry], object] | None = None) -> Volume:
    """Read a file; integers stay integers, anything floating becomes float32.

    Args:
        path: The file.
        check: Looks at the grid before any voxel is read; what it raises is raised.

    Raises:
        UnreadableImageError: It is not there, cut short, or neither NRRD nor MetaImage.
        ImageShapeError: It does not have three axes of length over 1, or several values a voxel.
        AffineError: The header does not say where left and right are, or how large voxels are; see
            `itk_affine`.
    """
    reader = _header(path)
    size, n_values = _size(reader), reader.GetNumberOfComponents()
    if len(size) != 3 or min(size) < 2 or n_values != 1:
        seen = f"it has shape {size} with {n_values} values a voxel, and a volume has three axes and one"
        raise ImageShapeError(path, seen, "give one 3D volume a file")
    geometry, notes = _geometry(path, reader)
    if check is not None:
        check(geometry)
    return Volume(_voxels(path, reader).reshape(*reversed(size)).transpose(2, 1, 0), geometry, notes)


def read_itk_layers(path: Path, *, check: Callable[[Geometry], object] | None = None) -> Layers:
    """Read a file with one or more values for each voxel, on any axis of the file.

    Args:
        path: The file.
        check: Looks at the grid before any voxel is read; what it raises is raised.

    Raises:
        ImageShapeError: It does not have three axes of space; a side may be of one voxel.
        ImageError: Otherwise as `read_itk`.
    """
    reader = _header(path)
    size = _size(reader)
    if len(size) != 3:
        seen = f"it has {len(size)} axes of space, {size}, and a volume has three"
        raise ImageShapeError(path, seen, "give one 3D volume a file, its layers as an axis of kind `list`")
    geometry, notes = _geometry(path, reader)
    if check is not None:
        check(geometry)
    voxels = _voxels(path, reader).reshape(*reversed(size), reader.GetNumberOfComponents())
    return Layers(voxels=voxels.transpose(3, 2, 1, 0), geometry=geometry, notes=notes)


def read_itk_fields(path: Path) -> dict[str, str]:
    """Read the free text of a file's header, by key, without its voxels; errors as `read_itk`.

    A value that is not UTF-8 is read as Latin-1; a field whose key is not UTF-8 is left out.
    """
    reader = _header(path)
    keys = [key for key in reader.GetMetaDataKeys() if _is_utf8(key)]  # SimpleITK takes no others
    return {key: _text(reader.GetMetaData(key)) for key in keys}


def _is_utf8(text: str) -> bool:
    """Tell whether the bytes that a text was decoded from, with `surrogateescape`, were UTF-8."""
    return not any("\udc80" <= letter <= "\udcff" for letter in text)


def _text(text: str) -> str:
    return text if _is_utf8(text) else text.encode("utf-8", "surrogateescape").decode("latin-1")


def _header(path: Path) -> Any:
    import SimpleITK as sitk  # slow to import, and few files need it

    if not (is_there(path) and path.is_file()):
        raise UnreadableImageError(path, "there is no such file", "check the path")
    _require_header(path)
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    if path.suffix.lower() in META_ENDINGS:
        reader.SetImageIO("MetaImageIO")  # which of itself knows the endings in small letters only
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        require_reachable(path)
        raise UnreadableImageError(path, f"it cannot be read ({said_by(error, path)})", _CURE) from None
    return reader


def _require_header(path: Path) -> None:
    """Refuse what has no header at all; of a MetaImage file ITK would say "Success", and more on stderr."""
    with path.open("rb") as file:
        beginning = file.read(_HEADER_BYTES)
    if not beginning:
        raise UnreadableImageError(path, "the file is empty", _CURE)
    if path.suffix.lower() in META_ENDINGS and b"NDims" not in beginning:
        raise UnreadableImageError(path, "it does not begin as a MetaImage file does", _CURE)


def _voxels(path: Path, reader: Any) -> npt.NDArray[Any]:
    """Give the voxels `(z, y, x)`, or `(z, y, x, layer)`."""
    import SimpleITK as sitk

    require_data_file(path)
    try:
        voxels = np.asarray(sitk.GetArrayFromImage(reader.Execute()))
    except RuntimeError as error:
        require_reachable(path)
        raise UnreadableImageError(
            path, f"its voxels cannot be read ({said_by(error, path)})", "copy it again from its source"
        ) from None
    require_whole(path, voxels.nbytes)
    return voxels.astype(np.float32, copy=False) if voxels.dtype.kind == "f" else voxels


def _geometry(path: Path, reader: Any) -> tuple[Geometry, tuple[str, ...]]:
    """Give the grid, and what a person should know of it."""
    affine, notes = itk_affine(path, reader)
    try:
        x, y, z = _size(reader)
        return Geometry((x, y, z), affine), notes
    except AffineError as error:
        raise AffineError(path, *str(error).removeprefix("grid: ").split("; ")) from None


def _size(reader: Any) -> tuple[int, ...]:
    """Give the number of voxels along the axes, without further axes of one."""
    size = tuple(reader.GetSize())
    while len(size) > 3 and size[-1] == 1:
        size = size[:-1]
    return size
