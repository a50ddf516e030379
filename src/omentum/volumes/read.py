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
from omentum.volumes.itk_io import is_itk, read_itk
from omentum.volumes.nifti import is_nifti, read_nifti
from omentum.volumes.resample import resampled_anyhow
from omentum.volumes.volume import Volume

__all__ = [
    "AIR_HU",
    "NOT_A_CT",
    "SIDE_VOXELS",
    "SPACING_MM",
    "check_finite",
    "is_volume",
    "read_ct",
    "read_volume",
]

SIDE_VOXELS = (8, 4096)
AIR_HU = -1024
NOT_A_CT = "give .nii, .nii.gz, .nrrd, .mha or a DICOM folder"


def is_volume(path: Path) -> bool:
    """Tell by its ending whether a file is one that volumes are read from: NIfTI, NRRD or MetaImage."""
    return is_nifti(path) or is_itk(path)


def read_volume(path: Path, *, check: Callable[[Geometry], object] | None = None) -> Volume:
    """Read a file of any such kind, whatever its voxels mean; see `read_nifti` and `read_itk`."""
    return read_itk(path, check=check) if is_itk(path) else read_nifti(path, check=check)


def read_ct(path: Path, *, files: Sequence[Path] = (), resample_tilt: bool = False) -> Volume:
    """Read a CT in Hounsfield units from a file or a DICOM folder, and check it.

    Args:
        path: A NIfTI, NRRD or MetaImage file, or a folder with one series.
        files: The files of the series, where the folder holds others too.
        resample_tilt: Put a series from a tilted gantry on an upright grid, instead of refusing it.

    Returns:
        int16 or float32 voxels on the source's own grid.

    Raises:
        ImageError: Whatever makes it unusable; see the tree in `omentum.errors`.
    """
    if not path.exists():
        raise UnreadableImageError(path, "there is no such file or folder", "check the path")
    if path.is_dir():
        volume = _upright(path, read_dicom(path, files), resample_tilt=resample_tilt)
        _check_geometry(path, volume.geometry)
    elif is_volume(path):
        volume = read_volume(path, check=partial(_check_geometry, path))
    else:
        raise UnreadableImageError(
            path, "expected a NIfTI, NRRD or MetaImage file or a DICOM folder", NOT_A_CT
        )
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
    return Volume(resampled_anyhow(volume.voxels, volume.geometry, grid, outside=AIR_HU), grid)
