"""Select the organs that remove most expected error for an expert's minutes.

A look at an organ has a price, so has each millilitre of its expected error, and so has opening a case. The
greedy rule takes what removes most expected error a minute: of a closed case the largest errors that together
have the best average with the opening, of an open case the next organ (the knapsack's linear bound). Also:

- `FLOOR_SHARE` of the budget goes to organs in turn, in proportion to their expected loss of Dice over all
  cases, so that small organs have their share.
- A case whose thumbnail is like that of a selected one counts `DUPLICATE_WORTH` of its error.
- What does not fit is left out; a round has at least one task.
"""

import heapq
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from omentum.measures.effort import CostModel
from omentum.records import CaseScore, OrganScore
from omentum.score.duplicates import Thumbnails

__all__ = ["DUPLICATE_WORTH", "FLOOR_SHARE", "SelectedOrgan", "planned", "worth_a_look"]

FLOOR_SHARE = 0.1
"""Part of the budget that organs get in turn; chosen, not measured."""
DUPLICATE_WORTH = 0.25
"""Worth of a millilitre in a case that is like one chosen before."""

_SLACK = 1e-9
"""Sums of minutes that are equal on paper must not differ here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectedOrgan:
    """One organ of one case that is to be looked at.

    Attributes:
        case_id: The case.
        organ: Its score.
        is_led: Whether its hot spots lead the reader: to the one that there is, or over the whole organ.
    """

    case_id: str
    organ: OrganScore
    is_led: bool = False

    @property
    def n_spots(self) -> int:
        """How many hot spots lead the reader; 0 where nothing does."""
        return len(self.organ.spots_ml) if self.is_led else 0

    @property
    def error_ml(self) -> float | None:
        """Expected error volume that the reader meets; `None` where it is not estimated."""
        return sum(self.organ.spots_ml) if self.n_spots else self.organ.error_ml


@dataclass(frozen=True, slots=True)
class _Look:
    """A look at one organ, and the error volume that it is expected to find."""

    error_ml: float
    organ: str


@dataclass(slots=True, eq=False)
class _OpenCase:
    """A case in the plan: its looks by falling volume, and those that are taken."""

    score: CaseScore
    looks: list[_Look]
    worth: float = 1.0
    taken: dict[str, _Look] = field(default_factory=dict)
    minutes: float = 0.0

    def left(self, organ: str | None) -> Iterable[_Look]:
        return (one for one in self.looks if one.organ not in self.taken and organ in (None, one.organ))


@dataclass(frozen=True, slots=True)
class _Offer:
    """The best looks that a case offers now."""

    worth: float
    """Expected error that it removes, in mL by the case's worth, a minute."""
    minutes: float
    looks: tuple[_Look, ...]


def planned(scores: Iterable[CaseScore], costs: CostModel, budget_minutes: float) -> list[SelectedOrgan]:
    """Select organs by expected error a minute.

    Returns:
        Cases by falling expected error a minute, and in each the organs; equals by name. The order of
        `scores` does not matter.
    """
    plan = _Plan(scores, costs, budget_minutes)
    plan.fill((1.0 - FLOOR_SHARE) * budget_minutes)
    plan.feed_organs()
    plan.fill(budget_minutes)
    if not plan.minutes:
        plan.begin()
    return plan.choices()


def worth_a_look(scores: Iterable[CaseScore]) -> list[SelectedOrgan]:
    """Give what `planned` selects without a limit of minutes, by name."""
    return [
        SelectedOrgan(case_id=case.case_id, organ=organ, is_led=True)
        for case in sorted(scores, key=lambda one: one.case_id)
        for organ in sorted(case.organs, key=lambda one: one.organ)
        if _found_ml(organ) > 0
    ]


