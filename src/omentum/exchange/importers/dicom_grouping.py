"""Group DICOM files into axial CT series, each with its segmentation, by their headers alone."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pydicom
from pydicom.errors import InvalidDicomError

from omentum.exchange.importers.labels import OriginalLabel
from omentum.exchange.importers.source import Source, case_id_of
from omentum.records import Failure
from omentum.volumes.read import SIDE_VOXELS

__all__ = ["is_segmentation", "sources_of_dicom"]

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
_CUT_SHORT = "it is cut short, or no DICOM"


@dataclass(slots=True, eq=False)
class _Series:
    """The files of one series by name, and the reason to leave it out, if any."""

    files: list[Path] = field(default_factory=list)
    number: int = 0
    uid: str = ""
    why: str | None = None

    @property
    def folder(self) -> Path:
        """The folder of the files, or the one above all of them."""
        folders = {path.parent for path in self.files}
        folder = min(folders)
        while any(folder != other and folder not in other.parents for other in folders):
            folder = folder.parent
        return folder


def sources_of_dicom(files: Sequence[Path]) -> tuple[list[Source], list[Failure]]:
    """Sort DICOM files into CTs with their labels, named by folder and number, never by a patient.

    Files of one patient, study, series, orientation and grid are a series; without a series UID, those of one
    folder. A series is left out if it is no CT, a localizer, not axial, a projection of others, or too short.
    A folder without a readable file counts as a CT, so that reading it says what is wrong.

    Returns:
        The CTs, and the files that are left out, with the reason.
    """
    paths = sorted(files)
    series, segmentations, reasons = _grouped(paths)
    sources = [
        Source(path=one.folder, case_id=name, files=() if _is_alone(one, paths) else tuple(one.files))
        for one, name in zip(series, _names(series), strict=True)
    ]
    for path, series_uids in segmentations.items():
        place = _its_series(path, series_uids, series)
        if place is None:
            reasons.append(Failure(key=str(path), reason="it is a segmentation of no CT that was found"))
        elif sources[place].label is not None:
            why = f"{sources[place].case_id} has a segmentation already; give it by itself"
            reasons.append(Failure(key=str(path), reason=why))
        else:
            sources[place] = replace(sources[place], label=OriginalLabel(path=path))
    damaged = _unreadable_folders(paths, reasons)
    sources += [Source(path=folder, case_id=case_id_of(folder)) for folder in damaged]
    return sources, [one for one in reasons if Path(one.key).parent not in damaged]


def is_segmentation(path: Path) -> bool:
    """Return whether a file is DICOM-SEG or RTSTRUCT."""
    header = _header(path)
    return header is not None and header.get("Modality") in _SEGMENTATIONS


def _grouped(paths: Sequence[Path]) -> tuple[list[_Series], dict[Path, frozenset[str]], list[Failure]]:
    """Give the axial CT series, the segmentations with the UIDs of their series, and what is left out."""
    groups: dict[tuple[str, ...], _Series] = {}
    segmentations: dict[Path, frozenset[str]] = {}
    reasons: list[Failure] = []
    for path in paths:
        header = _header(path)
        if header is None:
            reasons.append(Failure(key=str(path), reason=_CUT_SHORT))
        elif header.get("Modality") in _SEGMENTATIONS:
            segmentations[path] = _referenced(header)
        else:
            group = groups.setdefault(_key(path, header), _Series())
            group.files.append(path)
            group.number, group.uid = _number(header), str(header.get("SeriesInstanceUID") or "")
            group.why = _why_not(header)
    for group in groups.values():
        group.why = group.why or _too_few(len(group.files))
        reasons += [Failure(key=str(path), reason=group.why) for path in group.files if group.why]
    taken = [group for group in groups.values() if group.why is None]
    return taken, segmentations, sorted(reasons, key=lambda one: one.key)


def _is_alone(series: _Series, paths: Sequence[Path]) -> bool:
    """Return whether no other DICOM file lies in the folder of a series, and none of its own elsewhere."""
    return {path for path in paths if path.parent == series.folder} == set(series.files)


def _names(series: Sequence[_Series]) -> list[str]:
    plain = [case_id_of(one.folder) for one in series]
    several = Counter(plain)
    numbered = [
        name if several[name] == 1 else f"{name}_s{one.number}"
        for name, one in zip(plain, series, strict=True)
    ]
    again = Counter(numbered)
    return [
        name if again[name] == 1 else f"{name}_{_short(one)}"
        for name, one in zip(numbered, series, strict=True)
    ]


def _short(series: _Series) -> str:
    """Make a reproducible suffix for series of one number."""
    told = f"{series.uid} {series.files[0].name}"
    return hashlib.blake2b(told.encode(), digest_size=4).hexdigest()


def _its_series(path: Path, series_uids: frozenset[str], series: Sequence[_Series]) -> int | None:
    """Find the series by the referenced UID; else the only one in the same folder or beside it."""
    places = range(len(series))
    by_uid = [place for place in places if series[place].uid in series_uids]
    if by_uid:
        return by_uid[0]
    here = path.parent
    near = [place for place in places if series[place].folder == here] or [
        place for place in places if series[place].folder.parent in {here, here.parent}
    ]
    return near[0] if len(near) == 1 and not (series_uids and series[near[0]].uid) else None


def _unreadable_folders(paths: Sequence[Path], reasons: Sequence[Failure]) -> set[Path]:
    bad = {Path(one.key) for one in reasons if one.reason == _CUT_SHORT}
    return {path.parent for path in bad} - {path.parent for path in paths if path not in bad}


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
