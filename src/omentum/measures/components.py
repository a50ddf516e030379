"""Which pieces is a mask made of?

In:  a mask.
Out: its pieces (26 neighbours) with size and box; the mask with only its largest pieces.
"""

from dataclasses import dataclass
from typing import Any

import cc3d
import numpy as np
import numpy.typing as npt

from omentum.measures.boxes import bounding_box, shifted
from omentum.volumes.geometry import Box

__all__ = ["Component", "keep_largest", "largest_components"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """One piece of a mask.

    Attributes:
        n_voxels: Its size.
        box: The smallest box around it.
        centre_voxel: Mean index of its voxels `(x, y, z)`.
    """

    n_voxels: int
    box: Box
    centre_voxel: tuple[float, float, float]


def largest_components(mask: npt.NDArray[np.bool_], k: int | None = None) -> tuple[Component, ...]:
    """List the pieces of a mask by falling size.

    Args:
        mask: Shape `(x, y, z)`.
        k: Most pieces to list; all where `None`.

    Example:
        >>> mask = np.zeros((5, 1, 1), dtype=bool)
        >>> mask[[0, 2, 3]] = True
        >>> [(piece.n_voxels, piece.centre_voxel[0]) for piece in largest_components(mask)]
        [(2, 2.5), (1, 0.0)]
    """
    origin = bounding_box(mask)
    if origin is None:
        return ()
    found = cc3d.statistics(_labelled(mask[origin]))
    first = np.array([part.start for part in origin])
    return tuple(
        Component(
            n_voxels=int(found["voxel_counts"][label]),
            box=shifted(_plain(found["bounding_boxes"][label]), origin),
            centre_voxel=_point(found["centroids"][label] + first),
        )
        for label in _by_size(found["voxel_counts"])[:k]
    )


def keep_largest(
    mask: npt.NDArray[np.bool_], k: int = 1, min_voxels_exclusive: int = 0
) -> npt.NDArray[np.bool_]:
    """Keep the largest pieces of a mask.

    Args:
        mask: Shape `(x, y, z)`.
        k: Most pieces to keep.
        min_voxels_exclusive: A piece must have more voxels than this.

    Returns:
        A new mask. Of two pieces of one size, the one met first in memory order comes first.

    Example:
        >>> mask = np.array([1, 0, 1, 1], dtype=bool).reshape(4, 1, 1)
        >>> keep_largest(mask).ravel().tolist()
        [False, False, True, True]
    """
    result = np.zeros_like(mask, dtype=np.bool_)
    box = bounding_box(mask)
    if box is None:
        return result
    labels = _labelled(mask[box])
    counts = cc3d.statistics(labels, no_slice_conversion=True)["voxel_counts"]
    kept = [label for label in _by_size(counts)[:k] if counts[label] > min_voxels_exclusive]
    stays = np.zeros(len(counts), dtype=np.bool_)
    stays[kept] = True
    result[box] = stays[labels]
    return result


def _labelled(mask: npt.NDArray[np.bool_]) -> npt.NDArray[Any]:
    """Number the pieces of a mask from 1."""
    return np.asarray(cc3d.connected_components(mask, connectivity=26, binary_image=True))


def _by_size(counts: npt.NDArray[Any]) -> list[int]:
    """Order the labels by falling size, background left out; the lower of two equals comes first."""
    order: list[int] = (np.argsort(-counts[1:].astype(np.int64), kind="stable") + 1).tolist()
    return order


def _plain(box: Box) -> Box:
    """Give a box in Python's own integers."""
    x, y, z = (slice(int(part.start), int(part.stop)) for part in box)
    return x, y, z


def _point(index: npt.NDArray[Any]) -> tuple[float, float, float]:
    x, y, z = index.tolist()
    return x, y, z
