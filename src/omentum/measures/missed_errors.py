"""Bound the bad members of a population where those who look may miss some.

In:  the sample of an audit, who read how much of it, and how often each of them missed planted errors.
Out: a limit that holds for what is bad, and not only for what was seen to be bad. Proof: docs/decisions/0059.
"""

import math
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass

from omentum.measures.finite_population_bound import CONFIDENCE, Clustered
from omentum.measures.proportions import upper_limit

__all__ = ["Misses", "corrected_share", "missed_limit", "seen_limit"]

_STEPS = 1 << 30
"""Fineness of the limits that are found by halving; they are rounded up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Misses:
    """How many planted errors a reader was shown, and missed."""

    n_shown: int = 0
    n_missed: int = 0


def corrected_share(
    population: Clustered,
    n_drawn: int,
    n_seen: int,
    shares: Mapping[str, float],
    misses: Mapping[str, Misses],
    *,
    confidence: float = CONFIDENCE,
) -> float:
    """Bound the share of bad members of a population that was sampled as `most_bad` says.

    Half of the risk is that the sample had too few seen to be bad, and half that readers were lucky with the
    planted errors.

    Args:
        population: What was drawn from.
        n_drawn: Clusters drawn, blanks included.
        n_seen: Members of the sample that were seen to be bad, or that count as if they were.
        shares: Share of the sample that each reader read, by name; they sum up to 1.
        misses: Of each reader, by name; who is not there counts as missing everything.
        confidence: Chance, before drawing, that the limit will be no less than the truth.

    Example:
        >>> population = Clustered(n_members=900, n_clusters=100, size=9)
        >>> told = {"anna": Misses(n_shown=40, n_missed=1)}
        >>> round(corrected_share(population, 90, 0, {"anna": 1.0}, told), 3)
        0.047
    """
    risk = (1.0 - confidence) / 2
    found = 1.0 - missed_limit(shares, misses, risk=risk)
    seen = seen_limit(n_drawn, n_seen, risk=risk) * population.n_places / population.n_members
    return min(1.0, seen / found) if found > 0 else 1.0


def seen_limit(n_drawn: int, n_seen: int, *, risk: float) -> float:
    """Bound the mean chance, over the places of a population, to be seen as bad if it is drawn.

    That is a binomial's limit: where the chances may be any, the even spread makes few findings most likely.

    Source:
        Hoeffding 1956, Ann. Math. Stat. 27:713, theorem 4, from one more expected than found; with none
        found, the inequality of the means.
    """
    limit = upper_limit(n_seen, n_drawn, risk=risk)
    return limit if n_seen == 0 else min(1.0, max(limit, (n_seen + 1) / n_drawn))


def missed_limit(shares: Mapping[str, float], misses: Mapping[str, Misses], *, risk: float) -> float:
    """Bound how much of what is bad the readers of a sample miss, each weighted by the share that he read.

    Every planted error has a weight of at most `most`; what a reader read beyond that counts as missed. That
    value of `most` is taken that gives the least limit if nothing is missed, so that the choice does not
    depend on what was missed.

    Args:
        shares: Share of the sample that each reader read, by name.
        misses: Planted errors of each reader, by name.
        risk: Chance that the limit will be below the truth.

    Source:
        Hoeffding 1963, J. Am. Stat. Assoc. 58:13, theorem 1, for sums of variables in [0, 1].

    Example:
        >>> missed_limit({"anna": 0.5, "ben": 0.5}, {"anna": Misses(n_shown=10**6)}, risk=0.025) >= 0.5
        True
    """
    shown = {name: misses[name] for name, share in shares.items() if share > 0 and name in misses}
    shown = {name: one for name, one in shown.items() if one.n_shown}
    choices = [shares[name] / one.n_shown for name, one in shown.items()]
    if not choices:
        return 1.0
    lucky = {name: Misses(n_shown=one.n_shown) for name, one in shown.items()}
    most = min(choices, key=lambda one: _limit_with(one, shares, lucky, risk))
    return _limit_with(most, shares, shown, risk)


def _limit_with(most: float, shares: Mapping[str, float], shown: Mapping[str, Misses], risk: float) -> float:
    weights = {name: min(shares[name], most * one.n_shown) for name, one in shown.items()}
    n_tries = sum(one.n_shown for one in shown.values())
    hits = sum(weights[name] / most * one.n_missed / one.n_shown for name, one in shown.items())
    beyond = sum(shares.values()) - sum(weights.values())
    return min(1.0, beyond + most * n_tries * _mean_limit(hits / n_tries, n_tries, risk))


def _mean_limit(mean: float, n_tries: int, risk: float) -> float:
    """Bound the expected mean of independent variables in [0, 1] from above, by their mean."""
    wanted = -math.log(risk) / n_tries
    first = int(mean * _STEPS)
    steps = range(first, _STEPS)
    step = bisect_left(steps, True, key=lambda one: _divergence(mean, one / _STEPS) >= wanted)
    return (first + step) / _STEPS


def _divergence(mean: float, expected: float) -> float:
    """Give the relative entropy of two coins (Kullback & Leibler); 0 where the expected is no more."""
    if expected <= mean:
        return 0.0
    hit = mean * math.log(mean / expected) if mean > 0 else 0.0
    return hit + (1.0 - mean) * math.log((1.0 - mean) / (1.0 - expected))
