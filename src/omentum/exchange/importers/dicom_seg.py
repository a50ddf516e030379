"""Read the masks of a DICOM segmentation object (DICOM-SEG): binary, fractional, or a label map.

Out: the mask of a segment on the CT's grid. Fractional ones count from above a half.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom

from omentum.errors import GridMismatchError, UnreadableImageError
from omentum.volumes.geometry import LPS_TO_RAS, SAME_GRID_TOLERANCE_MM, Affine, Geometry
from omentum.volumes.lattice import LATTICE_TOLERANCE_VOXELS

__all__ = ["Segmentation"]

Mask = npt.NDArray[np.bool_]
Index = npt.NDArray[np.float64]

_WIDE = 1.5
"""A grid whose slices lie further apart than this, in slices of the CT, leaves some of the CT's out."""
_ENOUGH_GAPS = 3
"""Distances between frames that say more than the header."""
_ON_THIS_GRID = "export it on the grid of this very CT"


class Segmentation:
    """The segments of a file.

    Args:
        data: The file.
        geometry: The CT's grid.
    """

    def __init__(self, data: pydicom.Dataset, geometry: Geometry) -> None:
        self._data, self._geometry = data, geometry
        self._is_map = str(data.get("SegmentationType") or "") == "LABELMAP"
        self._headers = list(data.get("PerFrameFunctionalGroupsSequence") or ())
        self._frames = defaultdict[int, list[int]](list)
        if not self._is_map:
            for place, header in enumerate(self._headers):
                identity = self._part(header, "SegmentIdentificationSequence")
                self._frames[int(identity.ReferencedSegmentNumber)].append(place)

    def mask(self, number: int) -> tuple[Mask, tuple[str, ...]]:
        """Put the frames of a segment where their headers say.

        A segment without a voxel is known to be empty: the standard lets a file leave out its empty frames.

        Returns:
            The mask `(x, y, z)`, and sentences on what was done to place it.

        Raises:
            UnreadableImageError: The frames cannot be decoded, or no fraction reaches a half.
            GridMismatchError: A frame does not lie on the CT's grid, or all of them lie beyond it.
        """
        mask = np.zeros(self._geometry.shape, dtype=np.bool_, order="F")
        off_mm, n_cut = 0.0, 0
        for header, area in self._areas(number):
            index = self._index(header, area)
            nearest = np.rint(index).astype(np.int64)
            off_mm = max(off_mm, self._off_mm(index - nearest))
            inside = ((nearest >= 0) & (nearest < self._geometry.shape)).all(axis=1)
            mask[tuple(nearest[inside].T)] = True
            n_cut += int(np.count_nonzero(~inside))
        notes = (
            [] if mask.any() or n_cut else ["the file describes it and gives it no voxel: known to be empty"]
        )
        if off_mm > SAME_GRID_TOLERANCE_MM:
            notes.append(f"a voxel lies {off_mm:.2g} mm off the CT's grid, within a tenth of a voxel")
        return mask, (*notes, *self._cut(mask, n_cut))

    def numbers(self) -> set[int]:
        """Find the segments that have a frame or, in a label map, a voxel.

        Raises:
            UnreadableImageError: The frames cannot be decoded.
        """
        if self._is_map:
            return set(np.unique(self._decoded()).tolist()) - {0}
        return set(self._frames)

    def _cut(self, mask: Mask, n_cut: int) -> tuple[str, ...]:
        volume = f"{n_cut * self._geometry.voxel_ml:.3g} mL"
        if n_cut and not mask.any():
            raise GridMismatchError(
                "its frames", f"{volume} lie beyond the CT, and none on it", _ON_THIS_GRID
            )
        return (f"{volume} beyond the CT were cut",) if n_cut else ()

    def _areas(self, number: int) -> Iterator[tuple[pydicom.Dataset, Mask]]:
        """Give the frames of a segment in which it has a voxel, `(row, column)`."""
        if self._is_map:
            pixels = self._decoded()
            for header, frame in zip(self._headers, pixels, strict=True):
                if (frame == number).any():
                    yield header, frame == number
            return
        least = float(self._data.get("MaximumFractionalValue") or 1) / 2
        n_low = n_filled = 0
        for place in self._frames.get(number, ()):
            frame = self._decoded_frame(place)
            area = frame > least
            n_low += int(frame.any())
            if area.any():
                n_filled += 1
                yield self._headers[place], area
        if n_low and not n_filled:
            raise UnreadableImageError("its frames", "no fraction exceeds a half", "export it as binary")

    def _decoded(self) -> npt.NDArray[Any]:
        try:
            pixels = self._data.pixel_array
        except Exception as error:  # decoders raise what they like
            raise _undecodable(error) from None
        return np.asarray(pixels.reshape(-1, int(self._data.Rows), int(self._data.Columns)))

    def _decoded_frame(self, place: int) -> npt.NDArray[Any]:
        """Decode one frame: all of them may be many times the size of the CT."""
        from pydicom.pixels import pixel_array

        try:
            return np.asarray(pixel_array(self._data, index=place))
        except Exception as error:  # decoders raise what they like
            raise _undecodable(error) from None

    def _index(self, header: pydicom.Dataset, area: Mask) -> Index:
        """Give the places of a frame's voxels on the CT's grid, `(voxel, 3)`."""
        to_index = np.linalg.inv(self._geometry.affine) @ self._affine(header)
        self._check_steps(to_index, header)
        rows, columns = np.nonzero(area)
        index = np.stack([columns, rows], axis=1) @ to_index[:3, :2].T + to_index[:3, 3]
        off = float(np.abs(index - np.rint(index)).max())
        if not off <= LATTICE_TOLERANCE_VOXELS:  # NaN is off, too
            seen = f"a frame lies {off:.2f} voxels off the CT's, and {LATTICE_TOLERANCE_VOXELS} is allowed"
            raise GridMismatchError("its frames", seen, _ON_THIS_GRID)
        return np.asarray(index)

    def _check_steps(self, to_index: Affine, header: pydicom.Dataset) -> None:
        """Refuse pixels that are not the CT's, and slices that leave some of the CT's out."""
        steps = np.abs(np.rint(to_index[:3, :2]))
        if not (steps.sum(axis=0) == 1).all() or (steps.sum(axis=1) > 1).any():
            spacing = " x ".join(
                f"{one:g}" for one in self._part(header, "PixelMeasuresSequence").PixelSpacing
            )
            seen = f"its pixels of {spacing} mm are not those of the CT's grid"
            raise GridMismatchError("its frames", seen, "resample it to the CT by nearest neighbour")
        axis = int(np.argmin(steps.sum(axis=1)))
        apart = self._slices_apart(axis, header)
        if apart > _WIDE:
            seen = f"its slices lie {apart:.3g} slices of the CT apart, so that it says nothing of the others"
            raise GridMismatchError("its frames", seen, "resample it to the CT by nearest neighbour")

    def _slices_apart(self, axis: int, header: pydicom.Dataset) -> float:
        """Give the distance of slices, in slices of the CT: as stated, or as frames lie if that is closer."""
        measures = self._part(header, "PixelMeasuresSequence")
        stated = measures.get("SpacingBetweenSlices") or measures.get("SliceThickness") or 0.0
        apart = abs(float(stated)) / self._geometry.spacing_mm[axis]
        if 0 < apart <= _WIDE:
            return apart
        origins = [self._part(one, "PlanePositionSequence").ImagePositionPatient for one in self._headers]
        lps = np.array(origins, dtype=np.float64)
        gaps = np.diff(np.unique(np.rint(self._geometry.to_index(lps @ LPS_TO_RAS[:3, :3])[:, axis])))
        return float(gaps.min(initial=np.inf if gaps.size >= _ENOUGH_GAPS else apart or 1.0))

    def _affine(self, header: pydicom.Dataset) -> Affine:
        """Give the affine of a frame, from column and row to mm in R, A, S."""
        measures = self._part(header, "PixelMeasuresSequence")
        across = self._part(header, "PlaneOrientationSequence").ImageOrientationPatient
        row, column = np.array(across, dtype=np.float64).reshape(2, 3)
        affine = np.eye(4)
        affine[:3, 0] = row * float(measures.PixelSpacing[1])
        affine[:3, 1] = column * float(measures.PixelSpacing[0])
        affine[:3, 2] = np.cross(row, column)
        affine[:3, 3] = self._part(header, "PlanePositionSequence").ImagePositionPatient
        return np.asarray(LPS_TO_RAS @ affine)

    def _part(self, header: pydicom.Dataset, name: str) -> Any:
        """Give what a frame's own header says, or else the one that all frames share."""
        shared = self._data.get("SharedFunctionalGroupsSequence") or [pydicom.Dataset()]
        own = header.get(name) or shared[0].get(name)
        if not own:
            raise UnreadableImageError("its frames", f"the header has no {name}", "export it anew")
        return own[0]

    def _off_mm(self, off: Index) -> float:
        return float(np.linalg.norm(off @ self._geometry.affine[:3, :3].T, axis=1).max(initial=0.0))


def _undecodable(error: Exception) -> UnreadableImageError:
    said = " ".join(str(error).split()) or type(error).__name__
    return UnreadableImageError("its frames", f"they cannot be decoded ({said})", "export it anew")
