"""Read what the headers of CT files say of their slices; no pixel is read.

Out: `Slice`, one for each file of a classic series and one for each frame of an enhanced one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pydicom
from pydicom.uid import CTImageStorage, EnhancedCTImageStorage, LegacyConvertedEnhancedCTImageStorage

from omentum.errors import DicomSeriesError
from omentum.volumes.dicom_files import is_dicom, malformed, number_of, numbers_of, read_dataset, text_of
from omentum.volumes.library_errors import raise_if_unreachable

__all__ = [
    "NO_PLACE",
    "PHASE_TAGS",
    "Slice",
    "missing_place",
    "read_header",
    "refuse_placeless",
    "slices_of",
    "why_cut_short",
    "why_no_slice",
]

PHASE_TAGS = (
    *("AcquisitionNumber", "TemporalPositionIdentifier", "TemporalPositionIndex"),
    *("NominalPercentageOfCardiacPhase", "NominalPercentageOfRespiratoryPhase", "TriggerTime"),
    *("AcquisitionDateTime", "AcquisitionTime", "ContentTime", "SeriesTime", "SeriesNumber"),
    *("SeriesDescription", "ProtocolName", "ContrastBolusAgent", "KVP", "ConvolutionKernel", "FilterType"),
    *("SliceThickness", "ImageType", "ImageComments"),
)
"""Tags that tell phases and reconstructions in one series apart, the plainest first."""
PATIENT_TAGS = (
    *("PatientID", "PatientSex", "PatientBirthDate", "PatientAge", "StudyInstanceUID", "FrameOfReferenceUID"),
)
"""Tags that tell whose CT it is."""
_GRID_TAGS = ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing")
_TAGS = [
    *("Modality", "SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", *PATIENT_TAGS),
    *("InstanceNumber", "NumberOfFrames", "SamplesPerPixel", "SpacingBetweenSlices"),
    *("RescaleSlope", "RescaleIntercept", "RescaleType", "ModalityLUTSequence"),
    *("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"),
    *("ReferencedSeriesSequence", "ReferencedFrameOfReferenceSequence", "Rows", "Columns"),
    *(*_GRID_TAGS, *PHASE_TAGS),
]
_FRAME_GROUPS = (
    *("PlanePositionSequence", "PlaneOrientationSequence", "PixelMeasuresSequence", "FrameContentSequence"),
    *("PixelValueTransformationSequence", "CTImageFrameTypeSequence", "CardiacSynchronizationSequence"),
)
_ELSEWHERE = {
    "AcquisitionNumber": "FrameAcquisitionNumber",
    "AcquisitionDateTime": "FrameAcquisitionDateTime",
    "TriggerTime": "NominalCardiacTriggerDelayTime",
    "ImageType": "FrameType",
}
"""Names of tags in enhanced files."""
_NO_HU_TYPES = frozenset(["OD", "MGML", "Z_EFF", "ED", "EDW", "PCT"])
"""Defined terms of RescaleType that are no Hounsfield units; PS3.3, C.11.1.1.2."""
_UNIT_TOLERANCE = 0.01
_CURE = "export the series anew"
NO_PLACE = "its header does not say where it lies: a screen capture, dose report or picture of one"
"""Why a picture is no slice of a CT."""
_CT_KINDS = frozenset([CTImageStorage, EnhancedCTImageStorage, LegacyConvertedEnhancedCTImageStorage])


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """One slice of a CT, as its header says.

    Attributes:
        path: Its file.
        frame: Its frame in the file, from 0; `None` in a file of one slice.
        position_mm: Middle of the first pixel, in LPS.
        orientation: Unit vectors along rows and columns, in LPS.
        spacing_mm: From row to row and from column to column.
        spacing_digits: Digits after the point in the spelling of `spacing_mm`.
        size: Rows and columns.
        series_uid: May be empty.
        instance_uid: May be empty.
        instance_number: As written; may be empty.
        stack: Stack of an enhanced file; empty elsewhere.
        phase: Values of `PHASE_TAGS`; empty where there is none.
        step_mm: Distance of slices, as the header says; `None` if it does not.
        slope: Of the rescale to Hounsfield units; `None` if the header has none.
        intercept: Of that rescale, in HU; `None` if the header has none.
    """

    path: Path
    frame: int | None
    position_mm: tuple[float, ...]
    orientation: tuple[float, ...]
    spacing_mm: tuple[float, ...]
    spacing_digits: int
    size: tuple[int, int]
    series_uid: str
    instance_uid: str
    instance_number: str
    stack: str
    phase: tuple[str, ...]
    step_mm: float | None
    slope: float | None
    intercept: float | None

    @property
    def normal(self) -> npt.NDArray[np.float64]:
        """Unit vector across the slice, in LPS."""
        row, column = np.array(self.orientation).reshape(2, 3)
        return np.cross(row, column)


def read_header(path: Path) -> pydicom.FileDataset | None:
    """Read the attributes that tell what a file is and where its slices lie; `None` if it is no DICOM."""
    try:
        return read_dataset(path, _TAGS, with_pixels=False)
    except Exception as error:  # what pydicom raises depends on the bytes of the file
        raise_if_unreachable(path, error)
        return None


def why_cut_short(path: Path, header: pydicom.FileDataset | None) -> str | None:
    """Say that a file is DICOM by name or start, and its header does not say what it is; `None` if it does.

    A file of slices has a modality and rows; each other kind of object says which it is.
    """
    why = "is cut short or damaged"
    if header is None:
        return why if is_dicom(path) else None
    if _kind(header) not in {"", *_CT_KINDS}:
        return None
    modality = _modality(header)
    if not modality:
        return f"{why}: it has no Modality (0008,0060)"
    lacks_rows = modality == "CT" and not text_of(header, "Rows")
    return f"{why}: it has no Rows (0028,0010)" if lacks_rows else None


def _modality(header: pydicom.Dataset) -> str:
    """Give the modality; that of CT objects, where none is stated."""
    is_ct = _kind(header) in _CT_KINDS
    return text_of(header, "Modality").upper() or ("CT" if is_ct else "")


def _kind(header: pydicom.Dataset) -> str:
    """Give the UID of the kind of object, from the first place that says it; empty if none does."""
    meta = getattr(header, "file_meta", pydicom.Dataset())
    return text_of(meta, "MediaStorageSOPClassUID") or text_of(header, "SOPClassUID")


def missing_place(header: pydicom.FileDataset) -> str | None:
    """Name the first tag that a slice of a CT must have and this one lacks; `None` for other objects."""
    if _kind(header) not in {"", CTImageStorage} or why_no_slice(header) != NO_PLACE:
        return None
    return next((tag for tag in (*_GRID_TAGS, "Rows", "Columns") if not text_of(header, tag)), None)


def why_no_slice(header: pydicom.Dataset) -> str | None:
    """Say why a file holds no slices of a CT; `None` if it does."""
    modality, kind = _modality(header), text_of(header, "ImageType").upper().split("\\")
    if modality != "CT":
        return f"its modality is {modality}, not CT"
    if "LOCALIZER" in kind:
        return "it is a localizer"
    if text_of(header, "SamplesPerPixel") not in {"", "1"}:
        return "it is a picture in colours"
    return None if _is_enhanced(header) else _why_without_place(header)


def _why_without_place(header: pydicom.Dataset) -> str | None:
    if text_of(header, "NumberOfFrames") not in {"", "0", "1"}:
        return "it has several frames and does not say where each lies; export it as one file a slice"
    if any(not text_of(header, tag) for tag in (*_GRID_TAGS, "Rows", "Columns")):
        return NO_PLACE
    return None


def refuse_placeless(found: Sequence[Slice], placeless: Sequence[tuple[Path, pydicom.FileDataset]]) -> None:
    """Refuse a slice that does not say where it lies, in a series whose others do.

    Args:
        found: The slices that do.
        placeless: Files of `missing_place`, with their headers.

    Raises:
        DicomSeriesError: There is one; the file and the tag are named.
    """
    series_uids = {one.series_uid for one in found}
    for path, header in placeless:
        tag = missing_place(header)
        if tag and text_of(header, "SeriesInstanceUID") in series_uids:
            raise malformed(path, tag, "", "given, as in the rest of the series, if the file is whole")


def slices_of(path: Path, header: pydicom.Dataset) -> list[Slice]:
    """Give the slices of a file that holds some.

    Args:
        path: The file.
        header: From `read_header`, and `why_no_slice` had nothing against it.

    Raises:
        DicomSeriesError: A value is missing or of another form; the file and the tag are named.
    """
    if not _is_enhanced(header):
        return [_slice(path, header, header, None)]
    frames = header.PerFrameFunctionalGroupsSequence
    n_frames = numbers_of(path, header, "NumberOfFrames", 1)[0]
    if len(frames) != n_frames:
        seen = f"{path.name} has {n_frames:g} frames and says of {len(frames)} where they lie"
        raise DicomSeriesError(path, seen, _CURE)
    shared = (header.get("SharedFunctionalGroupsSequence") or [pydicom.Dataset()])[0]
    return [_slice(path, header, _flat(shared, one), number) for number, one in enumerate(frames)]


def _slice(path: Path, header: pydicom.Dataset, own: pydicom.Dataset, frame: int | None) -> Slice:
    """Parse a slice from the attributes of its file and its own: the same, or those of a frame."""
    _refuse_other_values(path, header, own)
    spacing = numbers_of(path, own, "PixelSpacing", 2)
    if min(spacing) <= 0:
        raise malformed(path, "PixelSpacing", text_of(own, "PixelSpacing"), "two numbers above 0")
    rows, columns = (int(numbers_of(path, header, side, 1)[0]) for side in ("Rows", "Columns"))
    return Slice(
        path=path,
        frame=frame,
        position_mm=numbers_of(path, own, "ImagePositionPatient", 3),
        orientation=_orientation(path, own),
        spacing_mm=spacing,
        spacing_digits=_digits(text_of(own, "PixelSpacing")),
        size=(rows, columns),
        series_uid=text_of(header, "SeriesInstanceUID"),
        instance_uid=text_of(header, "SOPInstanceUID"),
        instance_number=text_of(header, "InstanceNumber"),
        stack=text_of(own, "StackID"),
        phase=tuple(_phase_value(own, tag) for tag in PHASE_TAGS),
        step_mm=number_of(path, own, "SpacingBetweenSlices"),
        slope=number_of(path, own, "RescaleSlope"),
        intercept=number_of(path, own, "RescaleIntercept"),
    )


def _refuse_other_values(path: Path, header: pydicom.Dataset, own: pydicom.Dataset) -> None:
    if header.get("ModalityLUTSequence"):
        seen = f"{path.name} has a ModalityLUTSequence in place of RescaleSlope and RescaleIntercept"
        raise DicomSeriesError(path.parent, seen, "export it with its values in Hounsfield units")
    if (kind := text_of(own, "RescaleType").upper()) in _NO_HU_TYPES:
        seen = f"RescaleType of {path.name} is {kind}, and a CT's values are in HU"
        raise DicomSeriesError(path.parent, seen, "give a series whose values are Hounsfield units")
    if number_of(path, own, "RescaleSlope") == 0:
        raise malformed(path, "RescaleSlope", "0", "a number other than 0")


def _is_enhanced(header: pydicom.Dataset) -> bool:
    return bool(header.get("PerFrameFunctionalGroupsSequence"))


def _flat(shared: pydicom.Dataset, frame: pydicom.Dataset) -> pydicom.Dataset:
    """Put what the functional groups say of a frame beside each other; its own goes before what is shared."""
    flat = pydicom.Dataset()
    for groups in (shared, frame):
        for name in _FRAME_GROUPS:
            for item in list(groups.get(name) or [])[:1]:
                flat.update(item)
    return flat


def _phase_value(own: pydicom.Dataset, tag: str) -> str:
    text = text_of(own, tag) or text_of(own, _ELSEWHERE.get(tag, tag))
    try:
        return str(float(text)) if len(text) < 16 else text
    except ValueError:
        return text


def _orientation(path: Path, own: pydicom.Dataset) -> tuple[float, ...]:
    """Give both unit vectors, at right angles; rounding in the header is taken out."""
    row, column = np.array(numbers_of(path, own, "ImageOrientationPatient", 6)).reshape(2, 3)
    lengths = np.linalg.norm([row, column], axis=1)
    if np.abs([*(lengths - 1), row @ column]).max() > _UNIT_TOLERANCE:
        seen = text_of(own, "ImageOrientationPatient")
        raise malformed(path, "ImageOrientationPatient", seen, "two unit vectors at right angles")
    row = row / lengths[0]
    column = column - (column @ row) * row
    return (*row.tolist(), *(column / np.linalg.norm(column)).tolist())


def _digits(text: str) -> int:
    return sum(len(part.strip().partition("e")[0].partition(".")[2]) for part in text.lower().split("\\"))
