"""Find the organs that are known in full although a region was not annotated."""

import fastremap
import numpy as np
import numpy.typing as npt

from omentum.volumes.labels import organ

__all__ = ["known_beside"]


def known_beside(
    labels: npt.NDArray[np.uint8], ignored: npt.NDArray[np.bool_], organs: tuple[str, ...]
) -> tuple[str, ...]:
    """Give the organs that are known in full though a region is not annotated.

    A case knows an organ as a whole or not at all. An organ that touches the region may go on in it, one
    without a voxel may lie in it, and so may another tumour or cyst: all of these are unknown.

    Args:
        labels: 32-class indices `(x, y, z)`.
        ignored: The region that was not annotated.
        organs: The annotated organs.

    Example:
        >>> labels = np.zeros((6, 2, 2), dtype=np.uint8)
        >>> labels[0], labels[3] = 6, 1
        >>> known_beside(labels, np.arange(6)[:, None, None] * np.ones_like(labels) > 3, ("spleen", "liver"))
        ('liver',)
    """
    if not ignored.any():
        return organs
    present = set(fastremap.unique(labels).tolist())
    touching: set[int] = set()
    for axis in range(3):
        one, other = [slice(None)] * 3, [slice(None)] * 3
        one[axis], other[axis] = slice(1, None), slice(None, -1)
        for here, there in ((tuple(one), tuple(other)), (tuple(other), tuple(one))):
            touching |= set(np.unique(labels[here][ignored[there]]).tolist())
    known = present - touching
    return tuple(name for name in organs if organ(name).index in known and organ(name).kind == "organ")
