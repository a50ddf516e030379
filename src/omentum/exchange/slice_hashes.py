"""Hash single slices of a CT, to find a part of it in another CT.

Out: the smallest hashes of a CT's slices. A crop keeps some of the slices, so it keeps some of these hashes.
     Air around the body, a mirrored array, values cut outside 0 to 100 HU and the kind of number change none.
"""

import hashlib

import numpy as np
import numpy.typing as npt

__all__ = ["N_HASHES", "slice_hash", "smallest"]

N_HASHES = 24
"""Half of a CT's slices hold half of these on average, and none in one of 16 million cases."""
_LOW_HU, _HIGH_HU = 0, 100
"""Within every window to which data sets of the abdomen are cut."""
_LEAST_VOXELS = 400
"""Smaller slices, and those with less soft tissue, are not told apart for sure."""
_LEAST_LEVELS = 16
_APART = 4


def slice_hash(plane: npt.NDArray[np.generic]) -> int | None:
    """Hash what a slice shows of soft tissue; `None` if it shows too little.

    Two scans never share a hash, as noise differs in every voxel.

    Args:
        plane: HU, shape `(x, y)`.

    Source:
        Keeping the smallest hashes: Broder 1997, "On the resemblance and containment of documents".
    """
    if plane.size < _LEAST_VOXELS:
        return None
    values = plane if np.issubdtype(plane.dtype, np.integer) else np.rint(plane)
    levels = np.clip(values.T, _LOW_HU, _HIGH_HU).astype(np.uint8, order="C")
    rows, columns = (np.flatnonzero(levels.any(axis=axis)) for axis in (1, 0))
    if not rows.size:
        return None
    body = levels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    n_inside = np.count_nonzero(body) - np.count_nonzero(body == _HIGH_HU)
    if n_inside < _LEAST_VOXELS or np.unique(body[::_APART, ::_APART]).size < _LEAST_LEVELS:
        return None
    upright = np.ascontiguousarray(_turned(body)[::2, ::2])  # a quarter tells it as well, and sooner
    digest = hashlib.blake2b(repr(upright.shape).encode(), digest_size=8)
    digest.update(upright.data)
    return int.from_bytes(digest.digest())


def smallest(hashes: list[int]) -> str:
    """Give the smallest hashes as hexadecimal digits, 16 each, by rising value."""
    return "".join(f"{one:016x}" for one in sorted(set(hashes))[:N_HASHES])


def _turned(body: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Mirror a slice so that its heavier side comes first along both axes."""
    for axis in (0, 1):
        profile = body.sum(axis=1 - axis, dtype=np.int64)
        places = np.arange(profile.size, dtype=np.int64)
        if 2 * int(profile @ places) > (profile.size - 1) * int(profile.sum()):
            body = np.flip(body, axis)
    return body
