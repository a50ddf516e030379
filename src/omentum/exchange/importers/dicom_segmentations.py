"""Which masks are in a DICOM segmentation or in a set of radiotherapy contours?

In:  a DICOM-SEG or RTSTRUCT file, and the grid of the CT that it was drawn on.
Out: one mask after another, with the name of our organ. Names and codes say which; others are left out.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
from pydicom.errors import InvalidDicomError

from omentum.errors import GridMismatchError, UnreadableImageError
from omentum.volumes.dicom import LPS_TO_RAS
from omentum.volumes.geometry import Geometry
from omentum.volumes.label_schemes import organ_in_words, pair_in_words

__all__ = ["named_segments", "read_segments"]

Mask = npt.NDArray[np.bool_]

_OFF_VOXELS = 0.05
"""A frame may lie this far from voxels of the CT: headers round places to 0.01 mm or worse."""


def read_segments(path: Path, geometry: Geometry) -> Iterator[tuple[str, Mask]]:
    """Read the masks of a file one after another.

    Args:
        path: DICOM-SEG (binary, or fractional, which is cut at a half) or RTSTRUCT.
        geometry: The CT's grid.

    Returns:
        Name of an organ, or of a pair of which both sides are one mask; and the mask `(x, y, z)`.

    Raises:
        UnreadableImageError: It is neither, cannot be decoded, or none of its segments is an organ of ours.
        GridMismatchError: It does not lie on the CT's grid.
    """
    data = _opened(path)
    names = _named(data)
    wanted = {number: name for number, (_, name) in names.items() if name is not None}
    if not wanted:
        said = ", ".join(repr(label) for label, _ in names.values())
        seen = f"none of its segments ({said}) is one of our organs"
        raise UnreadableImageError(path, seen, "name them as in `labels.json`")
    read = _frames if data.get("Modality") == "SEG" else _contours
    for number, name in sorted(wanted.items()):
        yield name, read(path, data, number, geometry)


def named_segments(path: Path) -> dict[str, str | None]:
    """List what the segments of a file are called, and which organ or pair each is, if any.

    Raises:
        UnreadableImageError: It is neither DICOM-SEG nor RTSTRUCT.
    """
    return dict(_named(_opened(path)).values())


def _opened(path: Path) -> pydicom.Dataset:
    try:
        data = pydicom.dcmread(path)
    except (InvalidDicomError, OSError, EOFError):
        raise UnreadableImageError(path, "it is no DICOM", "give DICOM-SEG or RTSTRUCT") from None
    if data.get("Modality") not in {"SEG", "RTSTRUCT"}:
        seen = f"its modality is {data.get('Modality')!r}"
        raise UnreadableImageError(path, seen, "give DICOM-SEG or RTSTRUCT")
    return data


def _named(data: pydicom.Dataset) -> dict[int, tuple[str, str | None]]:
    """Give each segment's own name, and that of our organ, by number."""
    if data.get("Modality") == "RTSTRUCT":
        return {
            int(roi.ROINumber): (str(roi.ROIName), _organ(str(roi.ROIName)))
            for roi in data.get("StructureSetROISequence", [])
        }
    return {
        int(one.SegmentNumber): (_label(one), _organ(_label(one)) or _organ(_coded(one)))
        for one in data.get("SegmentSequence", [])
    }


def _organ(text: str) -> str | None:
    return organ_in_words(text) or pair_in_words(text)


def _label(segment: pydicom.Dataset) -> str:
    return str(segment.get("SegmentLabel", "") or "")


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


def _frames(path: Path, data: pydicom.Dataset, number: int, geometry: Geometry) -> Mask:
    """Put the frames of a segment where their headers say."""
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


def _contours(path: Path, data: pydicom.Dataset, number: int, geometry: Geometry) -> Mask:
    """Fill the contours of a structure, slice by slice; one inside another is a hole."""
    mask = np.zeros(geometry.shape, dtype=np.bool_, order="F")
    for structure in data.get("ROIContourSequence", []):
        if int(structure.ReferencedROINumber) != number:
            continue
        for contour in structure.get("ContourSequence", []):
            if contour.get("ContourGeometricType") == "CLOSED_PLANAR":
                _fill(path, mask, _corners(contour, geometry))
    return mask


def _corners(contour: pydicom.Dataset, geometry: Geometry) -> npt.NDArray[np.float64]:
    lps = np.array(contour.ContourData, dtype=np.float64).reshape(-1, 3)
    return geometry.to_index(lps @ LPS_TO_RAS[:3, :3])


def _fill(path: Path, mask: Mask, corners: npt.NDArray[np.float64]) -> None:
    """Turn over the voxels whose centres lie inside a polygon of voxel indices `(corner, 3)`."""
    height = float(corners[:, 2].mean())
    z = round(height)
    if np.ptp(corners[:, 2]) > 1.0 or not 0 <= z < mask.shape[2]:
        seen = f"a contour lies at slices {corners[:, 2].min():.1f} to {corners[:, 2].max():.1f} of the CT"
        raise GridMismatchError(path, seen, "give the CT that it was drawn on")
    x, y = corners[:, 0], corners[:, 1]
    next_x, next_y = np.roll(x, -1), np.roll(y, -1)
    first, last = max(0, int(np.ceil(y.min()))), min(mask.shape[1] - 1, int(np.floor(y.max())))
    for row in range(first, last + 1):
        cut = (y <= row) != (next_y <= row)
        along = (row - y[cut]) / (next_y[cut] - y[cut])
        crossings = np.sort(x[cut] + along * (next_x[cut] - x[cut]))
        for start, stop in zip(crossings[::2], crossings[1::2], strict=True):
            low, high = max(0, int(np.ceil(start))), int(np.ceil(stop))
            mask[low : max(low, high), row, z] ^= True
