"""Forecast how far more hours of readers lower the bound of an audit; pure arithmetic, no file, no voxel.

The share of bad masks follows from the audit so far: Beta(m + 1/2, n - m + 1/2) for m bad ones of n drawn
(Jeffreys' prior). Where they are follows from the queue: a mask of risk r is bad with probability
1 - exp(-k r), with k such that the mean is that share. Readers then take the masks with most expected error a
minute; of what is left as many are drawn again.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from omentum.measures.finite_population_bound import CONFIDENCE, Clustered, most_bad

__all__ = [
    "INTERVAL",
    "Audited",
    "BoundForecast",
    "ForecastBasis",
    "MasksLeft",
    "forecast_basis",
    "forecast_bounds",
    "reading_order",
]

INTERVAL = 0.9
"""Chance that the later bound is in the interval, if what is assumed holds."""
LEAST_RISK = 0.01
"""Least risk of a mask, as a part of the mean: errors also lie where the queue expects none."""
_N_SIMULATED = 2000
_SEED = 0
_SCALES = np.geomspace(1e-4, 1e3, 60)
_MOST_EXACT = 1000
"""Masks up to which the bound is that of a finite population; of more that would take too long."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MasksLeft:
    """The masks that an audit drew from, without those drawn; all arrays have the shape `(mask,)`."""

    case: npt.NDArray[np.intp]
    """Number of the case of each."""
    risk: Floats
    """Relative risk of each, from 0."""
    error_ml: Floats
    """Expected error volume of each."""
    minutes: Floats
    """Price of each in an open case."""
    minutes_per_case: float
    """Price of opening a case."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ForecastBasis:
    """What a forecast needs of all masks; those that readers take first are known one by one.

    Attributes:
        n_masks: All that are left.
        bad_by_scale: Expected bad ones among them at each scale of the risk, shape `(scale,)`.
        masks_of_case: How many are in each case, shape `(case,)`.
        most_hours: Of readers, in which the first masks are read.
        done_after: Minutes until each of these is done, in the order of reading, shape `(first,)`.
        relative_risk: Of each of these, shape `(first,)`.
        case: Number of the case of each of these, shape `(first,)`.
    """

    n_masks: int
    bad_by_scale: Floats
    masks_of_case: npt.NDArray[np.intp]
    most_hours: float
    done_after: Floats
    relative_risk: Floats
    case: npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True)
class Audited:
    """What an audit drew and found."""

    n_masks: int
    n_bad: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundForecast:
    """What the bound may be after some more time."""

    hours: float
    """Of readers, from now."""
    n_left: int
    """Masks that no reader has taken by then."""
    expected: float
    """Mean of the bound that a new audit would give, as a share."""
    low: float
    """Lower end of the interval."""
    high: float


def reading_order(masks: MasksLeft) -> tuple[npt.NDArray[np.intp], Floats]:
    """Order masks by expected error a minute, and sum up their minutes in that order.

    Returns:
        Places of the masks, and the minutes until each is done; a case is opened once.
    """
    worth = masks.error_ml / np.maximum(masks.minutes + masks.minutes_per_case, 1e-9)
    order = np.argsort(-worth, kind="stable")
    is_first = np.zeros(len(order), dtype=bool)
    is_first[np.unique(masks.case[order], return_index=True)[1]] = True
    return order, np.cumsum(masks.minutes[order] + is_first * masks.minutes_per_case)


def forecast_basis(masks: MasksLeft, most_hours: float) -> ForecastBasis:
    """Sum up masks for forecasts of up to so many hours of readers."""
    order, done_after = reading_order(masks)
    mean = masks.risk.mean() if len(order) else 0.0
    relative = masks.risk / mean + LEAST_RISK if mean > 0.0 else np.ones(len(order))
    first = order[: _n_read(done_after, most_hours)]
    return ForecastBasis(
        n_masks=len(order),
        bad_by_scale=np.array([-np.expm1(-scale * relative).sum() for scale in _SCALES]),
        masks_of_case=np.bincount(masks.case),
        most_hours=most_hours,
        done_after=done_after[: len(first)],
        relative_risk=relative[first],
        case=masks.case[first],
    )


def forecast_bounds(
    basis: ForecastBasis, audited: Audited, hours: Sequence[float], *, first_minutes: float = 0.0
) -> list[BoundForecast]:
    """Forecast the bound after each of some times.

    Args:
        basis: Of the masks that are left.
        audited: What the audit found so far.
        hours: Times of readers, rising; a time in which all masks are read is left out.
        first_minutes: What readers do before they take any of these masks.

    Raises:
        ValueError: The basis was made for fewer hours.
    """
    if max(hours) > basis.most_hours:
        raise ValueError(f"{max(hours):g} hours, and the basis is of the first {basis.most_hours:g}")
    if not basis.n_masks:
        return []
    rng = np.random.default_rng(_SEED)
    n_good = audited.n_masks - audited.n_bad
    shares = rng.beta(audited.n_bad + 0.5, n_good + 0.5, _N_SIMULATED)
    n_read = np.array([_n_read(basis.done_after, one, first_minutes) for one in hours])
    among_all, among_rest = _bad_by_scale(basis, n_read)
    found = []
    for place, n in enumerate(n_read):
        n_left = basis.n_masks - int(n)
        if n_left:
            bad_shares = np.interp(shares, among_all, among_rest[place]).clip(0.0, 1.0)
            bad = rng.binomial(n_left, bad_shares)
            read_of_case = np.bincount(basis.case[:n], minlength=len(basis.masks_of_case))
            low, expected, high = _bounds(basis.masks_of_case - read_of_case, bad, audited.n_masks, rng)
            found.append(
                BoundForecast(hours=hours[place], n_left=n_left, expected=expected, low=low, high=high)
            )
    return found


def _n_read(done_after: Floats, hours: float, first_minutes: float = 0.0) -> int:
    """Count the masks that are done by then."""
    return int(np.searchsorted(done_after, 60.0 * hours - first_minutes + 1e-9, side="right"))


def _bad_by_scale(basis: ForecastBasis, n_read: npt.NDArray[np.intp]) -> tuple[Floats, Floats]:
    """Give the share of bad masks for each scale of the risk: among all, and without the first of them.

    Args:
        basis: Of all masks.
        n_read: How many are read at each time, shape `(time,)`.

    Returns:
        Shares of shapes `(scale,)` and `(time, scale)`; 0 where no mask is left.
    """
    among_rest = np.empty((len(n_read), len(_SCALES)))
    n_left = np.maximum(1, basis.n_masks - n_read)
    for place, scale in enumerate(_SCALES):
        read = np.concatenate([[0.0], np.cumsum(-np.expm1(-scale * basis.relative_risk))])
        among_rest[:, place] = (basis.bad_by_scale[place] - read[n_read]) / n_left
    return basis.bad_by_scale / basis.n_masks, among_rest


def _bounds(
    sizes: npt.NDArray[np.intp], bad: npt.NDArray[np.int64], n_masks: int, rng: np.random.Generator
) -> tuple[float, float, float]:
    """Audit what is left of each case, for each number of bad masks; give low end, mean and high end."""
    left = Clustered(
        n_members=int(sizes.sum()), n_clusters=int(np.count_nonzero(sizes)), size=int(sizes.max())
    )
    n_cases = min(left.n_clusters, max(1, round(n_masks * left.n_places / left.n_members)))
    if left.size == 1:
        seen = rng.hypergeometric(bad, left.n_members - bad, n_cases)
    else:
        seen = rng.binomial(n_cases, bad / left.n_places)
    tail = (1.0 - INTERVAL) / 2.0
    ends = np.quantile(seen, [tail, 0.5, 1.0 - tail], method="inverted_cdf").astype(np.intp)
    shares = _shares(left, n_cases, ends)  # of all numbers it would take too long
    return float(shares[0]), float(np.interp(seen, ends, shares).mean()), float(shares[-1])


def _shares(left: Clustered, n_cases: int, n_bad: npt.NDArray[np.intp]) -> Floats:
    """Bound the share of bad masks for each number of those seen; what was seen and is good is not bad."""
    n_good = np.maximum(0.0, round(n_cases * left.n_members / left.n_places) - n_bad)
    shares: Floats = np.minimum(_most_bad(left, n_cases, n_bad), left.n_members - n_good) / left.n_members
    return shares


def _most_bad(left: Clustered, n_cases: int, n_bad: npt.NDArray[np.intp]) -> Floats:
    if left.n_members <= _MOST_EXACT:
        return np.array([most_bad(left, n_cases, int(one)) for one in n_bad], dtype=np.float64)
    from scipy.special import betaincinv  # slow to import

    # Clopper & Pearson 1934, Biometrika 26:404: the limit for many cases.
    limits = betaincinv(n_bad + 1.0, np.maximum(n_cases - n_bad, 1e-9), CONFIDENCE)
    return np.asarray(left.n_places * limits, dtype=np.float64)
