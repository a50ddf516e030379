"""Find the connected components (26 neighbours) of a mask, and keep the largest."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import cc3d
import numpy as np
import numpy.typing as npt

from omentum.volumes.boxes import bounding_box, shifted
from omentum.volumes.geometry import Box

__all__ = ["Component", "Pieces", "keep_largest", "largest_components", "pieces_of"]


_LEAST_SIDE = 4
"""Thinner masks full of specks are more than connected-components-3d 4.1 reckons with; it stops then."""


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


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """All pieces of a mask, numbered from 1.

    Attributes:
        numbers: Number of the piece that a voxel belongs to, 0 outside the mask, shape `(x, y, z)`.
        n_voxels: Size of each piece by its number; 0 at number 0.
    """

    numbers: npt.NDArray[Any]
    n_voxels: npt.NDArray[np.int64]

    @property
    def by_size(self) -> list[int]:
        """Numbers of all pieces by falling size; the one met first in memory order before its equals."""
        return _by_size(self.n_voxels)

    def counted(self, mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
        """Count the voxels that each piece shares with a mask `(x, y, z)`, by number; 0 at number 0."""
        return _counts(self.numbers, mask, len(self.n_voxels))

    def mask(self, chosen: Iterable[int]) -> npt.NDArray[np.bool_]:
        """Give the mask `(x, y, z)` of some pieces."""
        stays = np.zeros(len(self.n_voxels), dtype=np.bool_)
        stays[list(chosen)] = True
        return np.asarray(stays[self.numbers])


def pieces_of(mask: npt.NDArray[np.bool_]) -> Pieces:
    """Number the pieces of a mask `(x, y, z)`.

    Example:
        >>> mask = np.array([1, 0, 1, 1], dtype=bool).reshape(4, 1, 1)
        >>> pieces = pieces_of(mask)
        >>> pieces.n_voxels.tolist(), pieces.by_size
        ([0, 1, 2], [2, 1])
        >>> pieces.mask([1]).ravel().tolist()
        [True, False, False, False]
    """
    padded = np.pad(mask, ((0, 1),) * 3) if min(mask.shape) < _LEAST_SIDE else mask
    numbers, n_pieces = cc3d.connected_components(padded, connectivity=26, binary_image=True, return_N=True)
    numbers = numbers[tuple(slice(side) for side in mask.shape)]
    return Pieces(numbers, _counts(numbers, mask, n_pieces + 1))


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
    found = cc3d.statistics(pieces_of(mask[origin]).numbers)
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
    pieces = pieces_of(mask[box])
    result[box] = pieces.mask(n for n in pieces.by_size[:k] if pieces.n_voxels[n] > min_voxels_exclusive)
    return result


def _counts(numbers: npt.NDArray[Any], mask: npt.NDArray[np.bool_], length: int) -> npt.NDArray[np.int64]:
    """Count the voxels of each number inside a mask; counting there alone spares the background."""
    counts = np.bincount(numbers[mask], minlength=length)
    counts[0] = 0
    return counts


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
