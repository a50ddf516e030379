"""Read the masks of an RT structure set (RTSTRUCT).

Out: names of structures, with our organs; and the mask of a structure on the CT's grid.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pydicom

from omentum.errors import GridMismatchError, UnreadableImageError
from omentum.exchange.exporters.absent import ABSENT
from omentum.exchange.importers.contour_items import contours_in
from omentum.exchange.importers.contour_planes import Contour, PlaneBox, box_around, filled_plane
from omentum.exchange.importers.contour_stack import (
    Plane,
    is_on_slices,
    least_distance,
    regular_distance,
    runs_of,
    slices_of,
)
from omentum.exchange.importers.dicom_segment_names import whole_number
from omentum.volumes.boxes import BoxedArray
from omentum.volumes.geometry import Geometry
from omentum.volumes.lattice import LATTICE_TOLERANCE_VOXELS

__all__ = ["StructureSet"]

Mask = npt.NDArray[np.bool_]

_SAME_PLANE = 0.02
"""Contours this close across the slices, in slices, are of one plane."""
_CURE = "export it for this CT, or as a DICOM-SEG"


class _Stack(NamedTuple):
    """Contours of a structure: the CT's axis across them, their planes' heights, and what was left out."""

    axis: int
    contours: list[Contour]
    notes: tuple[str, ...]

    @property
    def heights(self) -> list[float]:
        """Heights of the planes, rising."""
        return [height for height, _ in _by_plane(self.contours)]


class StructureSet:
    """The structures of a file that may be organs.

    Args:
        data: The file.
        geometry: The CT's grid.
    """

    def __init__(self, data: pydicom.Dataset, geometry: Geometry) -> None:
        self._data, self._geometry = data, geometry
        self._distances: dict[int, float | None] = {}

    def mask(self, number: int) -> tuple[Mask, tuple[str, ...]]:
        """Fill the contours of a structure.

        Returns:
            The mask `(x, y, z)`, and sentences on what was done to place it.

        Raises:
            UnreadableImageError: It has no closed contours and is not said to be absent, or one
                that cannot be read.
            GridMismatchError: It is not parallel to an axis of the CT, or lies beyond it.
        """
        if self._is_said_absent(number):
            return np.zeros(self._geometry.shape, dtype=np.bool_, order="F"), (f"the file says: {ABSENT}",)
        stack = _stack(self._data, number, self._geometry)
        heights = stack.heights
        distance = regular_distance(heights) or self._usual_distance() or least_distance(heights)
        box = _box(stack, self._geometry)
        filled = [(height, *filled_plane(own, box)) for height, own in _by_plane(stack.contours)]
        planes = [Plane(height, area) for height, area, _ in filled]
        n_crossed = sum(is_crossed for _, _, is_crossed in filled)
        mask, n_cut = _placed(slices_of(planes, distance, self._spacing(stack)), box, stack, self._geometry)
        self._check_filled(mask, n_cut)
        notes = (*stack.notes, *_crossed(n_crossed), *_spaced(planes, distance), *self._cut(n_cut))
        return mask, notes

    def _is_said_absent(self, number: int) -> bool:
        """Return whether the file says that an organ is not there; no contour alone says nothing."""
        told = self._data.get("StructureSetROISequence") or ()
        drawn = self._data.get("ROIContourSequence") or ()
        return any(
            whole_number(one, "ROINumber") == number
            and str(one.get("ROIDescription") or "").strip() == ABSENT
            for one in told
        ) and not any(
            whole_number(one, "ReferencedROINumber") == number and one.get("ContourSequence") for one in drawn
        )

    def _usual_distance(self) -> float | None:
        """Find the distance at which most structures of the file are drawn."""
        if not self._distances:
            for structure in self._data.get("ROIContourSequence") or ():
                number = whole_number(structure, "ReferencedROINumber")
                if number is not None:
                    self._distances[number] = _regular(self._data, number, self._geometry)
        regular = [one for one in self._distances.values() if one is not None]
        return float(np.median(regular)) if regular else None

    def _spacing(self, stack: _Stack) -> tuple[float, float]:
        u, v = (self._geometry.spacing_mm[axis] for axis in _in_plane(stack.axis))
        return u, v

    def _check_filled(self, mask: Mask, n_cut: int) -> None:
        if mask.any():
            return
        if n_cut:
            seen = f"it lies wholly beyond the CT, {n_cut * self._geometry.voxel_ml:.3g} mL"
            raise GridMismatchError("its contours", seen, "give the CT that it was drawn on")
        raise UnreadableImageError("its contours", "no voxel's centre lies inside", "draw it anew")

    def _cut(self, n_cut: int) -> tuple[str, ...]:
        return (f"{n_cut * self._geometry.voxel_ml:.3g} mL beyond the CT were cut",) if n_cut else ()


def _regular(data: pydicom.Dataset, number: int, geometry: Geometry) -> float | None:
    try:
        return regular_distance(_stack(data, number, geometry).heights)
    except Exception:  # whatever its header holds; told where its mask is asked for, if it is an organ
        return None


def _stack(data: pydicom.Dataset, number: int, geometry: Geometry) -> _Stack:
    """Read the contours of a structure, along the axis of the CT across them."""
    polygons, notes = contours_in(data, number, geometry)
    off = np.array([[np.ptp(one.corners[:, axis]) / 2 for one in polygons] for axis in range(3)]).max(axis=1)
    axis = int(2 - np.argmin(off[::-1]))
    if off[axis] > LATTICE_TOLERANCE_VOXELS:
        seen = f"one of them runs over {2 * off[axis]:.1f} slices, and must be parallel to the CT's slices"
        raise GridMismatchError("its contours", seen, _CURE)
    heights = np.array([one.corners[:, axis].mean() for one in polygons])
    if is_on_slices(heights):
        heights = np.rint(heights)
    u, v = _in_plane(axis)
    contours = [
        Contour(float(height), one.corners[:, [u, v]], one.is_xor)
        for height, one in zip(heights, polygons, strict=True)
    ]
    return _Stack(axis, sorted(contours, key=lambda one: one.height), notes)


def _in_plane(axis: int) -> tuple[int, int]:
    u, v = (other for other in range(3) if other != axis)
    return u, v


def _by_plane(contours: Sequence[Contour]) -> Iterator[tuple[float, list[Contour]]]:
    """Group contours, by rising height, into planes."""
    heights = np.array([one.height for one in contours])
    starts = np.concatenate([[0], np.cumsum(np.diff(heights) > _SAME_PLANE)])
    for _, group in groupby(zip(starts, contours, strict=True), key=lambda pair: pair[0]):
        own = [one for _, one in group]
        yield float(np.mean([one.height for one in own])), own


def _box(stack: _Stack, geometry: Geometry) -> PlaneBox:
    """Find the box of a structure in its planes; far outside of the CT, it is no structure of it."""
    box = box_around(stack.contours)
    for low, size, axis in zip(*box, _in_plane(stack.axis), strict=True):
        side = geometry.shape[axis]
        if low < -side or low + size > 2 * side:
            seen = f"they run from voxel {low} to {low + size - 1} along an axis on which the CT has {side}"
            raise GridMismatchError("its contours", seen, "give the CT that it was drawn on")
    return box


def _placed(
    slices: Iterator[tuple[int, Mask]], box: PlaneBox, stack: _Stack, geometry: Geometry
) -> tuple[Mask, int]:
    """Put slices on the CT's grid; count the voxels that lie beyond it."""
    mask = np.zeros(geometry.shape, dtype=np.bool_, order="F")
    turned = mask.transpose(*_in_plane(stack.axis), stack.axis)
    u, v = (slice(low, low + size) for low, size in zip(*box, strict=True))
    n_all = 0
    for z, area in slices:
        n_all += int(np.count_nonzero(area))
        if 0 <= z < turned.shape[2]:
            BoxedArray((u, v, slice(z, z + 1)), area[..., None]).put(turned)
    return mask, n_all - int(np.count_nonzero(mask))


def _crossed(n_planes: int) -> tuple[str, ...]:
    said = f"in {n_planes} planes contours overlap in part, and were joined"
    return (said,) if n_planes else ()


def _spaced(planes: Sequence[Plane], distance: float) -> tuple[str, ...]:
    """Say what was done between planes, and where nothing was."""
    heights = np.array([plane.height for plane in planes])
    runs = runs_of(planes, distance)
    notes = []
    if distance < 1 - LATTICE_TOLERANCE_VOXELS:
        notes.append(f"its contours lie {distance:.2g} slices apart, and were averaged over each slice")
    elif not is_on_slices(heights):
        notes.append("its contours lie between the CT's slices, and were interpolated by shape")
    elif distance > 1 and len(planes) > len(runs):
        notes.append(f"it was drawn on every {distance:.2g} slices; those between were interpolated by shape")
    gaps = [(before[-1].height, after[0].height) for before, after in pairwise(runs)]
    if gaps:
        shown = ", ".join(f"{low:.4g} and {high:.4g}" for low, high in gaps[:3])
        more = f" and at {len(gaps) - 3} more places" if len(gaps) > 3 else ""
        notes.append(f"it has no contour between slices {shown}{more}, and nothing was filled in there")
    return tuple(notes)
