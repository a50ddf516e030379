"""Interpolate a coarse grid smoothly and separably.

Sums run in a fixed order without BLAS, so that results do not depend on the number of threads.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from omentum.volumes.geometry import Box

__all__ = ["FloatArray", "RealArray", "Taps", "lattice_noise", "taps", "taps_in_box", "upsample"]

FloatArray = npt.NDArray[np.float32]
"""What is computed with and kept."""
RealArray = npt.NDArray[np.floating[Any]]
"""What is taken."""


@dataclass(frozen=True, slots=True, eq=False)
class Taps:
    """The four nodes that each wanted position is made from, and their weights.

    Attributes:
        nodes: Node numbers, shape `(4, n)`.
        weights: Catmull-Rom weights, shape `(4, n)`; they sum to one.
    """

    nodes: npt.NDArray[np.intp]
    weights: FloatArray


def taps(positions: npt.NDArray[np.float64], n_nodes: int) -> Taps:
    """Find nodes and weights for positions given in node numbers; those outside take the edge's value.

    Example:
        >>> taps(np.array([1.0]), 4).weights.ravel().tolist()
        [-0.0, 1.0, 0.0, -0.0]
    """
    clamped = np.clip(positions, 0.0, n_nodes - 1.0)
    first = np.minimum(np.floor(clamped), max(n_nodes - 2, 0))
    t = clamped - first
    weights = np.stack(
        [
            -0.5 * t * (1.0 - t) ** 2,
            1.0 + t**2 * (1.5 * t - 2.5),
            t * (0.5 + 2.0 * t - 1.5 * t**2),
            -0.5 * t**2 * (1.0 - t),
        ]
    )
    nodes = first.astype(np.intp) + np.arange(-1, 3)[:, None]
    return Taps(np.clip(nodes, 0, n_nodes - 1), weights.astype(np.float32))


def taps_in_box(
    positions: Sequence[npt.NDArray[np.float64]], box: Box
) -> tuple[Box, tuple[Taps, Taps, Taps]] | None:
    """Find the positions inside a box of nodes, and their taps in an array that covers that box.

    Args:
        positions: Rising positions along x, y and z, in node numbers.
        box: Of nodes.

    Returns:
        The box of those positions, and taps for each axis; `None` if there are none.
    """
    spans, found = [], []
    for nodes, part in zip(positions, box, strict=True):
        first, last = np.searchsorted(nodes, part.start), np.searchsorted(nodes, part.stop - 1, side="right")
        if first >= last:
            return None
        spans.append(slice(int(first), int(last)))
        found.append(taps(nodes[first:last] - part.start, part.stop - part.start))
    return (spans[0], spans[1], spans[2]), (found[0], found[1], found[2])


def upsample(values: FloatArray, x: Taps, y: Taps, z: Taps) -> FloatArray:
    """Interpolate a coarse array `(x, y, z)` at the product of three lists of positions."""
    # The last pass is the largest, and gathering whole rows along x is the cheapest.
    return _along(_along(_along(values, z, 2), y, 1), x, 0)


def lattice_noise(rng: np.random.Generator, shape: tuple[int, int, int], period: float) -> FloatArray:
    """Draw a smooth random field of mean 0 and standard deviation about 1.

    Args:
        rng: Where its numbers come from.
        shape: Nodes of the field.
        period: Nodes from one random value to the next.
    """
    x, y, z = (np.arange(side) / period for side in shape)
    sides = [int(axis[-1]) + 3 for axis in (x, y, z)]
    lattice = rng.standard_normal(sides, dtype=np.float32)
    # Between its nodes an interpolated field varies less than at them; 1.4 makes up for it on average.
    return upsample(
        lattice, *(taps(axis + 0.5, n) for axis, n in zip((x, y, z), sides, strict=True))
    ) * np.float32(1.4)


def _along(values: FloatArray, axis_taps: Taps, axis: int) -> FloatArray:
    column = [1, 1, 1]
    column[axis] = -1
    total: FloatArray | None = None
    for nodes, weights in zip(axis_taps.nodes, axis_taps.weights, strict=True):
        part = np.take(values, nodes, axis=axis)
        part *= weights.reshape(column)
        total = part if total is None else np.add(total, part, out=total)
    assert total is not None
    return total
