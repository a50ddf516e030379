"""Compute the attention size of a case, the second published score, to the last digit.

A float sum depends on its order. Numpy adds the halves of a volume, recursively, so parts of zeros can be
skipped and the sum is still the published one.

Source: Qu et al. 2023, arXiv:2305.09666, and the files that their code writes.
"""

from bisect import bisect_right
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from omentum.abdomenatlas.attention import FULL, OrganAttention
from omentum.volumes.geometry import Box

__all__ = ["scaled_heat"]

_LEAF = 1 << 12
"""Size of parts that numpy sums itself; over 128, below which it does not halve."""


def scaled_heat(
    box: Box, attention: OrganAttention, shape: tuple[int, int, int], *, without_inconsistency: bool = False
) -> float:
    """Sum one organ's heat, scaled by its own peak, as `calculate_attention` does; 0.0 without any.

    The attention size of a case is the sum over its organs, divided by the number of slices.

    Args:
        box: The organ's box on the CT's grid.
        attention: Its attention there.
        shape: Of the CT.
        without_inconsistency: Leave inconsistency out, as published for the data sets 1, 2 and 3.
    """
    if without_inconsistency:
        values = attention.uncertainty + FULL * attention.overlap.astype(np.uint16)
        return _scaled_sum(values, _uncertainty_and_overlap(values), box, shape)
    return _scaled_sum(attention.heat, np.arange(FULL + 1) / FULL, box, shape)


def _uncertainty_and_overlap(values: npt.NDArray[np.uint16]) -> npt.NDArray[np.float64]:
    """Return the number that each value stands for; uncertainty is at most 93, so overlap shows."""
    steps = np.arange(int(values.max(initial=0)) + 1)
    return np.where(steps >= FULL, (steps - FULL) / FULL + 1.0, steps / FULL)


def _scaled_sum(
    values: npt.NDArray[Any], numbers: npt.NDArray[np.float64], box: Box, shape: tuple[int, int, int]
) -> float:
    """Sum the numbers that values stand for, divided by their peak; 0.0 if all are 0."""
    peak = numbers[values.max(initial=0)]
    if peak == 0:
        return 0.0
    whole = np.zeros(shape, dtype=values.dtype, order="F")  # pages of zeros are never written
    whole[box] = values
    y, z = np.nonzero(values.any(axis=0))
    rows = np.sort(((z + box[2].start) * shape[1] + y + box[1].start) * shape[0]).tolist()
    volume = _Flat(whole.ravel(order="K"), numbers / peak, rows, shape[0])
    return _halved_sum(volume, 0, whole.size)


class _Flat(NamedTuple):
    """A whole volume in the order in which it is summed."""

    values: npt.NDArray[Any]
    numbers: npt.NDArray[np.float64]
    """What each value stands for."""
    rows: list[int]
    """Starts of the rows that are not zero, rising."""
    row_size: int


def _halved_sum(volume: _Flat, start: int, size: int) -> float:
    next_row = bisect_right(volume.rows, start - volume.row_size)
    if next_row == len(volume.rows) or volume.rows[next_row] >= start + size:
        return 0.0
    if size <= _LEAF:
        return float(volume.numbers[volume.values[start : start + size]].sum())
    half = size // 2
    half -= half % 8  # as numpy does
    return _halved_sum(volume, start, half) + _halved_sum(volume, start + half, size - half)
