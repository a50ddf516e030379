"""Measure how much two masks share, and what changed between them."""

import numpy as np
import numpy.typing as npt

__all__ = ["changed_ml", "dice"]


def dice(a: npt.NDArray[np.bool_], b: npt.NDArray[np.bool_]) -> float | None:
    """Measure the overlap of two masks of the same shape.

    Args:
        a: One mask `(x, y, z)`.
        b: The other, on the same grid.

    Returns:
        Dice in [0, 1]; 0.0 where one is empty, `None` where both are.

    Example:
        >>> dice(np.array([True, True]), np.array([True, False]))
        0.6666666666666666
    """
    n_shared = int(np.count_nonzero(a & b))
    total = int(np.count_nonzero(a)) + int(np.count_nonzero(b))
    return 2.0 * n_shared / total if total else None


def changed_ml(
    before: npt.NDArray[np.bool_], after: npt.NDArray[np.bool_], voxel_ml: float
) -> tuple[float, float]:
    """Measure what a revision added and what it removed.

    Args:
        before: The mask that was shown `(x, y, z)`.
        after: The mask that came back, on the same grid.
        voxel_ml: Volume of one voxel in mL.

    Returns:
        Volume added and volume removed, in mL.

    Example:
        >>> changed_ml(np.array([True, True, False]), np.array([False, False, True]), voxel_ml=0.5)
        (0.5, 1.0)
    """
    n_shared = int(np.count_nonzero(before & after))
    added = int(np.count_nonzero(after)) - n_shared
    removed = int(np.count_nonzero(before)) - n_shared
    return added * voxel_ml, removed * voxel_ml
