"""Hash masks by what they say, voxel for voxel and in which place.

Compression and header fields of a file do not change such a hash.
"""

import hashlib

import numpy as np
import numpy.typing as npt

from omentum.volumes.geometry import Geometry
from omentum.volumes.labels import organ
from omentum.volumes.masks import MaskSet

__all__ = ["mask_sha256", "organ_sha256s"]


def mask_sha256(mask: npt.NDArray[np.bool_], geometry: Geometry) -> str:
    """Hash a mask `(x, y, z)` with its shape and affine; the order of the array in memory has no part in it.

    Returns:
        64 hexadecimal digits.

    Example:
        >>> grid = Geometry((2, 2, 2), np.eye(4))
        >>> mask_sha256(np.zeros((2, 2, 2), dtype=bool), grid)[:8]
        '1d3314b5'
    """
    digest = _begun(geometry)
    for z in range(mask.shape[2]):
        digest.update(np.packbits(mask[:, :, z]).tobytes())
    return digest.hexdigest()


def organ_sha256s(masks: MaskSet) -> dict[str, str]:
    """Hash the mask of each organ that a map speaks of, slice by slice; the same as `mask_sha256` of each."""
    holds = {
        name: np.array([organ(name).index in members for members in masks.sets]) for name in masks.organs
    }
    digests = {name: _begun(masks.geometry) for name in masks.organs}
    x, y, _ = masks.geometry.shape
    empty = bytes((x * y + 7) // 8)
    for z in range(masks.geometry.shape[2]):
        plane = np.ascontiguousarray(masks.codes[:, :, z])
        present = np.flatnonzero(np.bincount(plane.ravel(), minlength=len(masks.sets)))
        for name, held in holds.items():
            digests[name].update(np.packbits(held[plane]).tobytes() if held[present].any() else empty)
    return {name: digest.hexdigest() for name, digest in digests.items()}


def _begun(geometry: Geometry) -> "hashlib._Hash":
    digest = hashlib.sha256()
    digest.update(np.array(geometry.shape, dtype="<i8").tobytes())
    digest.update((geometry.affine + 0.0).astype("<f8").tobytes())  # -0.0 and 0.0 are one place
    return digest
