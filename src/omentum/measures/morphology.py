"""Erode, dilate, open and close masks with cubes, and fill their holes.

Outside the grid counts as background, as in scipy's default.
"""

from collections.abc import Callable

import cc3d
import fill_voids
import numpy as np
import numpy.typing as npt

from omentum.volumes.boxes import bounding_box

__all__ = ["closed", "dilated", "eroded", "filled", "opened"]

Mask = npt.NDArray[np.bool_]


def eroded(mask: Mask, times: int = 1) -> Mask:
    """Erode with a full 3 x 3 x 3 cube, several times; voxels at the grid's border do not survive.

    Example:
        >>> int(eroded(np.ones((5, 5, 5), dtype=bool)).sum())
        27
    """
    result = np.zeros_like(mask, dtype=np.bool_)
    if min(mask.shape) > 2 * times:
        result[tuple(slice(times, side - times) for side in mask.shape)] = _worn(mask, times)
    return result


def dilated(mask: Mask, times: int = 1) -> Mask:
    """Dilate with a full 3 x 3 x 3 cube, several times.

    Example:
        >>> dot = np.zeros((5, 5, 5), dtype=bool)
        >>> dot[2, 2, 2] = True
        >>> int(dilated(dot).sum())
        27
    """
    return _grown(mask, times, margin=times)


def opened(mask: Mask, times: int = 2) -> Mask:
    """Erode, then dilate as often: what is thinner than `2 * times + 1` voxels goes. Published: 2 times.

    Returns:
        A new mask inside the given one.

    Source:
        The attention maps of AbdomenAtlas-8K (Qu et al. 2023, arXiv:2305.09666) as computed there.
    """
    result = np.zeros_like(mask, dtype=np.bool_)
    box = bounding_box(mask)
    if box is None or any(side.stop - side.start <= 2 * times for side in box):
        return result
    core = _worn(mask[box], times)  # its first voxel lies `times` inside the box's
    inner = bounding_box(core)
    if inner is not None:  # what the core grows to begins where the box does, and lies inside the mask
        outer = tuple(slice(one.start, one.stop + 2 * times) for one in inner)
        result[box][outer] = _grown(core[inner], times, margin=2 * times)
    return result


def closed(mask: Mask, times: int) -> Mask:
    """Dilate, then erode as often: gaps thinner than `2 * times + 1` voxels are bridged.

    Example:
        >>> mask = np.ones((9, 9, 9), dtype=bool)
        >>> mask[4] = False
        >>> int(closed(mask, 1)[4].sum())
        49
    """
    return eroded(dilated(mask, times), times)


def filled(mask: Mask, max_voxels: int | None = None) -> Mask:
    """Fill what a mask encloses: background that no path of 6 neighbours leads out of.

    Args:
        mask: Shape `(x, y, z)`; outside the grid counts as outside.
        max_voxels: Holes larger than this stay; `None` fills all.

    Example:
        >>> shell = np.ones((5, 5, 5), dtype=bool)
        >>> shell[1:4, 1:4, 1:4] = False
        >>> int(filled(shell).sum()), int(filled(shell, max_voxels=26).sum())
        (125, 98)
    """
    result = mask.copy()
    box = bounding_box(mask)
    if box is None:
        return result
    # Without a margin, fill_voids takes some background that reaches the array's border for a hole.
    holes = fill_voids.fill(np.pad(mask[box], 1))[1:-1, 1:-1, 1:-1] & ~mask[box]
    if max_voxels is not None:
        holes &= ~cc3d.dust(holes, threshold=max_voxels + 1, connectivity=6)
    result[box] |= holes
    return result


def _worn(mask: Mask, times: int) -> Mask:
    """Erode, and cut the border that cannot survive: each side is `2 * times` shorter."""
    for axis in range(mask.ndim):
        mask = _joined(mask, 2 * times + 1, axis, np.bitwise_and)
    return mask


def _grown(mask: Mask, times: int, margin: int) -> Mask:
    """Dilate a mask that has a margin of background around it: each side is `2 * (margin - times)` longer."""
    shape = [side + 2 * margin for side in mask.shape]
    padded = np.zeros(shape, dtype=np.bool_, order="F" if np.isfortran(mask) else "C")
    padded[tuple(slice(margin, side - margin) for side in shape)] = mask
    for axis in range(mask.ndim):
        padded = _joined(padded, 2 * times + 1, axis, np.bitwise_or)
    return padded


def _joined(mask: Mask, width: int, axis: int, join: Callable[[Mask, Mask], Mask]) -> Mask:
    """Join each run of `width` voxels along an axis into one, by doubling; it gets `width - 1` shorter."""
    result = np.moveaxis(mask, axis, 0)
    covered = 1
    while covered < width:
        step = min(covered, width - covered)
        result = join(result[:-step], result[step:])
        covered += step
    return np.moveaxis(result, 0, axis)
