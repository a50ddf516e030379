"""Read the contours of one structure of an RT structure set, and say which of them cannot be used."""

from collections import Counter
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pydicom
from pydicom.dataelem import RawDataElement

from omentum.errors import GridMismatchError, UnreadableImageError
from omentum.exchange.importers.dicom_segment_names import whole_number
from omentum.volumes.geometry import LPS_TO_RAS, Geometry

__all__ = ["Polygon", "contours_in", "is_drawn"]

_CLOSED = "CLOSED_PLANAR"
_XOR = "CLOSEDPLANAR_XOR"
_CURE = "export the structure set anew from the program it came from"
_DATA = "ContourData (3006,0050)"


class Polygon(NamedTuple):
    """A closed contour: its corners in voxels of the CT, `(corner, 3)`, and whether it is of exclusive or."""

    corners: npt.NDArray[np.float64]
    is_xor: bool


def contours_in(
    data: pydicom.Dataset, number: int, geometry: Geometry
) -> tuple[list[Polygon], tuple[str, ...]]:
    """Read the closed contours of a structure.

    Args:
        data: The structure set.
        number: `ROINumber` of the structure.
        geometry: The CT's grid.

    Returns:
        At least one contour; and sentences on contours that were left out: of another type, or of fewer than
        three points.

    Raises:
        UnreadableImageError: There is no closed contour, or one whose points are not what the file says.
        GridMismatchError: A contour lies beside its plane.
    """
    polygons, left = [], Counter[str]()
    items = _items(data, number)
    for place, item in enumerate(items, start=1):
        kind = str(item.get("ContourGeometricType") or "")
        if kind not in {_CLOSED, _XOR}:
            left[f"of type {kind}" if kind else "without ContourGeometricType (3006,0042)"] += 1
            continue
        points = _points(item, place)
        if len(points) < 3:
            left["of fewer than 3 points"] += 1
            continue
        polygons.append(Polygon(geometry.to_index(points @ LPS_TO_RAS[:3, :3]), kind == _XOR))
    notes = tuple(
        f"{count} of {len(items)} contours, {what}, {'was' if count == 1 else 'were'} left out"
        for what, count in left.items()
    )
    if not polygons:
        seen = "; ".join(["it has no closed contour (ContourSequence)", *notes])
        raise UnreadableImageError("its contours", seen, "draw it, or leave it out")
    return polygons, notes


def is_drawn(data: pydicom.Dataset, number: int) -> bool:
    """Tell whether a structure has a contour of any type."""
    return bool(_items(data, number))


def _items(data: pydicom.Dataset, number: int) -> list[pydicom.Dataset]:
    return [
        item
        for structure in data.get("ROIContourSequence") or ()
        if whole_number(structure, "ReferencedROINumber") == number
        for item in structure.get("ContourSequence") or ()
    ]


def _points(item: pydicom.Dataset, place: int) -> npt.NDArray[np.float64]:
    """Read the points of a contour in mm, LPS+, `(point, 3)`."""
    where = f"its contour {place}"
    _refuse_offset(item, where)
    try:
        values = np.array(_texts(item), dtype=np.float64)
    except (ValueError, TypeError) as error:
        raise UnreadableImageError(where, f"{_DATA} is no list of numbers ({error})", _CURE) from None
    if values.size % 3 or not np.isfinite(values).all():
        seen = f"{_DATA} has {values.size} values, and must have three finite numbers a point"
        raise UnreadableImageError(where, seen, _CURE)
    stated = item.get("NumberOfContourPoints")
    if stated is not None and int(stated) != values.size // 3 and max(int(stated), values.size // 3) > 2:
        seen = f"NumberOfContourPoints (3006,0046) says {stated}, and {_DATA} has {values.size // 3} points"
        raise UnreadableImageError(where, seen, _CURE)
    return values.reshape(-1, 3)


def _refuse_offset(item: pydicom.Dataset, where: str) -> None:
    offset = item.get("ContourOffsetVector")
    if offset is not None and np.any(np.array(offset, dtype=np.float64)):
        seen = f"it lies {offset} mm beside its plane (ContourOffsetVector)"
        raise GridMismatchError(where, seen, _CURE)


def _texts(item: pydicom.Dataset) -> list[Any]:
    """Give the numbers of a contour as they stand in the file: pydicom takes ten times as long for them."""
    if "ContourData" not in item:
        return []
    element = item.get_item("ContourData")
    if isinstance(element, RawDataElement) and isinstance(element.value, bytes):
        text = element.value.strip(b" \0").removesuffix(b"\\")
        return text.split(b"\\") if text else []
    value = item.ContourData
    return [] if value is None else list(np.atleast_1d(value))
