"""Compute the attention of AbdomenAtlas-8K for one organ, exactly.

Thresholds are decided in whole numbers; float64 is computed only for voxels that count, as published.

Source: Qu et al. 2023, arXiv:2305.09666, and the files that their code writes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
import numpy.typing as npt

from omentum.measures.morphology import opened

__all__ = ["OrganAttention", "organ_attention", "overlapped"]

INCONSISTENT_OVER = 0.1
"""Standard deviation over the networks that counts, exclusive."""
UNCERTAIN_OVER = 0.05
"""Mean entropy over the networks that counts, exclusive."""
FULL = 255
"""Stored value of 1.0."""

Bytes = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
Reals = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]
"""Positions of voxels in an array in C order."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OrganAttention:
    """Attention maps of one organ, all of the shape that went in `(x, y, z)`.

    Attributes:
        heat: All three signals together, scaled by their peak, 0 to 255.
        inconsistency: Standard deviation over the networks, times 255, rounded down.
        uncertainty: Mean entropy over the networks, times 255, rounded down.
        overlap: Whether the organ's mask shares the voxel with another organ's.
        peak: Greatest sum of the three signals, what `heat` was divided by; 0.0 without attention.
    """

    heat: Bytes
    inconsistency: Bytes
    uncertainty: Bytes
    overlap: Mask
    peak: float

    @property
    def binary(self) -> Mask:
        """Voxels with any of the three signals; both thresholds are over 1/255, so bytes suffice."""
        return np.asarray((self.inconsistency | self.uncertainty | self.overlap) > 0)

    @property
    def n_voxels(self) -> int:
        """Number of voxels that need attention."""
        return int(np.count_nonzero(self.binary))

    @property
    def heat_sum(self) -> int:
        """Sum of the stored heat map, by which the organs of a case are ordered."""
        return int(self.heat.sum(dtype=np.int64))


def organ_attention(soft: Sequence[Bytes], entropies: Sequence[Bytes], overlap: Mask) -> OrganAttention:
    """Compute where one organ needs attention.

    Args:
        soft: Each network's probability times 255, rounded down; 0 outside its dilated mask.
        entropies: Each network's `-p ln p` times 255, rounded down.
        overlap: Where the organ's average mask meets another organ's.

    Returns:
        The maps; zero without any attention, where the published code divides 0 by 0.

    Example:
        >>> unsure = np.full((7, 7, 7), 90, dtype=np.uint8)
        >>> sure = np.zeros_like(unsure)
        >>> attention = organ_attention([sure], [unsure], np.zeros((7, 7, 7), dtype=bool))
        >>> attention.n_voxels, int(attention.heat.max()), round(attention.peak, 3)
        (343, 255, 0.353)
    """
    if all(one.flags.f_contiguous for one in (*soft, *entropies, overlap)):
        turned = _attention([one.T for one in soft], [one.T for one in entropies], overlap.T)
        return OrganAttention(
            heat=turned.heat.T,
            inconsistency=turned.inconsistency.T,
            uncertainty=turned.uncertainty.T,
            overlap=overlap,
            peak=turned.peak,
        )
    in_order = [np.ascontiguousarray(one) for one in (*soft, *entropies)]
    return _attention(in_order[: len(soft)], in_order[len(soft) :], np.ascontiguousarray(overlap))


def overlapped(average: Mask, n_organs: Bytes, *, is_counted: bool) -> Mask:
    """Find where an organ's average mask meets another overlap organ's.

    Args:
        average: The organ's average mask.
        n_organs: Overlap organs that each voxel belongs to.
        is_counted: Whether the organ is one of those; aorta and postcava are not.

    Example:
        >>> average, n_organs = np.array([True, True, False]), np.array([1, 2, 2], dtype=np.uint8)
        >>> overlapped(average, n_organs, is_counted=True).tolist()
        [False, True, False]
    """
    return np.asarray(average & (n_organs > (1 if is_counted else 0)))


def _attention(soft: Sequence[Bytes], entropies: Sequence[Bytes], overlap: Mask) -> OrganAttention:
    """Compute `organ_attention` on arrays in C order."""
    inconsistent = _inconsistent(soft)
    uncertain = _uncertain(entropies)
    places = np.flatnonzero(inconsistent | uncertain | overlap)
    heat, inconsistency, uncertainty = (np.zeros(overlap.shape, dtype=np.uint8) for _ in range(3))
    total = np.zeros(places.size)
    for found, of_voxels, values, kept in (
        (inconsistent, _deviation, soft, inconsistency),
        (uncertain, _mean, entropies, uncertainty),
    ):
        here = found.ravel()[places]
        signal = of_voxels(values, places[here])
        total[here] += signal
        kept.ravel()[places[here]] = np.floor(FULL * signal)
    total[overlap.ravel()[places]] += 1.0
    peak = float(total.max(initial=0.0))
    if peak > 0:
        heat.ravel()[places] = np.floor(FULL * (total / peak))
    return OrganAttention(
        heat=heat, inconsistency=inconsistency, uncertainty=uncertainty, overlap=overlap, peak=peak
    )


def _inconsistent(soft: Sequence[Bytes]) -> Mask:
    """Find where the networks differ.

    A deviation over 0.1 needs a range of 0.2 in bytes. There, n^2 times the variance of bytes is a whole
    number; only if it equals the threshold does float64 rounding decide.
    """
    spread = reduce(np.maximum, soft) - reduce(np.minimum, soft)
    found = spread >= int(2 * INCONSISTENT_OVER * FULL) - 1
    places = np.flatnonzero(found)
    total, squares = np.zeros(places.size, dtype=np.int64), np.zeros(places.size, dtype=np.int64)
    for one in soft:
        values = one.ravel()[places].astype(np.int64)
        total += values
        squares += values * values
    variance = len(soft) * squares - total * total
    limit = (25.5 * len(soft)) ** 2
    found.ravel()[places] = variance > limit
    _decide_ties(found, places[variance == limit], lambda ties: _deviation(soft, ties) > INCONSISTENT_OVER)
    return opened(found)


def _uncertain(entropies: Sequence[Bytes]) -> Mask:
    """Find where the mean entropy is high; ties as in `_inconsistent`."""
    total = entropies[0].astype(np.uint16)
    for entropy in entropies[1:]:
        total += entropy
    limit = 12.75 * len(entropies)
    found = total > int(limit)
    if limit == int(limit):
        ties = np.flatnonzero(total == int(limit))
        _decide_ties(found, ties, lambda ties: _mean(entropies, ties) > UNCERTAIN_OVER)
    return opened(found)


def _decide_ties(found: Mask, ties: Places, decide: Callable[[Places], Mask]) -> None:
    if ties.size:
        found.ravel()[ties] = decide(ties)


def _deviation(soft: Sequence[Bytes], places: Places) -> Reals:
    """Return the population standard deviation over the networks at some voxels."""
    return np.asarray(np.std([one.ravel()[places] / FULL for one in soft], axis=0))


def _mean(entropies: Sequence[Bytes], places: Places) -> Reals:
    """Return the mean entropy over the networks at some voxels."""
    total = np.zeros(places.size)
    for one in entropies:
        total += one.ravel()[places] / FULL
    return total / len(entropies)
