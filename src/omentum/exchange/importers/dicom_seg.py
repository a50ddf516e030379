"""Read the masks of a DICOM segmentation object (DICOM-SEG).

Out: names of segments, with our organs; and the mask of a segment on the CT's grid. Binary objects, and
     fractional ones at a half.
"""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom

from omentum.errors import GridMismatchError, UnreadableImageError
from omentum.volumes.geometry import LPS_TO_RAS, Geometry
from omentum.volumes.label_schemes import organ_or_pair_in_words

__all__ = ["segment_mask", "segment_names"]

Mask = npt.NDArray[np.bool_]

_OFF_VOXELS = 0.05
"""Largest distance of a frame's voxel from the CT's: headers round positions to 0.01 mm or worse."""


def segment_names(data: pydicom.Dataset) -> dict[int, tuple[str, str | None]]:
    """Give each segment's own name, and the organ or pair that its name or codes say, by number."""
    named = {}
    for one in data.get("SegmentSequence", []):
        label = str(one.get("SegmentLabel", "") or "")
        named[int(one.SegmentNumber)] = (
            label,
            organ_or_pair_in_words(label) or organ_or_pair_in_words(_coded(one)),
        )
    return named


def _coded(segment: pydicom.Dataset) -> str:
    """Put a segment's coded type and side into words."""
    words = []
    for code in segment.get("SegmentedPropertyTypeCodeSequence", []):
        words.append(str(code.get("CodeMeaning", "")))
        words += [
            str(one.get("CodeMeaning", ""))
            for one in code.get("SegmentedPropertyTypeModifierCodeSequence", [])
        ]
    return " ".join(words)


def segment_mask(path: Path, data: pydicom.Dataset, number: int, geometry: Geometry) -> Mask:
    """Put the frames of a segment where their headers say.

    Raises:
        UnreadableImageError: The object cannot be decoded.
        GridMismatchError: A frame does not lie on the CT's grid.
    """
    mask = np.zeros(geometry.shape, dtype=np.bool_, order="F")
    try:
        pixels = data.pixel_array.reshape(-1, int(data.Rows), int(data.Columns))
    except Exception as error:  # decoders raise what they like
        raise UnreadableImageError(path, f"it cannot be decoded ({error})", "export it anew") from None
    least = data.get("MaximumFractionalValue", 1) / 2
    for frame, header in zip(pixels, data.PerFrameFunctionalGroupsSequence, strict=True):
        if int(_of_frame(data, header, "SegmentIdentificationSequence").ReferencedSegmentNumber) != number:
            continue
        _place(path, mask, frame > least, _frame_affine(data, header), geometry)
    return mask


def _of_frame(data: pydicom.Dataset, header: pydicom.Dataset, name: str) -> Any:
    """Give what a frame's own header says, or else the one that all frames share."""
    own = header.get(name)
    return own[0] if own else data.SharedFunctionalGroupsSequence[0][name][0]


def _frame_affine(data: pydicom.Dataset, header: pydicom.Dataset) -> npt.NDArray[np.float64]:
    """Give the affine of a frame, from column and row to mm in R, A, S."""
    measures = _of_frame(data, header, "PixelMeasuresSequence")
    across = _of_frame(data, header, "PlaneOrientationSequence").ImageOrientationPatient
    row, column = np.array(across, dtype=np.float64).reshape(2, 3)
    affine = np.eye(4)
    affine[:3, 0] = row * float(measures.PixelSpacing[1])
    affine[:3, 1] = column * float(measures.PixelSpacing[0])
    affine[:3, 2] = np.cross(row, column)
    affine[:3, 3] = _of_frame(data, header, "PlanePositionSequence").ImagePositionPatient
    return np.asarray(LPS_TO_RAS @ affine)


def _place(path: Path, mask: Mask, frame: Mask, affine: npt.NDArray[np.float64], geometry: Geometry) -> None:
    """Set the voxels of one frame `(row, column)`, each of which must be a voxel of the CT."""
    rows, columns = np.nonzero(frame)
    if not rows.size:
        return
    places = np.stack([columns, rows, np.zeros_like(rows), np.ones_like(rows)]).astype(np.float64)
    index = geometry.to_index((affine @ places)[:3].T)
    nearest = np.rint(index).astype(np.int64)
    if np.abs(index - nearest).max() > _OFF_VOXELS:
        seen = f"a frame lies {np.abs(index - nearest).max():.2f} voxels off the CT's"
        raise GridMismatchError(path, seen, "export it on the grid of this very CT")
    if (nearest < 0).any() or (nearest >= geometry.shape).any():
        raise GridMismatchError(path, "a frame lies outside of the CT", "give the CT that it was drawn on")
    mask[tuple(nearest.T)] = True
