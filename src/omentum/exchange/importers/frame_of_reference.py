"""Tell whether a segmentation's coordinates are those of a CT, by the frame of reference that both state."""

from collections.abc import Sequence
from pathlib import Path

import pydicom

from omentum.errors import GridMismatchError
from omentum.exchange.importers.dicom_segment_names import whole_number

__all__ = ["CtFrame", "check_frame", "ct_frame"]

CtFrame = tuple[str, str]
"""`FrameOfReferenceUID` and `SeriesInstanceUID` of a CT; empty where unknown."""


def ct_frame(slices: Sequence[Path]) -> CtFrame:
    """Read in which frame of reference the slices of a series lie; unknown without slices."""
    if not slices:
        return "", ""
    tags = ["FrameOfReferenceUID", "SeriesInstanceUID"]
    header = pydicom.dcmread(slices[0], stop_before_pixels=True, specific_tags=tags, force=True)
    return str(header.get("FrameOfReferenceUID") or ""), str(header.get("SeriesInstanceUID") or "")


def check_frame(data: pydicom.Dataset, number: int, ct: CtFrame) -> None:
    """Refuse a segment that lies in another frame of reference than the CT, and refers to another series.

    Args:
        data: A DICOM-SEG or RTSTRUCT.
        number: Of the segment or structure.
        ct: As of `ct_frame`.

    Raises:
        GridMismatchError: Its coordinates have no known relation to the CT's.
    """
    frame_uid, series_uid = ct
    own = _frame_of(data, number)
    if own and frame_uid and own not in {frame_uid, *_frames_of_series(data, series_uid)}:
        seen = f"its frame of reference {own} is not the CT's, {frame_uid}"
        raise GridMismatchError("FrameOfReferenceUID", seen, "give the CT that it was drawn on")


def _frame_of(data: pydicom.Dataset, number: int) -> str:
    if data.get("Modality") == "SEG":
        return str(data.get("FrameOfReferenceUID") or "")
    for roi in data.get("StructureSetROISequence") or ():
        if whole_number(roi, "ROINumber") == number:
            return str(roi.get("ReferencedFrameOfReferenceUID") or "")
    return ""


def _frames_of_series(data: pydicom.Dataset, series_uid: str) -> set[str]:
    """Find the frames of reference in which a file places a series."""
    found = set()
    if any(one.get("SeriesInstanceUID") == series_uid for one in data.get("ReferencedSeriesSequence") or ()):
        found.add(str(data.get("FrameOfReferenceUID") or ""))
    for frame in data.get("ReferencedFrameOfReferenceSequence") or ():
        for study in frame.get("RTReferencedStudySequence") or ():
            series = study.get("RTReferencedSeriesSequence") or ()
            if any(one.get("SeriesInstanceUID") == series_uid for one in series):
                found.add(str(frame.get("FrameOfReferenceUID") or ""))
    return found
