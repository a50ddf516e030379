"""What does a reader remove who works through a queue? Minutes and millilitres; no voxels.

In:  rows: of each organ of each case its error regions, and which of them each hot spot touches.
Out: curves of minutes and removed error.

The reader opens a case once, looks at each hot spot of a task, or once at the whole organ where the task has
none, and corrects the error regions that he meets: of a whole organ all, of a hot spot those that it touches.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from omentum.measures.effort import CostModel
from omentum.records import CaseScore, OrganScore
from omentum.score.plan import Choice, planned
from omentum.score.strategies import Ask, chosen

__all__ = ["BOUND", "WHOLE", "Cohort", "Curve", "Row", "curve_of", "minutes_to", "worked"]

N_BUDGETS = 60
WHOLE = "expected-error, whole organs"
"""The same plan, but the reader looks at the organ instead of its hot spots."""
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
        expected: Scores by recipe `expected-error`.
        published: Scores by recipe `published`.
        rows: By case and organ.
    """

    expected: tuple[CaseScore, ...]
    published: tuple[CaseScore, ...]
    rows: Mapping[tuple[str, str], Row]

    @property
    def error_ml(self) -> float:
        """All that there is to remove."""
        return sum(sum(row.regions_ml) for row in self.rows.values())


@dataclass(frozen=True, slots=True)
class Curve:
    """Error removed, in mL, at rising minutes; both from 0."""

    minutes: npt.NDArray[np.float64]
    removed_ml: npt.NDArray[np.float64]


def worked(choices: Sequence[Choice], rows: Mapping[tuple[str, str], Row], costs: CostModel) -> Curve:
    """Work through a queue; one point a task."""
    minutes, removed, seen = [0.0], [0.0], set()
    for one in choices:
        row = rows[one.case_id, one.organ.organ]
        met = {n for touched in row.touches[: one.n_spots] for n in touched}
        volumes = [row.regions_ml[n] for n in met] if one.n_spots else row.regions_ml
        changed_ml = sum(volumes)
        cost = costs.minutes(
            n_cases=one.case_id not in seen, n_spots=max(1, one.n_spots), changed_ml=changed_ml
        )
        seen.add(one.case_id)
        minutes.append(minutes[-1] + cost)
        removed.append(removed[-1] + changed_ml)
    return Curve(np.array(minutes), np.array(removed))


def curve_of(strategy: str, cohort: Cohort, costs: CostModel, seed: int = 0) -> Curve:
    """Give a strategy's curve.

    It is that of one queue as it is worked off or, where the plan depends on the budget, of the ends of
    queues of rising budgets.
    """
    if strategy == "expected-error":
        return _of_budgets(cohort, costs)
    if strategy == WHOLE:
        return _of_budgets(_whole(cohort, {}), costs)
    if strategy == BOUND:
        return _of_budgets(
            _whole(cohort, {key: sum(row.regions_ml) for key, row in cohort.rows.items()}), costs
        )
    scores = cohort.published if strategy == "published" else cohort.expected
    choices = chosen(strategy, scores, Ask(costs=costs, budget_minutes=np.inf, seed=seed))
    return worked(choices, cohort.rows, costs)


def minutes_to(curve: Curve, target_ml: float) -> float | None:
    """Say when so much is removed; `None` if never."""
    if curve.removed_ml[-1] < target_ml:
        return None
    place = int(np.argmax(curve.removed_ml >= target_ml))
    if not place:
        return 0.0
    (low, high), (t0, t1) = curve.removed_ml[place - 1 : place + 1], curve.minutes[place - 1 : place + 1]
    return float(t0 + (t1 - t0) * (target_ml - low) / (high - low))


def _whole(cohort: Cohort, known_ml: Mapping[tuple[str, str], float]) -> Cohort:
    """Give the cohort as if the reader were led to whole organs: one look, all hot spots in it.

    Args:
        cohort: With hot spots.
        known_ml: Error of an organ in place of what is expected; by case and organ.
    """

    def organ_of(case: CaseScore, organ: OrganScore) -> OrganScore:
        error_ml = known_ml.get((case.case_id, organ.organ), sum(organ.spots_ml))
        return replace(organ, spots_ml=(), error_ml=error_ml, reasons=("whole",))

    scores = [
        replace(case, organs=tuple(organ_of(case, one) for one in case.organs)) for case in cohort.expected
    ]
    return replace(cohort, expected=tuple(scores))


def _of_budgets(cohort: Cohort, costs: CostModel) -> Curve:
    everything = planned(cohort.expected, costs, np.inf)
    most = costs.minutes(
        n_cases=len({one.case_id for one in everything}),
        n_spots=sum(max(1, one.n_spots) for one in everything),
        changed_ml=sum(one.error_ml or 0.0 for one in everything),
    )
    points = {(0.0, 0.0)}
    for budget in np.geomspace(max(most / 200, 1e-3), most, N_BUDGETS) if everything else ():
        end = worked(planned(cohort.expected, costs, float(budget)), cohort.rows, costs)
        points.add((float(end.minutes[-1]), float(end.removed_ml[-1])))
    minutes, removed_ml = np.array(sorted(points)).T
    return Curve(minutes, np.maximum.accumulate(removed_ml))
