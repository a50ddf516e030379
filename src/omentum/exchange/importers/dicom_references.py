"""Tell from a DICOM header whether a file is a segmentation, and of which series."""

from pathlib import Path

import pydicom

from omentum.volumes.dicom_files import text_of
from omentum.volumes.dicom_headers import read_header

__all__ = ["SEGMENTATIONS", "is_segmentation", "referenced_series"]

SEGMENTATIONS = frozenset({"SEG", "RTSTRUCT"})
"""Modalities."""


def is_segmentation(path: Path) -> bool:
    """Return whether a file is DICOM-SEG or RTSTRUCT."""
    header = read_header(path)
    return header is not None and text_of(header, "Modality") in SEGMENTATIONS


def referenced_series(header: pydicom.Dataset) -> frozenset[str]:
    """Find the series that a segmentation refers to; none of a malformed header, which reading refuses."""
    try:
        series = list(header.get("ReferencedSeriesSequence") or ())
        for frame in header.get("ReferencedFrameOfReferenceSequence") or ():
            for study in frame.get("RTReferencedStudySequence") or ():
                series += study.get("RTReferencedSeriesSequence") or ()
        return frozenset(text_of(one, "SeriesInstanceUID") for one in series) - {""}
    except Exception:  # pydicom raises what a malformed value makes it raise
        return frozenset()
