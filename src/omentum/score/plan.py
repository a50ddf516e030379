"""Which hot spots are worth an expert's minutes?

In:  the scores of a round's cases, what minutes are spent on, and how many there are.
Out: organs of cases, each with how many of its hot spots to open, the best minutes first.

A hot spot of `e` mL costs a look and `e` times a millilitre; the first of a case also costs opening it.
The greedy rule takes, again and again, what removes most expected error a minute: of a closed case the
best *bundle* (the largest spots, as many as make the best average with the opening shared by them), of an
open one the next spot. As spots fall in size, so does their worth a minute, and this greedy is the best
plan for every budget that it comes to use up (the knapsack's linear bound). Three things bend it:

- **No organ starves.** Large organs have large errors, which are cheap by the millilitre. So the last
  `FLOOR_SHARE` of the budget goes to organs in turn: to the one that has had least until then in proportion
  to its expected loss of Dice over all cases, which counts a gall bladder like a liver. An organ that has had
  nothing comes before all others.
- **Near-duplicates wait.** A case whose thumbnail is like that of one chosen before is worth
  `DUPLICATE_WORTH` of its error: a second CT of the same patient teaches little that is new.
- **What does not fit is left out**, down to the spots that do; but a round has one task even so.
"""

import heapq
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from omentum.measures.effort import CostModel
from omentum.records import CaseScore, OrganScore
from omentum.score.duplicates import Thumbnails

__all__ = ["DUPLICATE_WORTH", "FLOOR_SHARE", "Choice", "planned"]

FLOOR_SHARE = 0.1
"""Part of the budget that organs get in turn; chosen, not measured."""
DUPLICATE_WORTH = 0.25
"""Worth of a millilitre in a case that is like one chosen before."""

_SLACK = 1e-9
"""Sums of minutes that are equal on paper must not differ here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One organ of one case that is to be looked at.

    Attributes:
        case_id: The case.
        organ: Its score.
        n_spots: How many of its hot spots, from the largest; 0 for the whole organ.
    """

    case_id: str
    organ: OrganScore
    n_spots: int = 0

    @property
    def error_ml(self) -> float | None:
        """Expected error volume where the reader looks; `None` where the recipe does not tell."""
        return sum(self.organ.spots_ml[: self.n_spots]) if self.n_spots else self.organ.error_ml


@dataclass(frozen=True, slots=True)
class _Spot:
    """One look; `place` is its place among the organ's own, from the largest."""

    error_ml: float
    organ: str
    place: int


@dataclass(slots=True, eq=False)
class _OpenCase:
    """A case while it is planned: what is in it by falling volume, and how much of it is taken."""

    score: CaseScore
    spots: list[_Spot]
    spots_of: dict[str, list[_Spot]]
    worth: float = 1.0
    taken: dict[str, int] = field(default_factory=dict)
    minutes: float = 0.0

    def left(self, organ: str | None) -> Iterable[_Spot]:
        if organ is not None:
            return self.spots_of.get(organ, [])[self.taken.get(organ, 0) :]
        if not self.taken:
            return self.spots
        return (spot for spot in self.spots if spot.place >= self.taken.get(spot.organ, 0))


@dataclass(frozen=True, slots=True)
class _Offer:
    """The best that a case has now."""

    worth: float
    """Expected error that it removes, in mL by the case's worth, a minute."""
    minutes: float
    spots: tuple[_Spot, ...]


