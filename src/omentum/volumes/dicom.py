"""Read one CT series from a folder of DICOM files.

The positions of slices alone tell their distance; `SliceThickness` does not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
from pydicom.errors import InvalidDicomError
from pydicom.uid import MediaStorageDirectoryStorage

from omentum.errors import DicomSeriesError
from omentum.volumes.geometry import LPS_TO_RAS, Affine, Geometry
from omentum.volumes.volume import Volume

__all__ = ["Series", "read_dicom", "read_series"]

_GRID_TAGS = ["ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "Rows", "Columns"]
_TAGS = ["Modality", "SeriesInstanceUID", "PatientID", "ImageType", *_GRID_TAGS]
UNEVEN_MM = 0.1
"""Slices may be this far from where even spacing puts them: headers round to 0.01 mm or worse."""
TILT_MM = 0.1
"""Slices may shift sideways by this much, each against the one below."""
_ROUNDING = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """The checked headers of one series.

    Attributes:
        files: One for each slice, by rising position along the slice normal.
        geometry: The grid; sheared if the gantry was tilted.
        patient_id: As in the headers; may be empty.
    """

    files: tuple[Path, ...]
    geometry: Geometry
    patient_id: str


def read_series(folder: Path, files: Sequence[Path] = ()) -> Series:
    """Find the one CT series in a folder, from its headers.

    Args:
        folder: The folder of the series.
        files: Those to read; all in the folder if there are none.

    Raises:
        DicomSeriesError: There is no such folder, no series or more than one; or slices are missing,
            truncated, duplicate or uneven.
    """
    slices = _one_series(folder, _headers(folder, files))
    first = slices[0][1]
    row, column = np.array(first.ImageOrientationPatient, dtype=np.float64).reshape(2, 3)
    normal = np.cross(row, column)
    slices.sort(key=lambda found: float(normal @ _position(found[1])))
    positions = np.array([_position(header) for _, header in slices])
    _check_even(folder, positions @ normal)
    affine = np.eye(4)
    affine[:3, 0] = row * float(first.PixelSpacing[1])
    affine[:3, 1] = column * float(first.PixelSpacing[0])
    affine[:3, 2] = (positions[-1] - positions[0]) / (len(positions) - 1)
    affine[:3, 3] = positions[0]
    geometry = Geometry((int(first.Columns), int(first.Rows), len(slices)), LPS_TO_RAS @ affine)
    patient_id = str(first.get("PatientID", "") or "")
    return Series(files=tuple(path for path, _ in slices), geometry=geometry, patient_id=patient_id)


def read_dicom(folder: Path, files: Sequence[Path] = ()) -> Volume:
    """Read the one CT series in a folder, or in these files of it; Hounsfield units as int16.

    Raises:
        DicomSeriesError: As `read_series`; or the slices cannot be decoded.
    """
    series = read_series(folder, files)
    import SimpleITK as sitk  # slow to import, and only DICOM needs it

    reader = sitk.ImageSeriesReader()
    reader.SetFileNames([str(path) for path in series.files])
    try:
        voxels = sitk.GetArrayFromImage(reader.Execute())
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1]
        raise DicomSeriesError(
            folder, f"its slices cannot be decoded ({reason})", "export the series anew"
        ) from None
    return Volume(_hounsfield(voxels).transpose(2, 1, 0), series.geometry)


def tilt_mm(geometry: Geometry) -> float:
    """Measure the sideways shift of each slice against the one below, in mm; 0 for an upright gantry."""
    row, column, step = geometry.affine[:3, :3].T
    normal = np.cross(row, column)
    normal /= np.linalg.norm(normal)
    return float(np.linalg.norm(step - (step @ normal) * normal))


def upright(geometry: Geometry) -> Geometry:
    """Give an upright grid that covers every slice of a tilted one."""
    affine: Affine = geometry.affine.copy()
    row, column, step = affine[:3, :3].T
    normal = np.cross(row, column)
    normal /= np.linalg.norm(normal)
    affine[:3, 2] = (step @ normal) * normal
    corners = np.linalg.solve(affine[:3, :3], (geometry.corners_mm - affine[:3, 3]).T).T
    low = np.floor(corners.min(axis=0) + _ROUNDING).astype(int)
    high = np.ceil(corners.max(axis=0) - _ROUNDING).astype(int)
    affine[:3, 3] += affine[:3, :3] @ low
    x, y, z = (high - low + 1).tolist()
    return Geometry((x, y, z), affine)


def _hounsfield(voxels: npt.NDArray[Any]) -> npt.NDArray[np.int16]:
    """Round to int16; only padding values exceed 16 bits, and are clipped."""
    limits = np.iinfo(np.int16)
    if voxels.dtype.kind == "f":  # a fractional slope
        np.rint(voxels, out=voxels)
    if voxels.dtype != np.int16:
        np.clip(voxels, limits.min, limits.max, out=voxels)
    return voxels.astype(np.int16, copy=False)


def _headers(folder: Path, files: Sequence[Path]) -> list[tuple[Path, pydicom.Dataset]]:
    if not folder.is_dir():
        raise DicomSeriesError(folder, "there is no such folder", "check the path")
    found: list[tuple[Path, pydicom.Dataset]] = []
    for path in sorted(files or (path for path in folder.iterdir() if path.is_file())):
        try:
            header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=_TAGS)
        except (InvalidDicomError, OSError, EOFError):
            continue  # other files in the folder
        if _is_cut_short(header):
            raise DicomSeriesError(folder, f"{path.name} is cut short", "copy it again from its source")
        if header.get("Modality") == "CT" and _is_axial_stack(header):
            found.append((path, header))
    return found


def _is_cut_short(header: pydicom.FileDataset) -> bool:
    """Tell whether a header ends before the rows of a CT; each other kind of object says what it is."""
    if header.file_meta.get("MediaStorageSOPClassUID") == MediaStorageDirectoryStorage:
        return False
    return header.get("Modality", "CT") == "CT" and "Rows" not in header


def _is_axial_stack(header: pydicom.Dataset) -> bool:
    complete = all(header.get(tag) is not None for tag in _GRID_TAGS)
    return complete and "LOCALIZER" not in (header.get("ImageType") or [])


def _one_series(
    folder: Path, found: Sequence[tuple[Path, pydicom.Dataset]]
) -> list[tuple[Path, pydicom.Dataset]]:
    by_series = sorted(found, key=lambda pair: _series_key(pair[1]))
    groups = [list(members) for _, members in groupby(by_series, key=lambda pair: _series_key(pair[1]))]
    if not groups:
        raise DicomSeriesError(
            folder, "no CT slices are in it", "give the folder that holds the .dcm files of one series"
        )
    if len(groups) > 1:
        sizes = ", ".join(f"{len(group)} slices" for group in groups)
        raise DicomSeriesError(
            folder, f"it holds {len(groups)} series ({sizes})", "give each series a folder of its own"
        )
    if len(groups[0]) < 2:
        raise DicomSeriesError(
            folder, "it holds one slice", "a volume needs at least 8; give the whole series"
        )
    return groups[0]


def _series_key(header: pydicom.Dataset) -> str:
    """Series id, orientation and grid: some exporters put reformats under one id, others leave it empty."""
    orientation = [round(float(value), 3) + 0.0 for value in header.ImageOrientationPatient]
    spacing_mm = [round(float(value), 4) for value in header.PixelSpacing]
    return f"{header.get('SeriesInstanceUID')}|{orientation}|{spacing_mm}|{header.Rows}|{header.Columns}"


def _position(header: pydicom.Dataset) -> npt.NDArray[np.float64]:
    return np.array(header.ImagePositionPatient, dtype=np.float64)


def _check_even(folder: Path, heights_mm: npt.NDArray[np.float64]) -> None:
    gaps = np.diff(heights_mm)
    usual = float(np.median(gaps))
    if gaps.min() < UNEVEN_MM / 10:
        at = float(heights_mm[int(gaps.argmin())])
        raise DicomSeriesError(
            folder, f"two slices lie at {at:.1f} mm", "remove the doubled ones, or split the series"
        )
    even = np.linspace(heights_mm[0], heights_mm[-1], len(heights_mm))
    if np.abs(heights_mm - even).max() > UNEVEN_MM or gaps.max() > 1.5 * usual:
        worst = int(np.abs(gaps - usual).argmax())
        seen = f"its slices are {usual:.2f} mm apart but {gaps[worst]:.2f} mm at {heights_mm[worst]:.1f} mm"
        raise DicomSeriesError(folder, seen, "a slice is missing: export the series anew")
