"""Take voxels for labels: whole numbers from 0 to 255."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from omentum.errors import LabelValueError
from omentum.volumes.geometry import Box
from omentum.volumes.read import check_finite

__all__ = ["as_labels", "label_boxes", "values_shown"]

_VALUES_SHOWN = 8
_ROUNDING = 1e-3
"""Labels in scaled or floating files may be this far from whole numbers."""


def as_labels(path: Path, voxels: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Take voxels for labels.

    Raises:
        LabelValueError: A value is not a whole number from 0 to 255, but for the rounding of scaled files.
        NonFiniteVoxelsError: A value is no number.
    """
    check_finite(path, voxels)
    low, high = float(voxels.min()), float(voxels.max())
    if low < -_ROUNDING or high > 255 + _ROUNDING:
        seen = f"its values run from {low:g} to {high:g}, and label ids from 0 to 255"
        raise LabelValueError(path, seen, "map its ids to the label table first")
    if voxels.dtype.kind in "iu":
        return voxels.astype(np.uint8, copy=False)
    labels = np.empty(voxels.shape, dtype=np.uint8, order="F")
    for z in range(voxels.shape[2]):
        nearest = np.rint(voxels[:, :, z])
        off = np.abs(nearest - voxels[:, :, z])
        if off.max() > _ROUNDING:
            seen = f"it holds {voxels[:, :, z].flat[off.argmax()]:g}, and labels are whole numbers"
            raise LabelValueError(path, seen, "save the mask, not probabilities")
        labels[:, :, z] = nearest
    return labels


def label_boxes(labels: npt.NDArray[Any]) -> dict[int, Box]:
    """Give the box of each value that is not 0."""
    from scipy import ndimage  # the review server starts without it

    found = ndimage.find_objects(labels.T)  # three times as fast where x varies fastest, as in files
    return {value: (box[2], box[1], box[0]) for value, box in enumerate(found, start=1) if box is not None}


def values_shown(values: Sequence[int]) -> str:
    """List values in words, the first of many only."""
    shown = ", ".join(str(value) for value in values[:_VALUES_SHOWN])
    more = f" and {len(values) - _VALUES_SHOWN} more" if len(values) > _VALUES_SHOWN else ""
    return f"the value {shown}" if len(values) == 1 else f"the values {shown}{more}"
