"""Are two masks the same, voxel for voxel and in the same place?

In:  a mask and its grid.
Out: a hash of what they say, not of a file: compression and header fields do not change it.
"""

import hashlib

import numpy as np
import numpy.typing as npt

from omentum.volumes.geometry import Geometry

__all__ = ["mask_sha256"]


def mask_sha256(mask: npt.NDArray[np.bool_], geometry: Geometry) -> str:
    """Hash a mask `(x, y, z)` with its shape and affine; the order of the array in memory has no part in it.

    Returns:
        64 hexadecimal digits.

    Example:
        >>> grid = Geometry((2, 2, 2), np.eye(4))
        >>> mask_sha256(np.zeros((2, 2, 2), dtype=bool), grid)[:8]
        '1d3314b5'
    """
    digest = hashlib.sha256()
    digest.update(np.array(geometry.shape, dtype="<i8").tobytes())
    digest.update((geometry.affine + 0.0).astype("<f8").tobytes())  # -0.0 and 0.0 are one place
    for z in range(mask.shape[2]):
        digest.update(np.packbits(mask[:, :, z]).tobytes())
    return digest.hexdigest()
