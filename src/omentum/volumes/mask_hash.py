"""Hash masks by their voxels and grid; compression and header fields have no effect."""

import hashlib
from typing import Any

import numpy as np
import numpy.typing as npt

from omentum.volumes.boxes import BoxedMask
from omentum.volumes.geometry import Geometry
from omentum.volumes.labels import organ
from omentum.volumes.masks import MaskSet

__all__ = ["boxed_sha256", "mask_sha256", "organ_sha256s"]


def mask_sha256(mask: npt.NDArray[np.bool_], geometry: Geometry) -> str:
    """Hash a mask `(x, y, z)` with its shape and affine, in any memory order; 64 hexadecimal digits.

    Example:
        >>> grid = Geometry((2, 2, 2), np.eye(4))
        >>> mask_sha256(np.zeros((2, 2, 2), dtype=bool), grid)[:8]
        '1d3314b5'
    """
    digest = _begun(geometry)
    for z in range(mask.shape[2]):
        digest.update(np.packbits(mask[:, :, z]).tobytes())
    return digest.hexdigest()


def boxed_sha256(part: BoxedMask | None, geometry: Geometry) -> str:
    """Hash a mask that is kept in a box; the same as `mask_sha256` of the whole one.

    Args:
        part: The mask; `None` where it is empty.
        geometry: The whole grid.
    """
    digest = _begun(geometry)
    side_x, side_y, side_z = geometry.shape
    empty = bytes((side_x * side_y + 7) // 8)
    plane = np.zeros((side_x, side_y), dtype=bool)
    for z in range(side_z):
        if part is None or not part.box[2].start <= z < part.box[2].stop:
            digest.update(empty)
        else:
            plane[part.box[0], part.box[1]] = part.values[:, :, z - part.box[2].start]
            digest.update(np.packbits(plane).data)
    return digest.hexdigest()


def organ_sha256s(masks: MaskSet) -> dict[str, str]:
    """Hash the mask of each organ of a map, slice by slice; the same as `mask_sha256` of each."""
    holds = {
        name: np.array([organ(name).index in members for members in masks.sets], dtype=np.uint8)
        for name in masks.organs
    }
    digests = {name: _begun(masks.geometry) for name in masks.organs}
    x, y, n_slices = masks.geometry.shape
    n_bytes = (x * y + 7) // 8
    empty = bytes(n_bytes)
    for z in range(n_slices):
        codes, first_byte = _coded_part(masks.codes[:, :, z])
        for name, held in holds.items():
            bits = _looked_up(held, codes)
            if not bits.any():
                digests[name].update(empty)
                continue
            packed = np.packbits(bits)
            digests[name].update(empty[:first_byte])
            digests[name].update(packed.data)
            digests[name].update(empty[first_byte + packed.size :])
    return {name: digest.hexdigest() for name, digest in digests.items()}


def _coded_part(plane: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], int]:
    """Give the part of a flattened slice that holds all of its codes, and its place in packed bytes."""
    rows = np.flatnonzero(plane.any(axis=1))
    if not rows.size:
        return plane[:0].ravel(), 0
    n_columns = plane.shape[1]
    first_byte = int(rows[0]) * n_columns // 8
    first_row = first_byte * 8 // n_columns
    flat = np.ascontiguousarray(plane[first_row : rows[-1] + 1]).ravel()
    return flat[first_byte * 8 - first_row * n_columns :], first_byte


def _looked_up(held: npt.NDArray[np.uint8], codes: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Look up for each code whether its set has an organ, 1 or 0; faster for bytes by `translate`."""
    if codes.dtype != np.uint8:
        return np.asarray(held[codes])
    table = np.zeros(256, dtype=np.uint8)
    table[: held.size] = held
    return np.frombuffer(codes.tobytes().translate(table.tobytes()), dtype=np.uint8)


def _begun(geometry: Geometry) -> "hashlib._Hash":
    digest = hashlib.sha256()
    digest.update(np.array(geometry.shape, dtype="<i8").tobytes())
    digest.update((geometry.affine + 0.0).astype("<f8").tobytes())  # -0.0 and 0.0 are one place
    return digest
