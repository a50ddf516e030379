"""Make a CT series of a released case, for DICOM objects to refer to.

Slices are axial, or as near as the grid allows, and carry no identity. A case gets the same UIDs each time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from pydicom import FileDataset
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid
from pydicom.valuerep import DSfloat

from omentum.errors import AffineError
from omentum.records.released_cases import ReleasedCase
from omentum.volumes.atomic import writing
from omentum.volumes.geometry import LPS_TO_RAS, Geometry
from omentum.volumes.nifti import read_nifti_geometry
from omentum.volumes.read import read_ct

__all__ = [
    "AXIAL",
    "SliceUids",
    "Subject",
    "axial_grid",
    "axial_of",
    "begin_slice",
    "decimal",
    "file_of",
    "fill_common",
    "fill_hounsfield",
    "save",
    "uid_of",
    "write_ct_slices",
]

AXIAL = "LPS"
"""Directions of rows, columns and slices of the series."""

_EARLIEST = "19000101"
"""Stands for an unknown date, as a study must have one."""


class Subject(Protocol):
    """What names a case and its patient in DICOM: pseudonyms."""

    @property
    def case_id(self) -> str:
        """Name of the case."""

    @property
    def patient_id(self) -> str:
        """Pseudonym of the patient."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceUids:
    """UIDs of a CT series and one slice of it."""

    study: str
    series: str
    frame: str
    """Of the frame of reference."""
    instance: str


def uid_of(case: ReleasedCase, *parts: object) -> str:
    """Make the UID of an object in a case from the names of its parts."""
    lineage = (case.folder / "lineage.json").read_bytes()  # another release is another study
    return str(generate_uid(entropy_srcs=[case.case_id, lineage.hex(), *map(str, parts)]))


def decimal(value: float) -> DSfloat:
    """Write a number as DICOM's decimal strings hold it, in 16 letters at most."""
    return DSfloat(str(DSfloat(float(value) + 0.0, auto_format=True)))  # its value is what is written


def axial_grid(case: ReleasedCase) -> Geometry:
    """Give the grid of the series.

    Raises:
        AffineError: Its axes are not at right angles, which no DICOM series can say.
    """
    return axial_of(case.ct_path, read_nifti_geometry(case.labels_path))


def axial_of(path: Path, geometry: Geometry) -> Geometry:
    """Give the grid of a series that is made of a CT's.

    Args:
        path: The CT, for the message.
        geometry: Its grid.

    Raises:
        AffineError: Its axes are not at right angles, which no DICOM series can say.
    """
    if geometry.is_sheared:
        raise AffineError(
            path,
            "its axes are not at right angles, and DICOM's are",
            "export it in a NIfTI layout, or add the CT again with --resample-tilt",
        )
    return geometry.reoriented(AXIAL)


def write_ct_slices(case: ReleasedCase, folder: Path) -> list[Dataset]:
    """Write the slices of a case as `ct/0001.dcm` and so on, from feet to head, in HU as int16.

    Raises:
        AffineError: The grid is sheared.
        ImageError: The CT cannot be read.
    """
    grid = axial_grid(case)
    ct = read_ct(case.ct_path).reoriented(AXIAL)
    study, series, frame = (uid_of(case, what) for what in ("study", "ct", "frame"))
    slices = []
    for place in range(grid.shape[2]):
        uids = SliceUids(study=study, series=series, frame=frame, instance=uid_of(case, "ct", place))
        made = begin_slice(case, uids, grid, place)
        fill_hounsfield(made, ct.voxels[:, :, place].T)
        save(folder / "ct" / f"{place + 1:04d}.dcm", made)
        slices.append(made)
    return slices


def begin_slice(case: Subject, uids: SliceUids, grid: Geometry, place: int) -> FileDataset:
    """Make a slice of a CT series without its voxels.

    Args:
        case: Whose it is.
        uids: Of the series and the slice.
        grid: Of the series.
        place: Of the slice, from 0 at the feet.
    """
    made = file_of(CTImageStorage, uids.instance)
    fill_common(made, case, study_uid=uids.study, series_uid=uids.series, frame_uid=uids.frame)
    made.Modality = "CT"
    made.SeriesNumber = 1
    made.InstanceNumber = place + 1
    made.ImageType = ["DERIVED", "SECONDARY", "AXIAL"]
    _place(made, grid, place)
    _describe_voxels(made)
    return made


def file_of(sop_class: str, instance_uid: str) -> FileDataset:
    """Begin a DICOM object."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = sop_class
    meta.MediaStorageSOPInstanceUID = instance_uid
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    made.SOPClassUID = sop_class
    made.SOPInstanceUID = instance_uid
    return made


def fill_common(made: Dataset, case: Subject, *, study_uid: str, series_uid: str, frame_uid: str) -> None:
    """Set an object's patient (by pseudonym), study, series and frame of reference."""
    made.SpecificCharacterSet = "ISO_IR 192"  # UTF-8
    made.PatientName = f"{case.patient_id}^"  # a name of one part, says the mark
    made.PatientID = case.patient_id
    made.PatientBirthDate = ""
    made.PatientSex = ""
    made.PatientIdentityRemoved = "YES"
    made.DeidentificationMethod = "made of a NIfTI file that holds no identity"
    made.StudyInstanceUID = study_uid
    made.StudyID = case.case_id[:16]
    made.StudyDate = _EARLIEST
    made.StudyTime = "000000"
    made.StudyDescription = case.case_id[:64]
    made.AccessionNumber = ""
    made.ReferringPhysicianName = ""
    made.SeriesInstanceUID = series_uid
    made.FrameOfReferenceUID = frame_uid
    made.PositionReferenceIndicator = ""
    made.Manufacturer = "Omentum"


def save(path: Path, made: Dataset) -> None:
    """Write an object, whole or not at all."""
    with writing(path) as part:
        made.save_as(part, enforce_file_format=True)


def _place(made: Dataset, grid: Geometry, place: int) -> None:
    lps = LPS_TO_RAS @ grid.affine
    x_mm, y_mm, z_mm = grid.spacing_mm
    row, column = lps[:3, 0] / x_mm, lps[:3, 1] / y_mm
    made.ImageOrientationPatient = _decimals([*row, *column])
    made.ImagePositionPatient = _decimals(lps[:3, 3] + place * lps[:3, 2])
    made.PixelSpacing = _decimals([y_mm, x_mm])
    made.SliceThickness = decimal(z_mm)
    made.SpacingBetweenSlices = decimal(z_mm)
    made.Columns, made.Rows = grid.shape[:2]


def _decimals(values: Sequence[float] | npt.NDArray[np.float64]) -> list[DSfloat]:
    return [decimal(value) for value in values]


def _describe_voxels(made: Dataset) -> None:
    made.SamplesPerPixel = 1
    made.PhotometricInterpretation = "MONOCHROME2"
    made.BitsAllocated, made.BitsStored, made.HighBit = 16, 16, 15
    made.PixelRepresentation = 1
    made.RescaleSlope, made.RescaleIntercept, made.RescaleType = 1, 0, "HU"


def fill_hounsfield(made: Dataset, plane: npt.NDArray[Any]) -> None:
    """Set the voxels of a slice, `(row, column)` in HU; fractions are rounded, and values cut to int16."""
    if plane.dtype.kind == "f":
        plane = np.clip(np.rint(plane), -32768, 32767)
    made.PixelData = np.ascontiguousarray(plane, dtype="<i2").tobytes()
