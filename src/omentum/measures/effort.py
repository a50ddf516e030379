"""Estimate the minutes that a correction takes, and fit the prices to recorded minutes."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace

import numpy as np
import numpy.typing as npt

from omentum.errors import ConfigError
from omentum.records import Revision

__all__ = ["PRICES", "CostModel", "Effort", "OrganFactors", "efforts_of", "refitted"]

RIDGE_RECORDS = 10.0
"""The defaults weigh as much as so many recorded cases."""
LEAST_PRICE = 0.1
"""Least part of its default that a price keeps; none may fall to 0."""
HUBER_SHARE = 0.5
"""A record that is further off than this share of its own minutes has a linear effect only."""
_ITERATIONS = 20
_CASES, _LOOKS, _WHOLE_LOOKS, _MLS = range(4)
"""Parts of the minutes of a record."""
PRICES = ("minutes_per_case", "minutes_per_look", "minutes_per_ml")
"""The prices that all organs have in common, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganFactors:
    """By how much the prices of an organ differ from those of all organs together."""

    look: float = 1.0
    ml: float = 1.0


_LIKE_ALL = OrganFactors()


@dataclass(frozen=True, slots=True, kw_only=True)
class CostModel:
    """The prices of an expert's work in minutes; the defaults hold until minutes are recorded.

    Attributes:
        minutes_per_case: To open a case, once.
        minutes_per_look: To look at an organ: at its one hot spot, or at all of it.
        minutes_per_ml: To add or remove a millilitre.
        whole_look_factor: How many looks a look at a whole organ takes, where no hot spot or score leads.
        by_organ: Factors of single organs, by name, as far as minutes were measured for them.

    Raises:
        ConfigError: A price is negative or not finite.

    Example:
        >>> CostModel().minutes(n_cases=1, n_looks=2, changed_ml=10.0)
        4.5
        >>> CostModel(by_organ={"pancreas": OrganFactors(look=2.0)}).of_task("pancreas", 10.0)
        4.0
    """

    minutes_per_case: float = 0.5
    minutes_per_look: float = 0.5
    minutes_per_ml: float = 0.3
    whole_look_factor: float = 1.0
    by_organ: Mapping[str, OrganFactors] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the prices."""
        told = {name: getattr(self, name) for name in (*PRICES, "whole_look_factor")}
        told |= {
            f"{name}.{key}": value
            for name, own in self.by_organ.items()
            for key, value in asdict(own).items()
        }
        for name, value in told.items():
            if not 0.0 <= value < float("inf"):
                raise ConfigError(name, value, "it must be a number from 0")

    def of_task(
        self, organ: str, changed_ml: float = 0.0, *, is_first: bool = False, is_whole: bool = False
    ) -> float:
        """Estimate the minutes of one task.

        Args:
            organ: The organ, or any other name for what has no prices of its own.
            changed_ml: Volume that will be added or removed.
            is_first: Whether the case has to be opened for it.
            is_whole: Whether no hot spot or score leads the reader.
        """
        own = self.by_organ.get(organ, _LIKE_ALL)
        look = self.minutes_per_look * own.look * (self.whole_look_factor if is_whole else 1.0)
        return is_first * self.minutes_per_case + look + changed_ml * self.minutes_per_ml * own.ml

    def of_tasks(self, organ: str, changed_ml: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Estimate the minutes of many tasks of one organ, of any shape, in cases that are open."""
        return self.of_task(organ) + changed_ml * self.minutes_per_ml * self.by_organ.get(organ, _LIKE_ALL).ml

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
    organ: str = ""
    """The one organ that the minutes were measured for; empty where they are of a whole sitting."""
    is_whole: bool = False
    """Whether no hot spot or score led the reader; known of measured minutes alone."""


def efforts_of(
    revisions: Iterable[Revision],
    *,
    measured: Collection[tuple[int, str]] = (),
    whole: Collection[int] = (),
) -> list[Effort]:
    """Group revisions by sitting.

    Measured minutes are those of one task; all hand-ins of a reader for it are one sitting. Stated minutes
    are grouped by the masks of one case in one round, by one reader. Equal minutes at several masks of a
    reader's round are one time that `review import --minutes` shared out; those masks are one sitting.
    Revisions without minutes, and sittings in which a mask that was shown is gone, are left out.

    Args:
        revisions: In the order of submission.
        measured: Task and reader of which minutes at work were measured.
        whole: Tasks in which no hot spot or score led the reader.
    """
    timed = [one for one in revisions if one.minutes is not None]
    of_task = [one for one in timed if (one.task_number, one.reader) in measured]
    stated = [one for one in timed if (one.task_number, one.reader) not in measured]
    return [*_of_sittings(stated), *_of_tasks(of_task, whole)]


def _of_sittings(stated: Sequence[Revision]) -> list[Effort]:
    alike = Counter((one.round_number, one.reader, one.minutes) for one in stated)
    sittings: dict[tuple[object, ...], list[Revision]] = defaultdict(list)
    for one in stated:
        time = one.round_number, one.reader, one.minutes
        sittings[time if alike[time] > 1 else (one.round_number, one.reader, one.case_id, "case")].append(one)
    return [
        _effort(together, n_cases=len({one.case_id for one in together}), n_looks=len(together))
        for together in sittings.values()
        if all(map(_has_base, together))
    ]


