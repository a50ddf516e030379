"""Tell from a DICOM header whether a file is a segmentation, of which series, and of which organs."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom

from omentum.errors import DicomSeriesError
from omentum.exchange.importers.dicom_segment_names import segment_names
from omentum.exchange.importers.labels import OriginalLabel
from omentum.volumes.dicom_files import text_of
from omentum.volumes.dicom_headers import read_header, slices_of, why_no_slice
from omentum.volumes.dicom_pixels import read_hounsfield
from omentum.volumes.labels import PAIRS

__all__ = ["SEGMENTATIONS", "is_segmentation", "joined", "referenced_series", "without_label_maps"]

SEGMENTATIONS = frozenset({"SEG", "RTSTRUCT"})
"""Modalities."""
_MOST_LABELS = 20
"""A slice of a CT has more values than this, and one of a label map has fewer."""


def is_segmentation(path: Path) -> bool:
    """Return whether a file is DICOM-SEG or RTSTRUCT."""
    header = read_header(path)
    return header is not None and text_of(header, "Modality") in SEGMENTATIONS


def without_label_maps(files: Sequence[Path]) -> list[Path]:
    """Leave out slices that hold labels in place of a CT's values: folders whose pictures have few values."""
    kept = [path for path in files if is_segmentation(path)]
    slices: dict[Path, list[Path]] = defaultdict(list)
    for path in sorted(set(files) - set(kept)):
        slices[path.parent].append(path)
    for own in slices.values():
        if any(_n_values(own[place]) > _MOST_LABELS for place in {0, len(own) // 2, len(own) - 1}):
            kept += own
    return kept


def _n_values(path: Path) -> int:
    """Count the values in the pictures of a file; as many as a CT has, if reading must say what is wrong."""
    header = read_header(path)
    if header is None or why_no_slice(header) is not None:
        return 0
    try:
        return len(np.unique(read_hounsfield(slices_of(path, header)[:1])))
    except DicomSeriesError:
        return _MOST_LABELS + 1


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


def joined(label: OriginalLabel | None, path: Path) -> OriginalLabel | None:
    """Add a segmentation to the label of a CT; `None` unless all are DICOM-SEG and name organs of their own.

    Programs write several files where organs overlap.
    """
    if label is None:
        return OriginalLabel(path=path)
    there = [_organs(one) for one in (label.path, *label.parts)]
    new = _organs(path)
    if not new or not all(there) or not new.isdisjoint(set().union(*there)):
        return None
    return replace(label, parts=(*label.parts, path))


def _organs(path: Path) -> set[str]:
    """Give the organs that a DICOM-SEG names; none of another file."""
    try:
        header = pydicom.dcmread(path, stop_before_pixels=True, force=True)
        if text_of(header, "Modality") != "SEG":
            return set()
        names = [one.organ for one in segment_names(header).by_number.values() if one.organ is not None]
    except Exception:  # pydicom raises what a malformed value makes it raise
        return set()
    return {one for name in names for one in PAIRS.get(name, (name,))}
