"""Fingerprint CTs, to find the same CT, or the same patient, under another name.

Out: a hash that file format, compression and axis order do not change; hashes of slices, to find crops; a
     thumbnail, to find alike CTs.
"""

import hashlib
from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from omentum.exchange.slice_hashes import slice_hash, smallest
from omentum.volumes.volume import Volume

__all__ = ["ALIKE_LEVELS", "Fingerprint", "KnownScans", "fingerprint"]

ALIKE_LEVELS = 1.5
"""Largest mean difference of thumbnails, of 255 levels, that counts as one patient.

Another file format, a cut range of values or other slices of the same scan move a block's mean by half a
level; two patients differ by ten and more (fat against soft tissue in a tenth of the volume).
"""
_SIDE = 8
_COARSE_SIDE = 4
_ROUNDING = 1e-3
_SAMPLES = 6
_LOW_HU, _HIGH_HU = -200.0, 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """Identifies a CT.

    Attributes:
        voxels: Hash of the voxels with their axes along R, A, S; the affine has no part in it.
        thumbnail: Hexadecimal digits of 8 x 8 x 8 block means, 0 (-200 HU) to 255 (300 HU).
        slices: The smallest hashes of single slices, 16 hexadecimal digits each; may be empty.
    """

    voxels: str
    thumbnail: str
    slices: str = ""

    @property
    def slice_hashes(self) -> tuple[int, ...]:
        """The hashes of single slices, as numbers."""
        return tuple(int(self.slices[at : at + 16], 16) for at in range(0, len(self.slices), 16))


def fingerprint(volume: Volume) -> Fingerprint:
    """Take the fingerprint of a CT in HU.

    Example:
        >>> from omentum.volumes.geometry import Geometry
        >>> ct = Volume(np.zeros((9, 9, 9), dtype=np.int16), Geometry((9, 9, 9), np.eye(4)))
        >>> fingerprint(ct).voxels == fingerprint(ct.reoriented("LPS")).voxels
        True
    """
    upright = volume.reoriented("RAS").voxels
    digest = hashlib.blake2b(repr(upright.shape).encode(), digest_size=16)
    of_slices = []
    for z in range(upright.shape[2]):
        plane = _plain(upright[:, :, z])
        digest.update(plane.tobytes(order="F"))
        of_slices.append(slice_hash(plane))
    index = np.ix_(*(_places(side) for side in upright.shape))
    samples = np.clip(upright[index].astype(np.float32), _LOW_HU, _HIGH_HU)
    blocks = samples.reshape((_SIDE, _SAMPLES) * 3).mean(axis=(1, 3, 5))
    levels = np.rint((blocks - _LOW_HU) / (_HIGH_HU - _LOW_HU) * 255).astype(np.uint8)
    return Fingerprint(
        voxels=digest.hexdigest(),
        thumbnail=levels.tobytes().hex(),
        slices=smallest([one for one in of_slices if one is not None]),
    )


def _plain(plane: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
    """Give whole numbers as int16, however a file keeps them; anything else as float32."""
    if plane.dtype == np.int16:
        return plane
    whole = plane.astype(np.int16)
    return whole if (whole == plane).all() else plane.astype(np.float32)


def _places(side: int) -> npt.NDArray[np.int64]:
    n_samples = _SIDE * _SAMPLES
    return ((np.arange(n_samples) + 0.5) * side / n_samples).astype(np.int64)


class KnownScans:
    """The fingerprints of known CTs.

    Example:
        >>> known = KnownScans()
        >>> first = Fingerprint(voxels="a", thumbnail="00" * 512)
        >>> known.add("one", first)
        >>> known.same_voxels(first), known.alike(Fingerprint(voxels="b", thumbnail="01" * 512))
        ('one', 'one')
    """

    def __init__(self) -> None:
        self._by_voxels: dict[str, str] = {}
        self._by_slice: dict[int, str] = {}
        self._names: list[str] = []
        self._rows = np.zeros((0, _SIDE**3), dtype=np.uint8)
        self._coarse = np.zeros((0, _COARSE_SIDE**3), dtype=np.float32)
        self._means = np.zeros(0, dtype=np.float32)

    def add(self, case_id: str, seen: Fingerprint) -> None:
        """Add a CT; of several with the same voxels the first counts."""
        self._by_voxels.setdefault(seen.voxels, case_id)
        for one in seen.slice_hashes:
            self._by_slice.setdefault(one, case_id)
        row = _row(seen)
        if len(self._names) == len(self._rows):  # grow by doubling
            more = max(64, len(self._rows))
            self._rows = np.concatenate([self._rows, np.zeros((more, row.size), dtype=np.uint8)])
            self._coarse = np.concatenate([self._coarse, np.zeros((more, _COARSE_SIDE**3), dtype=np.float32)])
            self._means = np.concatenate([self._means, np.zeros(more, dtype=np.float32)])
        place, coarse = len(self._names), _coarse(row)
        self._rows[place], self._coarse[place], self._means[place] = row, coarse, coarse.mean()
        self._names.append(case_id)

    def same_voxels(self, seen: Fingerprint) -> str | None:
        """Find the case with the same voxels."""
        return self._by_voxels.get(seen.voxels)

    def same_slices(self, seen: Fingerprint) -> list[str]:
        """Find the cases that show some of the same slices, those with most first."""
        found = Counter(self._by_slice[one] for one in seen.slice_hashes if one in self._by_slice)
        return [case_id for case_id, _ in found.most_common()]

    def alike(self, seen: Fingerprint) -> str | None:
        """Find the case with the most similar thumbnail, if one is similar enough."""
        row = _row(seen)
        coarse, most = _coarse(row), ALIKE_LEVELS + _ROUNDING
        # Means of blocks differ by at most the mean difference of their cells: they rule most cases out.
        near = np.flatnonzero(np.abs(self._means[: len(self._names)] - coarse.mean()) <= most)
        near = near[np.abs(self._coarse[near] - coarse).mean(axis=1) <= most]
        if not near.size:
            return None
        apart = np.abs(self._rows[near].astype(np.int16) - row).mean(axis=1)
        best = int(apart.argmin())
        return self._names[int(near[best])] if apart[best] <= ALIKE_LEVELS else None


def _row(seen: Fingerprint) -> npt.NDArray[np.uint8]:
    return np.frombuffer(bytes.fromhex(seen.thumbnail), dtype=np.uint8)


def _coarse(row: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Give the means of 2 x 2 x 2 blocks."""
    cells = row.reshape((_COARSE_SIDE, _SIDE // _COARSE_SIDE) * 3)
    return np.asarray(cells.mean(axis=(1, 3, 5), dtype=np.float32).ravel())