def planned(scores: Iterable[CaseScore], costs: CostModel, budget_minutes: float) -> list[Choice]:
    """Choose what an expert's minutes are best spent on.

    Args:
        scores: Every case of the round, with expected errors; in any order.
        costs: What minutes are spent on.
        budget_minutes: How many there are; may be infinite.

    Returns:
        Cases by falling expected error a minute, so that whoever stops early has had the best; in each the
        organs likewise. Equals by name: the order never depends on chance, nor on the order of `scores`.
    """
    plan = _Plan(scores, costs, budget_minutes)
    plan.fill((1.0 - FLOOR_SHARE) * budget_minutes)
    plan.feed_organs()
    plan.fill(budget_minutes)
    if not plan.minutes:
        plan.begin()
    return plan.choices()


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
        """Spend minutes on whatever removes most error a minute, until so many are spent."""
        queue = self._queue(None)
        while self.minutes < until_minutes and self._take_best(queue, None):
            pass

    def feed_organs(self) -> None:
        """Spend minutes on organs in turn, each by what it has had in proportion to its need."""
        needs: dict[str, float] = defaultdict(float)
        for case in self._cases:
            for score in case.score.organs:
                if score.organ in case.spots_of:
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
        """Take the best spot of all, however long it takes."""
        queue = self._queue(None)
        if queue:
            case = self._cases[queue[0][1]]
            self._take(queue[0][1], self._priced(case, self._offer(case).spots[:1]))

    def choices(self) -> list[Choice]:
        """Give what was taken, the best case first."""
        chosen = sorted(
            (case for case in self._cases if case.taken),
            key=lambda case: (-_taken_ml(case) * case.worth / max(case.minutes, 1e-9), case.score.case_id),
        )
        return [choice for case in chosen for choice in self._in_case(case)]

    def _in_case(self, case: _OpenCase) -> list[Choice]:
        found = [
            Choice(
                case_id=case.score.case_id,
                organ=organ,
                n_spots=min(case.taken[organ.organ], len(organ.spots_ml)),
            )
            for organ in case.score.organs
            if organ.organ in case.taken
        ]
        return sorted(found, key=lambda one: (-self._worth(one), one.organ.organ))

    def _worth(self, one: Choice) -> float:
        error_ml = one.error_ml or 0.0
        minutes = self._costs.minutes(n_spots=max(1, one.n_spots), changed_ml=error_ml)
        return error_ml / max(minutes, 1e-9)

    def _queue(self, organ: str | None) -> list[tuple[float, int]]:
        """Make a heap of the cases that have an offer, of one organ or any: the best first, then by name."""
        queue = []
        for number, case in enumerate(self._cases):
            offer = self._offer(case, organ)
            if offer.spots:
                queue.append((-offer.worth, number))
        heapq.heapify(queue)
        return queue

    def _take_best(self, queue: list[tuple[float, int]], organ: str | None) -> bool:
        """Take the best offer of a heap of cases that fits; say whether there was one.

        Worth falls as spots are taken and likenesses found, so that what a heap holds may be stale: such an
        offer goes back as it is now, and is taken once it is the best (lazy evaluation).
        """
        while queue:
            stale, number = queue[0]
            offer = self._offer(self._cases[number], organ)
            if offer.spots and -offer.worth > stale + _SLACK:
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
        for spot in offer.spots:
            case.taken[spot.organ] = spot.place + 1
            self._had[spot.organ] += self._costs.minutes(n_spots=1, changed_ml=spot.error_ml)
        case.minutes += offer.minutes
        self.minutes += offer.minutes
        for other in self._thumbnails.like(number) if is_new else ():
            if not self._cases[other].taken:
                self._cases[other].worth = DUPLICATE_WORTH

    def _fitting(self, case: _OpenCase, offer: _Offer) -> _Offer | None:
        """Cut an offer down to the minutes that are left; `None` where not one spot fits."""
        for n_spots in range(len(offer.spots), 0, -1):
            cut = self._priced(case, offer.spots[:n_spots])
            if self.minutes + cut.minutes <= self._budget + _SLACK:
                return cut
        return None

    def _offer(self, case: _OpenCase, organ: str | None = None) -> _Offer:
        """Find the spots that make the best average with the opening, which is paid once a case."""
        error_ml, minutes = 0.0, 0.0 if case.taken else self._costs.minutes_per_case
        best = 0.0
        spots: list[_Spot] = []
        for spot in case.left(organ):
            error_ml += spot.error_ml
            minutes += self._costs.minutes(n_spots=1, changed_ml=spot.error_ml)
            if spots and error_ml / max(minutes, 1e-9) <= best:
                break
            best = error_ml / max(minutes, 1e-9)
            spots.append(spot)
            if case.taken:
                break
        return self._priced(case, tuple(spots))

    def _priced(self, case: _OpenCase, spots: Sequence[_Spot]) -> _Offer:
        error_ml = sum(spot.error_ml for spot in spots)
        minutes = self._costs.minutes(n_cases=0 if case.taken else 1, n_spots=len(spots), changed_ml=error_ml)
        return _Offer(case.worth * error_ml / max(minutes, 1e-9), minutes, tuple(spots))


def _opened(score: CaseScore) -> _OpenCase:
    spots_of = {organ.organ: spots for organ in score.organs if (spots := _spots(organ))}
    spots = [spot for of_organ in spots_of.values() for spot in of_organ]
    return _OpenCase(score, sorted(spots, key=lambda one: (-one.error_ml, one.organ, one.place)), spots_of)


def _spots(organ: OrganScore) -> list[_Spot]:
    """List the looks that an organ offers, the largest first.

    An organ that breaks a rule without a place to show is looked at whole; one without either has nothing
    to be led to, however much of its border is unsure.
    """
    volumes = organ.spots_ml
    if not volumes and organ.reasons and organ.error_ml:
        volumes = (organ.error_ml,)
    return [_Spot(ml, organ.organ, place) for place, ml in enumerate(volumes) if ml > 0]


def _taken_ml(case: _OpenCase) -> float:
    return sum(spot.error_ml for spot in case.spots if spot.place < case.taken.get(spot.organ, 0))
