"""Resample arrays to another grid.

Grids with parallel axes are resampled axis by axis, as small matrix products; others by `resampled_anyhow`.
"""

from collections.abc import Iterator
from typing import Any

import nibabel as nib
import numpy as np
import numpy.typing as npt

from omentum.errors import ConfigError
from omentum.volumes.geometry import Geometry

__all__ = ["nearest_voxels", "resampled", "resampled_anyhow", "resampled_slices", "upsampled_mask"]

_TIE_DIGITS = 6
"""Digits of a voxel to which the middle between two voxels is exact."""
_Matrix = npt.NDArray[np.float32]


def resampled(
    voxels: npt.NDArray[Any], source: Geometry, target: Geometry, *, smooth: bool = True
) -> npt.NDArray[np.float32]:
    """Interpolate an array on a grid with parallel axes.

    Args:
        voxels: Values `(x, y, z)` on `source`; beyond its border the border's values go on.
        source: Grid of `voxels`.
        target: Grid wanted; its axes are parallel to those of `source`, in the same order.
        smooth: Average over the extent of a coarser voxel; else interpolate between its neighbours only.

    Returns:
        float32 `(x, y, z)` on `target`.

    Raises:
        ConfigError: The axes are not parallel.
    """
    values = np.empty(target.shape, dtype=np.float32, order="F")
    for z, plane in enumerate(resampled_slices(voxels, source, target, smooth=smooth)):
        values[:, :, z] = plane
    return values


def resampled_slices(
    voxels: npt.NDArray[Any], source: Geometry, target: Geometry, *, smooth: bool = True
) -> Iterator[npt.NDArray[np.float32]]:
    """Interpolate slice by slice along the third axis of `target`; see `resampled`.

    Memory: one slice, and one array that is full size on the coarser of both grids only.
    """
    x, y, z = _axis_matrices(source, target, smooth)
    if x.shape[0] * y.shape[0] < x.shape[1] * y.shape[1]:
        planes = np.empty((x.shape[0], y.shape[0], z.shape[1]), dtype=np.float32, order="F")
        for k in range(z.shape[1]):
            planes[:, :, k] = x @ voxels[:, :, k].astype(np.float32) @ y.T
        for weights in z:
            yield _weighted(planes, weights)
    else:
        for weights in z:
            yield np.asarray(x @ _weighted(voxels, weights) @ y.T, dtype=np.float32)


def upsampled_mask(
    voxels: npt.NDArray[Any], source: Geometry, target: Geometry, threshold: float
) -> npt.NDArray[np.bool_]:
    """Interpolate and threshold slice by slice, without a float volume."""
    mask = np.empty(target.shape, dtype=bool, order="F")
    for z, plane in enumerate(resampled_slices(voxels, source, target)):
        np.greater(plane, threshold, out=mask[:, :, z])
    return mask


def resampled_anyhow(
    voxels: npt.NDArray[Any], source: Geometry, target: Geometry, *, outside: float
) -> npt.NDArray[Any]:
    """Interpolate linearly on any other grid, rotated or sheared; the type of `voxels` is kept.

    Values are also interpolated between the outermost voxels and `outside`, so a rounding error at the
    border does not lose a plane of voxels.

    Args:
        voxels: Values `(x, y, z)` on `source`.
        source: Grid of `voxels`.
        target: Grid wanted.
        outside: Value beyond the border of `source`.
    """
    from scipy import ndimage  # slow to import, and only tilted series need it

    to_source = np.linalg.inv(source.affine) @ target.affine
    return np.asarray(
        ndimage.affine_transform(
            voxels,
            to_source[:3, :3],
            to_source[:3, 3],
            output_shape=target.shape,
            order=1,
            mode="grid-constant",
            cval=outside,
        )
    )


def _weighted(planes: npt.NDArray[Any], weights: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Sum the few planes with a weight."""
    first, *others = np.flatnonzero(weights)
    total = planes[:, :, first].astype(np.float32) * weights[first]
    for k in others:
        total += planes[:, :, k].astype(np.float32, copy=False) * weights[k]
    return np.asarray(total)


def nearest_voxels(source: Geometry, target: Geometry) -> list[npt.NDArray[np.int64]]:
    """Give, for each axis of `target`, the voxel of `source` nearest to each of its own; `(side,)` each.

    Of two equally near ones it is the even one, counted from the left, the rear and the feet. So the result
    does not depend on the direction of axes, and masks that touch stay in touch without overlap.

    Args:
        source: The grid of the values. Beyond its border the border's voxel is the nearest.
        target: Grid wanted; its axes are parallel to those of `source`, in the same order.

    Raises:
        ConfigError: The axes are not parallel.
    """
    steps, start = _steps(source, target)
    is_flipped = nib.orientations.io_orientation(source.affine)[:, 1] < 0
    lines = []
    for axis, side in enumerate(target.shape):
        last = source.shape[axis] - 1
        at = start[axis] + steps[axis] * np.arange(side)
        counted = np.rint(np.round(last - at if is_flipped[axis] else at, _TIE_DIGITS)).clip(0, last)
        lines.append((last - counted if is_flipped[axis] else counted).astype(np.int64))
    return lines


def _steps(source: Geometry, target: Geometry) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Give the voxels of `source` from one voxel of `target` to the next, and where its first one lies."""
    to_source = np.linalg.inv(source.affine) @ target.affine
    steps = np.diag(to_source)[:3]
    astray = np.abs(to_source[:3, :3] - np.diag(steps)) * np.array(target.shape)
    if astray.max() > 1e-2 or steps.min() <= 0:
        rule = "grids must have parallel axes in one order; reorient one of them first"
        raise ConfigError("target grid", target.orientation, rule)
    return steps, to_source[:3, 3]


def _axis_matrices(source: Geometry, target: Geometry, smooth: bool) -> tuple[_Matrix, _Matrix, _Matrix]:
    steps, start = _steps(source, target)
    x, y, z = (
        _axis_matrix(source.shape[axis], target.shape[axis], steps[axis], start[axis], smooth)
        for axis in range(3)
    )
    return x, y, z


def _axis_matrix(n_source: int, n_target: int, step: float, start: float, smooth: bool) -> _Matrix:
    """Weights `(target, source)` of a tent as wide as the wider of both voxels; rows sum to 1.

    Each tent is tipped so that its centre of mass is where the target voxel is, or a straight line would
    come out wavy; what reaches beyond the border is given to the border.
    """
    reach = max(step, 1.0) if smooth else 1.0
    centres = np.clip(start + step * np.arange(n_target), -reach, n_source - 1 + reach)
    taps = np.floor(centres)[:, None] + np.arange(-np.ceil(reach), np.ceil(reach) + 2)
    away = taps - centres[:, None]
    tents = np.maximum(0.0, 1.0 - np.abs(away) / reach)
    first, second = (tents * away).sum(axis=1), (tents * away**2).sum(axis=1)
    tents *= 1.0 - away * (first / np.maximum(second, 1e-12))[:, None]
    weights = np.zeros((n_target, n_source))
    rows = np.arange(n_target)[:, None]
    np.add.at(weights, (rows, np.clip(taps, 0, n_source - 1).astype(int)), tents)
    weights[weights < 1e-6] = 0.0
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), dtype=np.float32)
