"""What does a reader remove who works through a queue? Minutes and millilitres; no voxels.

In:  rows: of each organ of each case its error regions, and which of them each hot spot touches.
Out: curves of minutes and removed error.

The reader opens a case once, looks once at the organ of each task, and corrects the error regions that he
meets: at one hot spot those that it touches; where there are several or none, all of the organ's. For
comparison, one who looks at nothing but hot spots, each for the price of a look.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from omentum.measures.effort import CostModel
from omentum.records import CaseScore, OrganScore
from omentum.score.strategies import StrategyInput, chosen
from omentum.score.task_selection import SelectedOrgan

__all__ = ["BOUND", "FRESH", "SPOTS", "Cohort", "Curve", "Row", "curve_of", "minutes_to"]

N_BUDGETS = 60
SPOTS = "expected-error, hot spots alone"
"""The same queue, but the reader looks at each hot spot and at nothing else."""
FRESH = "expected-error, nothing learned"
"""The queue of a project in which nothing was revised: by the calibration that ships."""
BOUND = "bound"
"""The same with the truth for what is expected: the organs with most error a minute, and no look in vain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One organ of one case: volumes of its error regions, and which of them each hot spot touches."""

    regions_ml: tuple[float, ...]
    touches: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cohort:
    """What a queue is made from, and what a reader would meet.

    Attributes:
        expected: Scores of scoring `expected-error`, by what the project has learned until then.
        published: Scores of scoring `published`.
        rows: By case and organ.
        before: The same by what ships; `None` where nothing was learned.
        round_number: Of the project, from 1.
    """

    expected: tuple[CaseScore, ...]
    published: tuple[CaseScore, ...]
    rows: Mapping[tuple[str, str], Row]
    before: "Cohort | None" = None
    round_number: int = 1

    @property
    def error_ml(self) -> float:
        """All that there is to remove."""
        return sum(sum(row.regions_ml) for row in self.rows.values())


@dataclass(frozen=True, slots=True)
class Curve:
    """Error removed, in mL, at rising minutes; both from 0."""

    minutes: npt.NDArray[np.float64]
    removed_ml: npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """How the reader looks.

    Attributes:
        whole_looks: How many looks one at a whole organ costs.
        spots_alone: Whether he looks at each hot spot, where there are any, and at nothing else.
    """

    whole_looks: float = 1.0
    spots_alone: bool = False

    def look(self, one: SelectedOrgan, row: Row) -> tuple[float, set[int]]:
        """Say what an organ takes, in looks, and which of its error regions he meets."""
        if one.n_spots == 1 or (self.spots_alone and one.n_spots):
            return one.n_spots, {n for touched in row.touches for n in touched}
        return self.whole_looks, set(range(len(row.regions_ml)))


def worked(
    choices: Sequence[SelectedOrgan], rows: Mapping[tuple[str, str], Row], costs: CostModel, habits: Habits
) -> Curve:
    """Work through a queue; one point a task."""
    minutes, removed, seen = [0.0], [0.0], set()
    for one in choices:
        row = rows[one.case_id, one.organ.organ]
        n_looks, met = habits.look(one, row)
        changed_ml = sum(row.regions_ml[n] for n in met)
        cost = costs.minutes(n_cases=one.case_id not in seen, n_looks=n_looks, changed_ml=changed_ml)
        seen.add(one.case_id)
        minutes.append(minutes[-1] + cost)
        removed.append(removed[-1] + changed_ml)
    return Curve(np.array(minutes), np.array(removed))


def curve_of(
    strategy: str, cohort: Cohort, costs: CostModel, seed: int = 0, *, whole_looks: float = 1.0
) -> Curve:
    """Give a strategy's curve.

    It is that of one queue as it is worked off or, where the plan depends on the budget, of the ends of
    queues of rising budgets.
    """
    habits = Habits(whole_looks=whole_looks, spots_alone=strategy == SPOTS)
    if strategy in ("expected-error", SPOTS):
        return _of_budgets(cohort, costs, habits)
    if strategy == FRESH:
        return _of_budgets(cohort.before or cohort, costs, habits)
    if strategy == BOUND:
        return _of_budgets(_known(cohort), costs, habits)
    scores = cohort.published if strategy == "published" else cohort.expected
    ask = StrategyInput(costs=costs, budget_minutes=np.inf, seed=seed, round_number=cohort.round_number)
    choices = chosen(strategy, scores, ask)
    return worked(choices, cohort.rows, costs, habits)


def minutes_to(curve: Curve, target_ml: float) -> float:
    """Say when so much is removed; NaN if never."""
    if curve.removed_ml[-1] < target_ml:
        return float("nan")
    place = int(np.argmax(curve.removed_ml >= target_ml))
    if not place:
        return 0.0
    (low, high), (t0, t1) = curve.removed_ml[place - 1 : place + 1], curve.minutes[place - 1 : place + 1]
    return float(t0 + (t1 - t0) * (target_ml - low) / (high - low))


def _known(cohort: Cohort) -> Cohort:
    """Give the cohort as if what is wrong in each organ were known."""

    def organ_of(case: CaseScore, organ: OrganScore) -> OrganScore:
        error_ml = sum(cohort.rows[case.case_id, organ.organ].regions_ml)
        return replace(organ, spots_ml=(), error_ml=error_ml, reasons=("whole",))

    scores = [
        replace(case, organs=tuple(organ_of(case, one) for one in case.organs)) for case in cohort.expected
    ]
    return replace(cohort, expected=tuple(scores))


def _of_budgets(cohort: Cohort, costs: CostModel, habits: Habits) -> Curve:
    def queue(minutes: float) -> list[SelectedOrgan]:
        ask = StrategyInput(costs=costs, budget_minutes=minutes, seed=0, round_number=cohort.round_number)
        return chosen("expected-error", cohort.expected, ask)

    everything = queue(np.inf)
    most = costs.minutes(
        n_cases=len({one.case_id for one in everything}),
        n_looks=len(everything),
        changed_ml=sum(one.error_ml or 0.0 for one in everything),
    )
    points = {(0.0, 0.0)}
    for budget in np.geomspace(max(most / 200, 1e-3), most, N_BUDGETS) if everything else ():
        end = worked(queue(float(budget)), cohort.rows, costs, habits)
        points.add((float(end.minutes[-1]), float(end.removed_ml[-1])))
    minutes, removed_ml = np.array(sorted(points)).T
    return Curve(minutes, np.maximum.accumulate(removed_ml))
