"""Find the connected components (26 neighbours) of a mask, and keep the largest."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import cc3d
import numpy as np
import numpy.typing as npt

from omentum.volumes.boxes import bounding_box

__all__ = ["Pieces", "keep_largest", "pieces_of"]


_LEAST_SIDE = 4
"""connected-components-3d 4.1 stops at thinner masks with many specks; they are padded."""


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
        order: list[int] = (np.argsort(-self.n_voxels[1:], kind="stable") + 1).tolist()
        return order

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