class _Plan:
    """The plan as it grows."""

    def __init__(self, scores: Iterable[CaseScore], costs: CostModel, budget_minutes: float) -> None:
        ordered = sorted(scores, key=lambda one: one.case_id)
        self._cases = [_opened(one) for one in ordered]
        self._thumbnails = Thumbnails([one.signature for one in ordered])
        self._costs = costs
        self._budget = budget_minutes
        self._had: dict[str, float] = defaultdict(float)
        self.minutes = 0.0

    def fill(self, until_minutes: float) -> None:
        """Take the looks that remove most error a minute, until so many minutes are spent."""
        queue = self._queue(None)
        while self.minutes < until_minutes and self._take_best(queue, None):
            pass

    def feed_organs(self) -> None:
        """Spend minutes on organs in turn, in proportion to their need."""
        needs: dict[str, float] = defaultdict(float)
        for case in self._cases:
            for score in case.score.organs:
                if any(case.left(score.organ)) or score.organ in case.taken:
                    needs[score.organ] += score.dice_loss or 0.0
        turns = [(self._had[organ] / max(need, 1e-9), -need, organ) for organ, need in needs.items()]
        heapq.heapify(turns)
        queues: dict[str, list[tuple[float, int]]] = {}
        while turns and self.minutes < self._budget:
            _, need, organ = heapq.heappop(turns)
            if organ not in queues:
                queues[organ] = self._queue(organ)
            if self._take_best(queues[organ], organ):
                heapq.heappush(turns, (self._had[organ] / max(-need, 1e-9), need, organ))

    def begin(self) -> None:
        """Take the best look, whatever it costs."""
        queue = self._queue(None)
        if queue:
            case = self._cases[queue[0][1]]
            self._take(queue[0][1], self._priced(case, self._offer(case).looks[:1]))

    def choices(self) -> list[SelectedOrgan]:
        """Give the selected organs, the best case first."""
        chosen = sorted(
            (case for case in self._cases if case.taken),
            key=lambda case: (-_taken_ml(case) * case.worth / max(case.minutes, 1e-9), case.score.case_id),
        )
        return [choice for case in chosen for choice in self._in_case(case)]

    def _in_case(self, case: _OpenCase) -> list[SelectedOrgan]:
        found = [
            SelectedOrgan(case_id=case.score.case_id, organ=organ, is_led=True)
            for organ in case.score.organs
            if organ.organ in case.taken
        ]
        return sorted(found, key=lambda one: (-self._worth(one), one.organ.organ))

    def _worth(self, one: SelectedOrgan) -> float:
        error_ml = one.error_ml or 0.0
        minutes = self._costs.of_task(one.organ.organ, error_ml)
        return error_ml / max(minutes, 1e-9)

    def _queue(self, organ: str | None) -> list[tuple[float, int]]:
        """Make a heap of the cases that have an offer, of one organ or any: the best first, then by name."""
        queue = []
        for number, case in enumerate(self._cases):
            offer = self._offer(case, organ)
            if offer.looks:
                queue.append((-offer.worth, number))
        heapq.heapify(queue)
        return queue

    def _take_best(self, queue: list[tuple[float, int]], organ: str | None) -> bool:
        """Take the best offer of a heap that fits the budget; return whether there was one.

        Worth falls as organs are taken, so that an offer may be stale: it goes back with its worth of now.
        """
        while queue:
            stale, number = queue[0]
            offer = self._offer(self._cases[number], organ)
            if offer.looks and -offer.worth > stale + _SLACK:
                heapq.heapreplace(queue, (-offer.worth, number))
                continue
            fits = self._fitting(self._cases[number], offer)
            if fits is not None:
                self._take(number, fits)
                return True
            heapq.heappop(queue)
        return False

    def _take(self, number: int, offer: _Offer) -> None:
        case = self._cases[number]
        is_new = not case.taken
        for look in offer.looks:
            case.taken[look.organ] = look
            self._had[look.organ] += self._costs.of_task(look.organ, look.error_ml)
        case.minutes += offer.minutes
        self.minutes += offer.minutes
        for other in self._thumbnails.like(number) if is_new else ():
            if not self._cases[other].taken:
                self._cases[other].worth = DUPLICATE_WORTH

    def _fitting(self, case: _OpenCase, offer: _Offer) -> _Offer | None:
        """Cut an offer down to the minutes that are left; `None` where not one look fits."""
        for n_looks in range(len(offer.looks), 0, -1):
            cut = self._priced(case, offer.looks[:n_looks])
            if self.minutes + cut.minutes <= self._budget + _SLACK:
                return cut
        return None

    def _offer(self, case: _OpenCase, organ: str | None = None) -> _Offer:
        """Find the looks that make the best average with the opening, which is paid once a case."""
        error_ml, minutes = 0.0, 0.0 if case.taken else self._costs.minutes_per_case
        best = 0.0
        looks: list[_Look] = []
        for look in case.left(organ):
            error_ml += look.error_ml
            minutes += self._costs.of_task(look.organ, look.error_ml)
            if looks and error_ml / max(minutes, 1e-9) <= best:
                break
            best = error_ml / max(minutes, 1e-9)
            looks.append(look)
            if case.taken:
                break
        return self._priced(case, tuple(looks))

    def _priced(self, case: _OpenCase, looks: Sequence[_Look]) -> _Offer:
        error_ml = sum(look.error_ml for look in looks)
        minutes = 0.0 if case.taken else self._costs.minutes_per_case
        minutes += sum(self._costs.of_task(look.organ, look.error_ml) for look in looks)
        return _Offer(case.worth * error_ml / max(minutes, 1e-9), minutes, tuple(looks))


def _opened(score: CaseScore) -> _OpenCase:
    looks = [_Look(ml, organ.organ) for organ in score.organs if (ml := _found_ml(organ)) > 0]
    return _OpenCase(score, sorted(looks, key=lambda one: (-one.error_ml, one.organ)))


def _found_ml(organ: OrganScore) -> float:
    """Estimate the error volume that a look at an organ finds: in its hot spots.

    An organ that breaks a rule and has no hot spot counts whole; one with neither counts 0.
    """
    if organ.spots_ml or not organ.reasons:
        return sum(organ.spots_ml)
    return organ.error_ml or 0.0


def _taken_ml(case: _OpenCase) -> float:
    return sum(look.error_ml for look in case.taken.values())
