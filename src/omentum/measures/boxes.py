"""Where does a mask lie? Boxes, so that nothing else has to touch the whole volume.

In:  a mask, or the set-coded map of a whole case.
Out: the smallest box around it; boxes grown or joined.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from omentum.volumes.geometry import Box
from omentum.volumes.labels import organ
from omentum.volumes.masks import MaskSet

__all__ = ["bounding_box", "grown", "joint_box", "organ_boxes", "shifted"]


def bounding_box(mask: npt.NDArray[np.bool_]) -> Box | None:
    """Find the smallest box around a mask `(x, y, z)`; `None` where it is empty.

    Example:
        >>> mask = np.zeros((4, 4, 4), dtype=bool)
        >>> mask[1:3, 2, 0:4] = True
        >>> bounding_box(mask)
        (slice(1, 3, None), slice(2, 3, None), slice(0, 4, None))
    """
    x = _extent(mask.any(axis=(1, 2)))
    if x is None:
        return None
    part = mask[x]
    y, z = _extent(part.any(axis=(0, 2))), _extent(part.any(axis=(0, 1)))
    return None if y is None or z is None else (x, y, z)


def grown(box: Box, margin_voxels: int, shape: tuple[int, ...]) -> Box:
    """Grow a box by a margin on every side, as far as the grid of that shape goes.

    Example:
        >>> grown((slice(1, 3), slice(2, 3), slice(0, 4)), 1, shape=(4, 4, 4))
        (slice(0, 4, None), slice(1, 4, None), slice(0, 4, None))
    """
    x, y, z = (
        slice(max(part.start - margin_voxels, 0), min(part.stop + margin_voxels, side))
        for part, side in zip(box, shape, strict=True)
    )
    return x, y, z


def joint_box(boxes: Iterable[Box | None]) -> Box | None:
    """Find the smallest box around several boxes; `None` counts as empty.

    Example:
        >>> joint_box([(slice(0, 1),) * 3, None, (slice(2, 4),) * 3])
        (slice(0, 4, None), slice(0, 4, None), slice(0, 4, None))
    """
    present = [box for box in boxes if box is not None]
    if not present:
        return None
    x, y, z = (
        slice(min(p.start for p in axis), max(p.stop for p in axis)) for axis in zip(*present, strict=True)
    )
    return x, y, z


def shifted(box: Box, origin: Box, sign: int = 1) -> Box:
    """Move a box by another's start: out of that box's own coordinates, or (`sign=-1`) into them.

    Example:
        >>> shifted((slice(0, 2),) * 3, origin=(slice(5, 9),) * 3)
        (slice(5, 7, None), slice(5, 7, None), slice(5, 7, None))
    """
    x, y, z = (
        slice(part.start + sign * start.start, part.stop + sign * start.start)
        for part, start in zip(box, origin, strict=True)
    )
    return x, y, z


def organ_boxes(masks: MaskSet) -> dict[str, Box | None]:
    """Find the box of every organ that a map speaks of, in one pass over its voxels; `None` where empty."""
    codes = masks.codes.T if masks.codes.flags.f_contiguous else masks.codes
    found: list[Any] = [None, *ndimage.find_objects(codes, max_label=len(masks.sets) - 1)]
    if codes is not masks.codes:  # scipy walks in C order, six times faster along the memory
        found = [box and box[::-1] for box in found]
    by_set = list(zip(found, masks.sets, strict=True))
    return {
        name: joint_box(box for box, members in by_set if organ(name).index in members)
        for name in masks.organs
    }


def _extent(occupied: npt.ArrayLike) -> slice | None:
    """Give the range from the first to the last occupied place of one axis."""
    places = np.flatnonzero(occupied)
    return slice(int(places[0]), int(places[-1]) + 1) if places.size else None
