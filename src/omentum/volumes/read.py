"""Read and check CTs and masks of any file format."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from omentum.errors import (
    AffineError,
    DicomSeriesError,
    GridMismatchError,
    ImageShapeError,
    LabelValueError,
    NonFiniteVoxelsError,
    UnreadableImageError,
)
from omentum.volumes.dicom import TILT_MM, read_dicom, tilt_mm, upright
from omentum.volumes.geometry import SAME_GRID_TOLERANCE_MM, Geometry
from omentum.volumes.itk_io import is_itk, read_itk
from omentum.volumes.nifti import is_nifti, read_nifti
from omentum.volumes.resample import resampled_anyhow
from omentum.volumes.volume import Volume

__all__ = [
    "AIR_HU",
    "NOT_A_CT",
    "SIDE_VOXELS",
    "SPACING_MM",
    "check_grid",
    "checked_labels",
    "is_volume",
    "read_ct",
    "read_mask",
    "read_volume",
]

SIDE_VOXELS = (8, 4096)
SPACING_MM = (0.1, 20.0)
AIR_HU = -1024
NOT_A_CT = "give .nii, .nii.gz, .nrrd, .mha or a DICOM folder"
_ROUNDING = 1e-3
"""Labels in scaled or floating files may be this far from whole numbers."""


def is_volume(path: Path) -> bool:
    """Tell by its ending whether a file is one that volumes are read from: NIfTI, NRRD or MetaImage."""
    return is_nifti(path) or is_itk(path)


def read_volume(path: Path, *, check: Callable[[Geometry], None] | None = None) -> Volume:
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
        raise UnreadableImageError(path, "it is neither NIfTI nor a folder", NOT_A_CT)
    _check_finite(path, volume.voxels)
    return Volume(_hounsfield(volume.voxels), volume.geometry)


def read_mask(path: Path, geometry: Geometry) -> Volume:
    """Read a label map or a binary mask that must lie on a CT's grid.

    Returns:
        uint8 labels `(x, y, z)`; the CT's own grid, so that rounding in the mask's header is forgotten.

    Raises:
        GridMismatchError: Its shape differs, or a corner is more than 1e-3 mm off.
        LabelValueError: A value is not a whole number from 0 to 255, but for the rounding of scaled files.
        ImageError: It cannot be read.
    """
    mask = read_volume(path)
    if not mask.geometry.same_grid(geometry):
        mask = _along(mask, geometry)
    check_grid(path, mask.geometry, geometry)
    return Volume(checked_labels(path, mask.voxels), geometry)


def checked_labels(path: Path, voxels: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Give a file's voxels `(x, y, z)` as labels.

    Raises:
        LabelValueError: A value is not a whole number from 0 to 255, but for the rounding of scaled files.
        NonFiniteVoxelsError: A value is NaN or infinite.
    """
    _check_finite(path, voxels)
    return _labels(path, voxels)


def _along(mask: Volume, geometry: Geometry) -> Volume:
    """Turn a mask's axes as the CT's are: some programs save the same grid in another order."""
    turned = mask.reoriented(geometry.orientation)
    return turned if turned.geometry.same_grid(geometry) else mask


def _labels(path: Path, voxels: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    low, high = float(voxels.min()), float(voxels.max())
    if low < -_ROUNDING or high > 255 + _ROUNDING:
        seen = f"its values run from {low:g} to {high:g}, and label ids from 0 to 255"
        raise LabelValueError(path, seen, "map its ids to the label table first")
    if voxels.dtype.kind in "iu":
        return voxels.astype(np.uint8, copy=False)
    labels = np.empty(voxels.shape, dtype=np.uint8, order="F")
    for z in range(voxels.shape[2]):
        nearest = np.rint(voxels[:, :, z])
        off = np.abs(nearest - voxels[:, :, z])
        if off.max() > _ROUNDING:
            seen = f"it holds {voxels[:, :, z].flat[off.argmax()]:g}, and labels are whole numbers"
            raise LabelValueError(path, seen, "save the mask, not probabilities")
        labels[:, :, z] = nearest
    return labels


def _hounsfield(voxels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Keep int16 and float32; any other integer becomes int16 if its values allow."""
    if voxels.dtype.kind == "f" or voxels.dtype == np.int16:
        return voxels
    limits = np.iinfo(np.int16)
    fits = int(voxels.min()) >= limits.min and int(voxels.max()) <= limits.max
    return voxels.astype(np.int16 if fits else np.float32)


def check_grid(path: Path, mask: Geometry, ct: Geometry) -> None:
    """Refuse a mask that does not lie on a CT's grid, with `GridMismatchError`."""
    if mask.shape != ct.shape:
        seen = f"its shape is {mask.shape}, the CT's {ct.shape}"
        raise GridMismatchError(path, seen, "resample the mask to the CT's grid")
    if not mask.same_grid(ct):
        off_mm = mask.distance_mm(ct)
        seen = f"a corner lies {off_mm:.3g} mm off the CT's, and {SAME_GRID_TOLERANCE_MM} mm is allowed"
        raise GridMismatchError(path, seen, "save the mask on the CT's own grid")


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


def _check_finite(path: Path, voxels: npt.NDArray[Any]) -> None:
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
