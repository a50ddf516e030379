"""Estimate the minutes that a correction takes, and fit the prices to recorded minutes."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import asdict, astuple, dataclass

import numpy as np
import numpy.typing as npt

from omentum.errors import ConfigError
from omentum.records import Revision

__all__ = ["CostModel", "Effort", "efforts_of", "refitted"]

RIDGE_RECORDS = 10.0
"""The defaults weigh as much as so many recorded cases."""
LEAST_PRICE = 0.1
"""Least part of its default that a price keeps; none may fall to 0."""
HUBER_SHARE = 0.5
"""A record that is further off than this share of its own minutes has a linear effect only."""
_ITERATIONS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class CostModel:
    """The prices of an expert's work in minutes; the defaults hold until minutes are recorded.

    Attributes:
        minutes_per_case: To open a case, once.
        minutes_per_look: To look at an organ: at its one hot spot, or at all of it.
        minutes_per_ml: To add or remove a millilitre.

    Raises:
        ConfigError: A price is negative or not finite.

    Example:
        >>> CostModel().minutes(n_cases=1, n_looks=2, changed_ml=10.0)
        4.5
    """

    minutes_per_case: float = 0.5
    minutes_per_look: float = 0.5
    minutes_per_ml: float = 0.3

    def __post_init__(self) -> None:
        """Check the prices."""
        for name, value in asdict(self).items():
            if not 0.0 <= value < float("inf"):
                raise ConfigError(name, value, "it must be a number from 0")

    def minutes(self, *, n_cases: float = 0, n_looks: float = 0, changed_ml: float = 0.0) -> float:
        """Estimate the minutes to open cases, look at organs and change millilitres."""
        return (
            n_cases * self.minutes_per_case
            + n_looks * self.minutes_per_look
            + changed_ml * self.minutes_per_ml
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """The work of one sitting, and its minutes."""

    n_cases: int
    n_looks: int
    changed_ml: float
    minutes: float


def efforts_of(revisions: Iterable[Revision]) -> list[Effort]:
    """Group revisions by sitting: the masks of one case in one round, by one reader.

    Equal minutes at several masks of a reader's round are one time that `review import --minutes` shared out
    equally; those masks are one sitting. Revisions without minutes, and sittings in which a mask that was
    shown is gone, are left out.
    """
    timed = [one for one in revisions if one.minutes is not None]
    alike = Counter((one.round_number, one.reader, one.minutes) for one in timed)
    sittings: dict[tuple[object, ...], list[Revision]] = defaultdict(list)
    for one in timed:
        time = one.round_number, one.reader, one.minutes
        sittings[time if alike[time] > 1 else (one.round_number, one.reader, one.case_id, "case")].append(one)
    return [
        Effort(
            n_cases=len({one.case_id for one in together}),
            n_looks=len(together),
            changed_ml=sum((one.added_ml or 0.0) + (one.removed_ml or 0.0) for one in together),
            minutes=sum(one.minutes or 0.0 for one in together),
        )
        for together in sittings.values()
        if all(one.added_ml is not None and one.removed_ml is not None for one in together)
    ]


def refitted(efforts: Iterable[Effort], default: CostModel | None = None) -> CostModel:
    """Fit the three prices to recorded minutes, starting from the defaults.

    Non-negative least squares on each record's minutes in units of its default estimate, so that a long case
    does not outweigh ten short ones. A ridge towards the defaults counts as `RIDGE_RECORDS` records. Outliers
    have less weight (Huber 1964, iteratively reweighted).

    Args:
        efforts: Recorded sittings; those without minutes or work are left out.
        default: Prices to start from, `CostModel()` if `None`; a price of 0 stays 0.

    Example:
        >>> cases = [Effort(n_cases=1, n_looks=1, changed_ml=ml, minutes=2 + 0.6 * ml) for ml in range(200)]
        >>> f"{refitted(cases).minutes_per_ml:.1f}"
        '0.6'
    """
    default = default or CostModel()
    prices = np.array(astuple(default))
    kept = [one for one in efforts if one.minutes > 0 and _estimated(default, one) > 0]
    if not kept:
        return default
    parts = np.array([[one.n_cases, one.n_looks, one.changed_ml] for one in kept]) * prices
    scale = parts.sum(axis=1)
    factors = _factors(parts / scale[:, None], np.array([one.minutes for one in kept]) / scale)
    return CostModel(**dict(zip(asdict(default), (factors * prices).tolist(), strict=True)))


def _estimated(costs: CostModel, one: Effort) -> float:
    return costs.minutes(n_cases=one.n_cases, n_looks=one.n_looks, changed_ml=one.changed_ml)


def _factors(shares: npt.NDArray[np.float64], ratios: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Fit the factor of each price.

    Args:
        shares: Share of each price in the default estimate of a record, shape `(record, price)`.
        ratios: Recorded minutes by the default estimate, shape `(record,)`.
    """
    from scipy.optimize import nnls  # slow to import

    # The ridge draws to 1, and what `nnls` keeps from 0 is the part above the least price.
    n_prices = shares.shape[1]
    ridge = np.sqrt(RIDGE_RECORDS / n_prices) * np.eye(n_prices)
    factors = np.ones(n_prices)
    for _ in range(_ITERATIONS):
        fitted = shares @ factors
        off = np.abs(ratios - fitted)
        root = np.sqrt(np.minimum(1.0, HUBER_SHARE * fitted / np.maximum(off, 1e-12)))
        left = np.vstack([shares * root[:, None], ridge])
        right = np.concatenate(
            [(ratios - LEAST_PRICE * shares.sum(axis=1)) * root, ridge @ np.ones(n_prices)]
        )
        right[len(ratios) :] -= ridge @ np.full(n_prices, LEAST_PRICE)
        factors = LEAST_PRICE + nnls(left, right)[0]
    return factors
