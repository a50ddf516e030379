"""Read volumes of any file format, and check CTs."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from omentum.errors import (
    AffineError,
    DicomSeriesError,
    ImageShapeError,
    NonFiniteVoxelsError,
    UnreadableImageError,
)
from omentum.volumes.dicom import TILT_MM, read_dicom, tilt_mm, upright
from omentum.volumes.geometry import SPACING_MM, Geometry
from omentum.volumes.itk_io import ITK_ENDINGS, is_itk, read_itk
from omentum.volumes.library_errors import is_there, reading
from omentum.volumes.nifti import is_nifti, read_nifti
from omentum.volumes.nifti_headers import header_file
from omentum.volumes.resample import resampled_anyhow
from omentum.volumes.volume import Volume

__all__ = [
    "AIR_HU",
    "NOT_A_CT",
    "SIDE_VOXELS",
    "SPACING_MM",
    "check_finite",
    "is_volume",
    "not_a_volume",
    "read_ct",
    "read_volume",
    "why_no_volume",
]

SIDE_VOXELS = (8, 4096)
AIR_HU = -1024
NOT_A_CT = "give .nii, .nii.gz, .hdr with .img, .nrrd, .nhdr, .mha, .mhd or a DICOM folder"
_COMPRESSED = (".7z", ".bz2", ".lz4", ".rar", ".tar", ".tgz", ".xz", ".z", ".zip", ".zst")
_EXPECTED = (
    "expected a NIfTI, NRRD or MetaImage file or a DICOM folder; "
    "convert it with 3D Slicer, or with SimpleITK's ReadImage and WriteImage"
)
_OTHERS = (".gipl", ".mgh", ".mgz", ".mif", ".minc", ".mnc", ".vti", ".vtk")
"""Formats of volumes that are not read."""


def is_volume(path: Path) -> bool:
    """Tell by its ending whether a file is a volume: NIfTI (of a pair, the `.hdr`), NRRD or MetaImage."""
    return is_nifti(path) or is_itk(path)


def why_no_volume(path: Path) -> str | None:
    """Say why a file that may be a volume is not read; `None` where its name does not look like one."""
    name = path.name.lower()
    if name.endswith(_COMPRESSED) or name.endswith(tuple(f"{one}.gz" for one in ITK_ENDINGS)):
        return f"it is compressed ({path.suffix}), and only .nii.gz is read compressed; decompress it first"
    if name.endswith((".hdr", ".hdr.gz", ".img", ".img.gz")):
        return "a NIfTI pair is an .hdr and an .img of one name, and the other one is not beside it"
    if name.endswith(_OTHERS):
        return _EXPECTED
    return None


def not_a_volume(path: Path) -> UnreadableImageError:
    """Make the error about a file that is none of the kinds that are read."""
    seen, _, cure = (why_no_volume(path) or _EXPECTED).partition("; ")
    return UnreadableImageError(path, seen, cure or NOT_A_CT)


def read_volume(path: Path, *, check: Callable[[Geometry], object] | None = None) -> Volume:
    """Read a file of any such kind, whatever its voxels mean; see `read_nifti` and `read_itk`."""
    with reading(path):
        path = header_file(path)
        return read_itk(path, check=check) if is_itk(path) else read_nifti(path, check=check)


def read_ct(
    path: Path, *, files: Sequence[Path] = (), resample_tilt: bool = False, resample_slices: bool = False
) -> Volume:
    """Read a CT in Hounsfield units from a file or a DICOM folder, and check it.

    Args:
        path: A NIfTI, NRRD or MetaImage file, or a folder with one series.
        files: The files of the series, where the folder holds others too.
        resample_tilt: Put a series from a tilted gantry on an upright grid, instead of refusing it.
        resample_slices: Put slices at uneven distances on an even grid, instead of refusing them.

    Returns:
        int16 or float32 voxels on the source's own grid.

    Raises:
        ImageError: Whatever makes it unusable; see the tree in `omentum.errors`.
    """
    if not is_there(path):
        raise UnreadableImageError(path, "there is no such file or folder", "check the path")
    if path.is_dir():
        with reading(path):
            volume = read_dicom(path, files, resample_slices=resample_slices)
        volume = _upright(path, volume, resample_tilt=resample_tilt)
        _check_geometry(path, volume.geometry)
    elif is_volume(header_file(path)):
        volume = read_volume(path, check=partial(_check_geometry, path))
    else:
        raise not_a_volume(path)
    check_finite(path, volume.voxels)
    return replace(volume, voxels=_hounsfield(volume.voxels))


def _hounsfield(voxels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Keep int16 and float32; any other integer becomes int16 if its values allow."""
    if voxels.dtype.kind == "f" or voxels.dtype == np.int16:
        return voxels
    limits = np.iinfo(np.int16)
    fits = int(voxels.min()) >= limits.min and int(voxels.max()) <= limits.max
    return voxels.astype(np.int16 if fits else np.float32)


def _check_geometry(path: Path, geometry: Geometry) -> None:
    low, high = SIDE_VOXELS
    if min(geometry.shape) < low or max(geometry.shape) > high:
        seen = f"its shape is {geometry.shape}, and sides run from {low} to {high} voxels"
        raise ImageShapeError(path, seen, "give the whole CT volume")
    low_mm, high_mm = SPACING_MM
    if min(geometry.spacing_mm) < low_mm or max(geometry.spacing_mm) > high_mm:
        spacing = " x ".join(f"{side:g}" for side in geometry.spacing_mm)
        seen = f"its spacing is {spacing} mm, and edges run from {low_mm} to {high_mm} mm"
        raise AffineError(path, seen, "correct the spacing in its header")


def check_finite(path: Path, voxels: npt.NDArray[Any]) -> None:
    """Refuse voxels `(x, y, z)` that are NaN or infinite, with `NonFiniteVoxelsError`."""
    if voxels.dtype.kind != "f":
        return
    n_bad = sum(int(np.count_nonzero(~np.isfinite(voxels[:, :, z]))) for z in range(voxels.shape[2]))
    if n_bad:
        raise NonFiniteVoxelsError(
            path, f"{n_bad} voxels are NaN or infinite", "export it anew from its source"
        )


def _upright(path: Path, volume: Volume, *, resample_tilt: bool) -> Volume:
    sideways_mm = tilt_mm(volume.geometry)
    if sideways_mm <= TILT_MM:
        return volume
    if not resample_tilt:
        seen = f"its gantry was tilted: each slice lies {sideways_mm:.2f} mm beside the one below"
        raise DicomSeriesError(path, seen, "give --resample-tilt to put it on an upright grid")
    grid = upright(volume.geometry)
    voxels = resampled_anyhow(volume.voxels, volume.geometry, grid, outside=AIR_HU)
    return Volume(voxels, grid, (*volume.notes, "slices of a tilted gantry were put on an upright grid"))
