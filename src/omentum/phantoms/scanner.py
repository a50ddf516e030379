"""Simulate the scanner: slices thicker than the grid, sharp and smooth kernels, streaks."""

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from omentum.phantoms.interpolate import FloatArray

__all__ = ["scanned", "thickened"]

_STREAK_CHANCE = 0.25
_KERNEL = (-0.5, 0.9)
"""From a sharp kernel, which stresses edges and noise, to a smooth one, in voxels of blur."""
_RANGE_HU = (-1024.0, 3071.0)


def scanned(
    ct: npt.NDArray[np.int16], spacing_mm: float, slice_mm: float, rng: np.random.Generator
) -> npt.NDArray[np.int16]:
    """Add thick slices, a kernel and, at times, streaks.

    Args:
        ct: HU `(x, y, z)`, axes pointing R, A, S, cubic voxels.
        spacing_mm: Edge of a voxel.
        slice_mm: Distance and thickness of the slices that were reconstructed, before they were resampled.
        rng: Where its numbers come from.
    """
    seen = ct.astype(np.float32)
    blur = float(rng.uniform(*_KERNEL))
    if blur > 0:
        for axis in (0, 1):
            ndimage.gaussian_filter1d(seen, blur, axis=axis, output=seen)
    else:
        smooth = ndimage.uniform_filter(seen, (3, 3, 1))
        seen += np.float32(-blur) * (seen - smooth)
    if rng.random() < _STREAK_CHANCE:
        seen += _streaks(rng, ct.shape)
    if slice_mm > spacing_mm:
        seen = thickened(seen, slice_mm / spacing_mm)
    return np.rint(np.clip(seen, *_RANGE_HU)).astype(np.int16)


def thickened(ct: FloatArray, thickness: float) -> FloatArray:
    """Average over slices of some thickness along z, and interpolate between their middles.

    Args:
        ct: `(x, y, z)`.
        thickness: In voxels, above 1.

    Example:
        >>> thickened(np.arange(8, dtype=np.float32).reshape(1, 1, 8), 2.0).ravel()[2:5].tolist()
        [2.0, 3.0, 4.0]
    """
    n = ct.shape[2]
    n_slices = max(round(n / thickness), 2)
    edges = np.linspace(0.0, n, n_slices + 1)
    covered = np.minimum(edges[1:, None], np.arange(n) + 1.0) - np.maximum(edges[:-1, None], np.arange(n))
    average = np.clip(covered, 0.0, 1.0)
    average /= average.sum(axis=1, keepdims=True)
    middles = 0.5 * (edges[1:] + edges[:-1]) - 0.5
    between = np.stack([np.interp(np.arange(n), middles, row) for row in np.eye(n_slices)], axis=1)
    return np.asarray(ct @ (between @ average).T.astype(np.float32), dtype=np.float32)


def _streaks(rng: np.random.Generator, shape: tuple[int, ...]) -> FloatArray:
    """Draw straight dark and bright lines in the axial planes that fade along z."""
    x, y = np.meshgrid(*(np.arange(side, dtype=np.float32) - side / 2 for side in shape[:2]), indexing="ij")
    plane = np.zeros(shape[:2], dtype=np.float32)
    for _ in range(int(rng.integers(3, 14))):
        angle, offset = rng.uniform(0.0, np.pi), rng.normal(0.0, 0.2 * shape[0])
        across = x * np.float32(np.cos(angle)) + y * np.float32(np.sin(angle)) - np.float32(offset)
        strength = np.float32(rng.normal(0.0, 22.0))
        plane += strength * np.exp(-((across / rng.uniform(0.7, 3.0)) ** 2)).astype(np.float32)
    middle, reach = rng.uniform(0, shape[2]), rng.uniform(0.1, 0.6) * shape[2]
    fade = np.exp(-(((np.arange(shape[2]) - middle) / reach) ** 2)).astype(np.float32)
    return np.asarray(plane[:, :, None] * fade, dtype=np.float32)
