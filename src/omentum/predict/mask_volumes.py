"""Read masks and soft predictions of other programs, checked and on the CT's axes."""

from collections.abc import Sequence
from functools import reduce
from pathlib import Path
from typing import Any

import fastremap
import numpy as np
import numpy.typing as npt

from omentum.errors import LabelValueError, NonFiniteVoxelsError
from omentum.measures.probability_bytes import nearest_bytes
from omentum.volumes.boxes import BoxedArray, BoxedMask, bounding_box
from omentum.volumes.geometry import Geometry
from omentum.volumes.probabilities import FULL
from omentum.volumes.segmentations import read_mask, read_on_grid

__all__ = ["read_organ", "read_soft"]

_ROUNDING = 1e-3
"""Floating probabilities may be this much below 0 or above 1."""

Bytes = npt.NDArray[np.uint8]


def read_organ(path: Path, ct: Geometry) -> BoxedMask | None:
    """Read a file that holds one organ: 0 and one other value.

    Returns:
        The organ's box on `ct` and its mask there; `None` where it is nowhere.

    Raises:
        LabelValueError: There are two values beside 0.
        ImageError: As `read_mask`.
    """
    labels = read_mask(path, ct).voxels
    box = bounding_box(labels > 0)
    if box is None:
        return None
    values = [value for value in fastremap.unique(labels[box]).tolist() if value]
    if len(values) > 1:
        seen = f"it holds the values {', '.join(map(str, values))}, and an organ's file holds one beside 0"
        raise LabelValueError(path, seen, "save each organ as a file, or all as <case_id>.nii.gz")
    return BoxedArray(box, labels[box] > 0)


def read_soft(paths: Sequence[Path], ct: Geometry) -> Bytes:
    """Read soft predictions, and take the greatest where an organ has several files.

    Args:
        paths: Files of whole numbers from 0 to 255, or of floating ones from 0 to 1.
        ct: The CT's grid.

    Returns:
        Probability times 255, uint8 `(x, y, z)` on `ct`.

    Raises:
        LabelValueError: A value is out of that range.
        ImageError: As `read_mask`, or a value is not finite.
    """
    return reduce(np.maximum, (_soft(path, ct) for path in paths))


def _soft(path: Path, ct: Geometry) -> Bytes:
    voxels = read_on_grid(path, ct).voxels
    _check_range(path, voxels)
    if voxels.dtype.kind in "iu":
        return np.asfortranarray(voxels.astype(np.uint8, copy=False))
    values = np.empty(voxels.shape, dtype=np.uint8, order="F")
    for z in range(voxels.shape[2]):
        values[:, :, z] = nearest_bytes(voxels[:, :, z])
    return values


def _check_range(path: Path, voxels: npt.NDArray[Any]) -> None:
    low, high = float(voxels.min()), float(voxels.max())
    if not np.isfinite([low, high]).all():
        raise NonFiniteVoxelsError(path, "it holds NaN or infinite values", "export it anew from its source")
    whole = voxels.dtype.kind in "iu"
    most, spare = (FULL, 0.0) if whole else (1, _ROUNDING)
    if low < -spare or high > most + spare:
        kind = "whole numbers" if whole else "floating"
        seen = f"its values run from {low:g} to {high:g}, and probabilities ({kind}) from 0 to {most}"
        raise LabelValueError(path, seen, "save probabilities, not logits or labels")