def _of_tasks(measured: Sequence[Revision], whole: Collection[int]) -> list[Effort]:
    tasks: dict[tuple[int | None, str], list[Revision]] = defaultdict(list)
    for one in measured:
        tasks[one.task_number, one.reader].append(one)
    opened: set[tuple[int, str, str]] = set()
    found = []
    for (number, reader), together in tasks.items():
        case = together[0].round_number, reader, together[0].case_id
        if all(map(_has_base, together)):
            effort = _effort(together, n_cases=int(case not in opened), n_looks=1)
            found.append(replace(effort, organ=together[0].organ, is_whole=number in whole))
        opened.add(case)
    return found


def _has_base(one: Revision) -> bool:
    return one.added_ml is not None and one.removed_ml is not None


def _effort(together: Sequence[Revision], *, n_cases: int, n_looks: int) -> Effort:
    return Effort(
        n_cases=n_cases,
        n_looks=n_looks,
        changed_ml=sum((one.added_ml or 0.0) + (one.removed_ml or 0.0) for one in together),
        minutes=sum(one.minutes or 0.0 for one in together),
    )


def refitted(efforts: Iterable[Effort], default: CostModel | None = None) -> CostModel:
    """Fit the prices to recorded minutes, starting from the defaults.

    Non-negative least squares on each record's minutes in units of its default estimate, so that a long case
    does not outweigh ten short ones. A ridge towards the defaults counts as `RIDGE_RECORDS` records. Outliers
    have less weight (Huber 1964, iteratively reweighted).

    First come the prices that all organs have in common, then the factors of each organ with measured
    minutes. These start from the common prices in the same way, so that an organ with few records keeps them.

    Args:
        efforts: Recorded sittings; those without minutes or work are left out.
        default: Prices to start from, `CostModel()` if `None`; a price of 0 stays 0.

    Example:
        >>> cases = [Effort(n_cases=1, n_looks=1, changed_ml=ml, minutes=2 + 0.6 * ml) for ml in range(200)]
        >>> f"{refitted(cases).minutes_per_ml:.1f}"
        '0.6'
    """
    costs = default or CostModel()
    kept = [one for one in efforts if one.minutes > 0 and sum(_parts(costs, one)) > 0]
    if not kept:
        return costs
    costs = _of_all(costs, kept)
    by_organ = dict(costs.by_organ)
    for organ in sorted({one.organ for one in kept if one.organ}):
        own = [one for one in kept if one.organ == organ]
        look, ml = _fitted(costs, own, ((_LOOKS, _WHOLE_LOOKS), (_MLS,)))
        before = by_organ.get(organ, _LIKE_ALL)
        by_organ[organ] = OrganFactors(look=before.look * look, ml=before.ml * ml)
    return replace(costs, by_organ=by_organ)


def _of_all(costs: CostModel, efforts: Sequence[Effort]) -> CostModel:
    """Fit the prices that all organs have in common."""
    has_whole = any(one.is_whole for one in efforts)
    case, look, ml, *whole = _fitted(
        costs, efforts, ((_CASES,), (_LOOKS,), (_MLS,), *([(_WHOLE_LOOKS,)] if has_whole else []))
    )
    return replace(
        costs,
        minutes_per_case=costs.minutes_per_case * case,
        minutes_per_look=costs.minutes_per_look * look,
        minutes_per_ml=costs.minutes_per_ml * ml,
        whole_look_factor=costs.whole_look_factor * whole[0] / look if whole else costs.whole_look_factor,
    )


def _parts(costs: CostModel, one: Effort) -> tuple[float, float, float, float]:
    """Estimate the minutes of a record for cases, led looks, whole looks and millilitres."""
    own = costs.by_organ.get(one.organ, _LIKE_ALL)
    look = one.n_looks * costs.minutes_per_look * own.look
    return (
        one.n_cases * costs.minutes_per_case,
        0.0 if one.is_whole else look,
        look * costs.whole_look_factor if one.is_whole else 0.0,
        one.changed_ml * costs.minutes_per_ml * own.ml,
    )


def _fitted(costs: CostModel, efforts: Sequence[Effort], free: Sequence[tuple[int, ...]]) -> list[float]:
    """Fit a factor to each group of parts that is free; the other parts stay."""
    parts = np.array([_parts(costs, one) for one in efforts])
    scale = parts.sum(axis=1)
    columns = np.stack([parts[:, list(group)].sum(axis=1) for group in free], axis=1)
    others = scale - columns.sum(axis=1)
    ratios = np.array([one.minutes for one in efforts]) / scale
    factors: list[float] = _factors(columns / scale[:, None], ratios, others / scale).tolist()
    return factors


def _factors(
    shares: npt.NDArray[np.float64], ratios: npt.NDArray[np.float64], others: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Fit the factor of each price.

    Args:
        shares: Share of each price in the default estimate of a record, shape `(record, price)`.
        ratios: Recorded minutes by the default estimate, shape `(record,)`.
        others: Share of the prices that are not fitted, shape `(record,)`.
    """
    from scipy.optimize import nnls  # slow to import

    # The ridge draws to 1, and what `nnls` keeps from 0 is the part above the least price.
    n_prices = shares.shape[1]
    ridge = np.sqrt(RIDGE_RECORDS / n_prices) * np.eye(n_prices)
    factors = np.ones(n_prices)
    for _ in range(_ITERATIONS):
        fitted = others + shares @ factors
        off = np.abs(ratios - fitted)
        root = np.sqrt(np.minimum(1.0, HUBER_SHARE * fitted / np.maximum(off, 1e-12)))
        left = np.vstack([shares * root[:, None], ridge])
        right = np.concatenate(
            [(ratios - others - LEAST_PRICE * shares.sum(axis=1)) * root, ridge @ np.ones(n_prices)]
        )
        right[len(ratios) :] -= ridge @ np.full(n_prices, LEAST_PRICE)
        factors = LEAST_PRICE + nnls(left, right)[0]
    return factors
