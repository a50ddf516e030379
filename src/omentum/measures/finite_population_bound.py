"""Bound the number of bad masks in a project from a sample with at most one mask of each case.

In general: the bad members of a finite population in clusters, here masks and cases.

Every cluster is padded with blanks to `size` places; `n_drawn` clusters are drawn without replacement,
with equal chances, and in each one place. A blank counts as good. With one member a cluster that is a simple
random sample, and the limit the hypergeometric one. Proof: docs/decisions/0017.
"""

from bisect import bisect_left
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from omentum.errors import ConfigError

__all__ = ["CONFIDENCE", "Clustered", "least_sample", "most_bad"]

CONFIDENCE = 0.95

Ints = npt.NDArray[np.intp]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Clustered:
    """A population in clusters of unequal sizes.

    Raises:
        ConfigError: No population has these numbers.
    """

    n_members: int
    n_clusters: int
    size: int
    """Members of the largest cluster."""

    def __post_init__(self) -> None:
        """Check the numbers."""
        if self.size < 1 or not self.n_clusters + self.size - 1 <= self.n_members <= self.n_places:
            rule = f"{self.n_clusters} clusters of 1 to {self.size}, one of them full, cannot hold as many"
            raise ConfigError("n_members", self.n_members, rule)

    @property
    def n_places(self) -> int:
        """Members and blanks."""
        return self.n_clusters * self.size


def most_bad(population: Clustered, n_drawn: int, n_bad: int, *, confidence: float = CONFIDENCE) -> int:
    """Bound the bad members from above.

    Args:
        population: What was drawn from.
        n_drawn: Clusters drawn, blanks included.
        n_bad: Bad members in the sample.
        confidence: Chance, before drawing, that the limit will be no less than the truth.

    Returns:
        The greatest number of bad members that the sample does not contradict.

    Raises:
        ConfigError: No such sample can be drawn.

    Source:
        Inversion of the tail: Clopper & Pearson 1934, Biometrika 26:404; for finite populations with the
        hypergeometric: Buonaccorsi 1987, The American Statistician 41:215.

    Example:
        >>> most_bad(Clustered(n_members=100, n_clusters=100, size=1), n_drawn=45, n_bad=0)
        4
        >>> most_bad(Clustered(n_members=900, n_clusters=100, size=9), n_drawn=59, n_bad=0) / 900 < 0.05
        True
    """
    if not 0 <= n_bad <= n_drawn <= population.n_clusters:
        rule = f"it must be from {n_bad} bad ones to the {population.n_clusters} clusters that there are"
        raise ConfigError("n_drawn", n_drawn, rule)
    # With more bad members, few in the sample are ever less likely.
    supposed = range(n_bad + 1, population.n_members + 1)
    risk = 1.0 - confidence
    return n_bad + bisect_left(
        supposed, True, key=lambda n: _is_contradicted(population, n_drawn, n_bad, n, risk)
    )


def least_sample(population: Clustered, share: float, *, confidence: float = CONFIDENCE) -> int | None:
    """Find the least sample that bounds the share of bad members, if none in it is bad.

    Args:
        population: What will be drawn from.
        share: Greatest share of bad members, in [0, 1].
        confidence: See `most_bad`.

    Returns:
        Clusters to draw, blanks included; `None` where even all of them are too few.

    Example:
        >>> least_sample(Clustered(n_members=10**6, n_clusters=10**6, size=1), 0.05)
        59
        >>> least_sample(Clustered(n_members=90, n_clusters=10, size=9), 0.05) is None
        True
    """
    most = int(np.floor(share * population.n_members + 1e-9))

    def is_enough(n_drawn: int) -> bool:
        return most_bad(population, n_drawn, 0, confidence=confidence) <= most

    too_few, enough = -1, min(1, population.n_clusters)
    while not is_enough(enough):  # doubled, as it takes long to weigh a large sample
        if enough == population.n_clusters:
            return None
        too_few, enough = enough, min(2 * enough, population.n_clusters)
    return too_few + 1 + bisect_left(range(too_few + 1, enough), True, key=is_enough)


def _is_contradicted(population: Clustered, n_drawn: int, n_bad: int, n_supposed: int, risk: float) -> bool:
    """Tell whether so few bad ones are too unlikely, however `n_supposed` are spread over the clusters."""
    if not _is_even_spread_worst(population, n_drawn, n_bad, n_supposed):
        return False
    return _chance_if_even(population, n_drawn, n_bad, n_supposed) <= risk


def _is_even_spread_worst(population: Clustered, n_drawn: int, n_bad: int, n_supposed: int) -> bool:
    """Tell whether it is proven that no spread over the clusters makes so few bad ones more likely."""
    if population.size == 1 or n_bad == 0 or n_drawn < 2:
        return True
    # Expected among the others, when the two clusters between which members are moved are left out.
    others = n_supposed / population.size - 2.0
    return (n_drawn - 2) * others >= n_bad * (population.n_clusters - 2)


def _chance_if_even(population: Clustered, n_drawn: int, n_bad: int, n_supposed: int) -> float:
    """Give the chance of at most `n_bad`, where no cluster has two bad members more than another."""
    fewer, n_richer = divmod(n_supposed, population.n_clusters)
    low = max(0, n_drawn - (population.n_clusters - n_richer))
    n_richer_drawn = np.arange(low, min(n_drawn, n_richer) + 1)
    weight = _drawn_without_return(n_richer_drawn, population.n_clusters, n_richer, n_drawn)
    chance_richer, chance_poorer = min(1.0, (fewer + 1) / population.size), fewer / population.size
    n_of_richer = np.arange(n_bad + 1)[:, np.newaxis]
    exactly = _exactly(n_of_richer, n_richer_drawn, chance_richer)
    at_most = _at_most(n_bad - n_of_richer, n_drawn - n_richer_drawn, chance_poorer)
    return float(np.sum(weight * np.sum(exactly * at_most, axis=0)))


# `scipy.stats` has these too, and takes longer to import than all that a summary does.
def _log_ways(n: Ints, k: Ints) -> Floats:
    """Give the logarithm of the number of ways to choose `k` of `n`."""
    from scipy import special  # slow to import, and most commands never need it

    ways: Floats = -special.betaln(n - k + 1.0, k + 1.0) - np.log(n + 1.0)
    return ways


def _drawn_without_return(k: Ints, n_all: int, n_rich: int, n_drawn: int) -> Floats:
    """Give the chance that `k` of those drawn are rich (hypergeometric)."""
    rich, others = np.asarray(n_rich), np.asarray(n_all - n_rich)
    ways = _log_ways(rich, k) + _log_ways(others, n_drawn - k)
    return np.exp(ways - _log_ways(np.asarray(n_all), np.asarray(n_drawn)))


def _exactly(k: Ints, n: Ints, chance: float) -> Floats:
    """Give the chance of `k` successes in `n` trials (binomial)."""
    from scipy import special

    inside = np.minimum(k, n)
    log_chance = _log_ways(n, inside) + special.xlogy(inside, chance) + special.xlog1py(n - inside, -chance)
    return np.where(k <= n, np.exp(log_chance), 0.0)


def _at_most(k: Ints, n: Ints, chance: float) -> Floats:
    """Give the chance of at most `k` successes in `n` trials."""
    from scipy import special

    inside = np.clip(k, 0, np.maximum(n - 1, 0))
    below = np.asarray(special.betaincc(inside + 1.0, np.maximum(n - inside, 1.0), chance), dtype=np.float64)
    return np.where(k < 0, 0.0, np.where(k >= n, 1.0, below))
