"""Group DICOM files into axial CT series and segmentations, by their headers alone.

Out: each series with its files, segmentations with the series that they refer to, other files with a reason.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pydicom
from pydicom.errors import InvalidDicomError

from omentum.records import Failure
from omentum.volumes.read import SIDE_VOXELS

__all__ = ["DicomGroups", "Segmentation", "SeriesFiles", "group_dicom", "is_segmentation"]

_GRID_TAGS = ["ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "Rows", "Columns"]
_TAGS = [
    *("Modality", "SeriesInstanceUID", "SeriesNumber", "PatientID", "StudyInstanceUID", "ImageType"),
    *("SOPInstanceUID", "InstanceNumber", "AcquisitionNumber", "TemporalPositionIndex", "NumberOfFrames"),
    *("ReferencedSeriesSequence", "ReferencedFrameOfReferenceSequence", *_GRID_TAGS),
]
_AXIAL = 0.8
"""Least component of a slice's normal along the body: gantries tilt to 30 degrees."""
_PROJECTIONS = frozenset({"PROJECTION IMAGE", "MIP", "MINIP", "AVERAGE", "CSAMIP", "CSA MIP"})
_SEGMENTATIONS = frozenset({"SEG", "RTSTRUCT"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesFiles:
    """One axial CT series.

    Attributes:
        files: Its files, by name.
        folder: Their folder, or the one above all of them.
        number: The scanner's number of the series in its study; 0 if unknown.
        uid: Of the series; empty if unknown.
        is_alone: Whether no other DICOM file lies in the folder.
    """

    files: tuple[Path, ...]
    folder: Path
    number: int
    uid: str
    is_alone: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Segmentation:
    """A DICOM-SEG or RTSTRUCT file, and the series that it refers to."""

    path: Path
    series_uids: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class DicomGroups:
    """What a set of DICOM files holds.

    Attributes:
        series: Axial CT series, by folder, number and UID.
        segmentations: Of any series.
        left_out: Every other file, with the reason.
    """

    series: tuple[SeriesFiles, ...] = ()
    segmentations: tuple[Segmentation, ...] = ()
    left_out: tuple[Failure, ...] = ()


@dataclass(slots=True)
class _Group:
    files: list[Path] = field(default_factory=list)
    number: int = 0
    uid: str = ""
    why: str | None = None


def group_dicom(files: Iterable[Path]) -> DicomGroups:
    """Sort DICOM files into series, by their headers alone.

    Files of one patient, study, series, orientation and grid are a series; without a series UID, those of one
    folder. A series is left out if it is no CT, a localizer, not axial, a projection of others, or too short.
    """
    groups: dict[tuple[str, ...], _Group] = {}
    segmentations: list[Segmentation] = []
    left_out: list[Failure] = []
    paths = sorted(files)
    for path in paths:
        header = _header(path)
        if header is None:
            left_out.append(Failure(key=str(path), reason="it is cut short, or no DICOM"))
        elif header.get("Modality") in _SEGMENTATIONS:
            segmentations.append(Segmentation(path=path, series_uids=_referenced(header)))
        else:
            group = groups.setdefault(_key(path, header), _Group())
            group.files.append(path)
            group.number, group.uid = _number(header), str(header.get("SeriesInstanceUID") or "")
            group.why = _why_not(header)
    taken = []
    for group in groups.values():
        why = group.why or _too_few(len(group.files))
        if why is None:
            taken.append(group)
        left_out += [Failure(key=str(path), reason=why) for path in group.files if why is not None]
    return DicomGroups(
        series=tuple(_series(group, paths) for group in taken),
        segmentations=tuple(segmentations),
        left_out=tuple(sorted(left_out, key=lambda one: one.key)),
    )


def is_segmentation(path: Path) -> bool:
    """Return whether a file is DICOM-SEG or RTSTRUCT."""
    header = _header(path)
    return header is not None and header.get("Modality") in _SEGMENTATIONS


def _header(path: Path) -> pydicom.Dataset | None:
    try:
        header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=_TAGS)
    except (InvalidDicomError, OSError, EOFError, ValueError):
        return None
    return header if "Modality" in header else None


def _key(path: Path, header: pydicom.Dataset) -> tuple[str, ...]:
    uid = str(header.get("SeriesInstanceUID") or "")
    orientation = [round(float(value), 3) + 0.0 for value in header.get("ImageOrientationPatient") or ()]
    spacing = [round(float(value), 4) for value in header.get("PixelSpacing") or ()]
    grid = f"{orientation} {spacing} {header.get('Rows')} {header.get('Columns')}"
    localizer = "localizer" if "LOCALIZER" in _image_type(header) else ""
    where = uid or str(path.parent)
    patient, study = str(header.get("PatientID") or ""), str(header.get("StudyInstanceUID") or "")
    return (patient, study, where, str(header.get("Modality")), grid, localizer)


def _why_not(header: pydicom.Dataset) -> str | None:
    """Say why a file is no slice of an axial CT; `None` if it is one."""
    if header.get("Modality") != "CT":
        return f"its modality is {header.get('Modality')}, not CT"
    if "LOCALIZER" in _image_type(header):
        return "it is a localizer"
    if int(header.get("NumberOfFrames") or 1) > 1:
        return "it is an enhanced CT of several frames in a file; export it as one file a slice"
    if any(header.get(tag) is None for tag in _GRID_TAGS):
        return "its header does not say where it lies: a screen capture, dose report or picture of one"
    return _why_no_stack(header)


def _why_no_stack(header: pydicom.Dataset) -> str | None:
    if _PROJECTIONS & set(_image_type(header)):
        return "it is a projection computed from another series"
    row, column = np.array(header.ImageOrientationPatient, dtype=np.float64).reshape(2, 3)
    is_axial = abs(np.cross(row, column)[2]) >= _AXIAL
    return None if is_axial else "its slices are not axial: a reformat of another series"


def _too_few(n_slices: int) -> str | None:
    least = SIDE_VOXELS[0]
    return f"its series has {n_slices} slices, and a volume at least {least}" if n_slices < least else None


def _image_type(header: pydicom.Dataset) -> Sequence[str]:
    return [str(value).upper() for value in header.get("ImageType") or ()]


def _number(header: pydicom.Dataset) -> int:
    try:
        return int(header.get("SeriesNumber") or 0)
    except ValueError:
        return 0


def _referenced(header: pydicom.Dataset) -> frozenset[str]:
    """Find the series that a segmentation refers to."""
    uids = {str(one.get("SeriesInstanceUID", "")) for one in header.get("ReferencedSeriesSequence", [])}
    for frame in header.get("ReferencedFrameOfReferenceSequence", []):
        for study in frame.get("RTReferencedStudySequence", []):
            uids |= {
                str(one.get("SeriesInstanceUID", "")) for one in study.get("RTReferencedSeriesSequence", [])
            }
    return frozenset(uids - {""})


def _series(group: _Group, paths: Sequence[Path]) -> SeriesFiles:
    folders = sorted({path.parent for path in group.files})
    folder = folders[0]
    while any(folder != other and folder not in other.parents for other in folders):
        folder = folder.parent
    own = set(group.files)
    is_alone = len(folders) == 1 and all(path in own or path.parent != folder for path in paths)
    return SeriesFiles(
        files=tuple(group.files), folder=folder, number=group.number, uid=group.uid, is_alone=is_alone
    )
