"""Read the masks of an RT structure set (RTSTRUCT).

Out: names of structures, with our organs; and the mask of a structure on the CT's grid.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pydicom

from omentum.errors import GridMismatchError
from omentum.volumes.geometry import LPS_TO_RAS, Geometry
from omentum.volumes.label_schemes import organ_or_pair_in_words

__all__ = ["structure_mask", "structure_names"]

Mask = npt.NDArray[np.bool_]


def structure_names(data: pydicom.Dataset) -> dict[int, tuple[str, str | None]]:
    """Give each structure's own name, and the organ or pair that it says, by number."""
    rois = data.get("StructureSetROISequence", [])
    names = {int(roi.ROINumber): str(roi.ROIName) for roi in rois}
    return {number: (name, organ_or_pair_in_words(name)) for number, name in names.items()}


def structure_mask(path: Path, data: pydicom.Dataset, number: int, geometry: Geometry) -> Mask:
    """Fill the contours of a structure, slice by slice; one inside another is a hole.

    Raises:
        GridMismatchError: A contour lies outside of the CT.
    """
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
    """Invert the voxels whose centres lie inside a polygon of voxel indices `(corner, 3)`."""
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
