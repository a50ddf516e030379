"""Compute features of a voxel from the shape of its mask and from the density around it.

They do not depend on the order of the axes.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from omentum.measures.components import pieces_of
from omentum.volumes.geometry import Geometry

__all__ = ["DENSITY_FEATURES", "SHAPE_FEATURES", "density_features", "shape_features"]

SHAPE_FEATURES = ("piece", "piece_share", "size", "lateral", "depth", "height")
DENSITY_FEATURES = ("unlike", "alike", "unlike_near", "rough")

_TYPICAL_HU, _WIDE_HU, _LEAST_SPREAD_HU = 60.0, 40.0, 8.0
_LEAST_CORE = 10
_MOST_SPREADS = 6.0
_NEAR_VOXELS = 3
"""Side of the cube, 7.5 mm, over which noise is averaged away."""
_MOST_DEVIATIONS = 3.0
_LEAST_DEVIATION_MM = 5.0
_MAD = 1.4826
"""Makes a median deviation comparable to a standard deviation."""

Reals = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


def shape_features(mask: Mask, grid: Geometry) -> dict[str, npt.NDArray[Any]]:
    """Compute the piece of the mask that each voxel is in, and its place in the organ.

    Args:
        mask: The organ's, or the part of it inside a box that holds all of it, `(x, y, z)`.
        grid: The canonical one.

    Returns:
        By the names of `SHAPE_FEATURES`: log10(1 + mL) of the piece, and its share of the mask, 0 outside;
        the same logarithm of the whole organ; and how far right, in front and above the mask's middle the
        voxel is, 1 from three standard deviations of the mask on.
    """
    pieces = pieces_of(mask)
    volumes_ml = pieces.n_voxels * grid.voxel_ml
    total_ml = float(volumes_ml.sum())
    places = _places(mask, grid)
    return {
        "piece": np.log10(1 + volumes_ml).astype(np.float32)[pieces.numbers],
        "piece_share": (volumes_ml / max(total_ml, grid.voxel_ml)).astype(np.float32)[pieces.numbers],
        "size": np.asarray(np.log10(1 + total_ml)),
        **dict(zip(("lateral", "depth", "height"), places, strict=True)),
    }


def density_features(hu: Reals | None, mask: Mask, core: Mask) -> dict[str, npt.NDArray[Any]]:
    """Compare density with the organ's own in this scan, in robust deviations.

    Args:
        hu: The CT inside the box `(x, y, z)`; `None` where there is none.
        mask: The organ's.
        core: The part of it that has a high probability for all networks.

    Returns:
        By the names of `DENSITY_FEATURES`: the distance from the organ's median, 1 at six deviations; the
        likeness, from 0 to 1; the signed distance of the surroundings' mean; their standard deviation.
    """
    if hu is None:
        none = {name: np.zeros((), dtype=np.float32) for name in DENSITY_FEATURES}
        return {**none, "unlike": np.asarray(1 / _MOST_SPREADS), "alike": np.ones((), dtype=np.float32)}
    own = hu[core] if np.count_nonzero(core) >= _LEAST_CORE else hu[mask]
    middle, spread = _TYPICAL_HU, _WIDE_HU
    if own.size >= _LEAST_CORE:
        middle = float(np.median(own))
        spread = max(_LEAST_SPREAD_HU, _MAD * float(np.median(np.abs(own - middle))))
    off = (hu - np.float32(middle)) / np.float32(spread)
    near = ndimage.uniform_filter(off, _NEAR_VOXELS)
    squares = ndimage.uniform_filter(np.square(off), _NEAR_VOXELS)
    rough = np.sqrt(np.maximum(squares - np.square(near), 0))
    unlike = np.minimum(np.abs(off), np.float32(_MOST_SPREADS))
    return {
        "unlike": unlike / np.float32(_MOST_SPREADS),
        "alike": np.exp(-np.square(unlike) / 4),
        "unlike_near": np.clip(near / np.float32(_MOST_SPREADS), -1, 1),
        "rough": np.minimum(rough / np.float32(_MOST_SPREADS), 1),
    }


def _places(mask: Mask, grid: Geometry) -> list[npt.NDArray[Any]]:
    """Give each voxel's place to the right, front and top, compared with the mask's spread that way."""
    if not mask.any():
        return [np.zeros((), dtype=np.float32)] * 3
    places = []
    for positive, negative in ("RL", "AP", "SI"):
        axis = next(k for k, letter in enumerate(grid.orientation) if letter in positive + negative)
        sign = 1 if grid.orientation[axis] == positive else -1
        along = sign * grid.spacing_mm[axis] * np.arange(mask.shape[axis])
        n_voxels = np.count_nonzero(mask, axis=tuple({0, 1, 2} - {axis}))
        middle = np.average(along, weights=n_voxels)
        deviation = np.sqrt(np.average(np.square(along - middle), weights=n_voxels))
        share = (along - middle) / (max(_LEAST_DEVIATION_MM, deviation) * _MOST_DEVIATIONS)
        shape = [-1 if k == axis else 1 for k in range(3)]
        places.append(np.broadcast_to(np.clip(share, -1, 1).astype(np.float32).reshape(shape), mask.shape))
    return places
