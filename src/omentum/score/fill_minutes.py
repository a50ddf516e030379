"""Fill the minutes that a plan leaves with organs that have no hot spot.

Hot spots miss errors. Where few are left, the plan ends before the minutes do, and what hot spots miss would
be out of reach whatever time readers have (docs/decisions/0049-look-beyond-hot-spots.md).
"""

from collections.abc import Collection, Iterable, Sequence

from omentum.measures.effort import CostModel
from omentum.records import CaseScore
from omentum.score.task_selection import SelectedOrgan

__all__ = ["fill_minutes"]

_SLACK = 1e-9


def fill_minutes(
    selected: Sequence[SelectedOrgan], scores: Iterable[CaseScore], costs: CostModel, budget_minutes: float
) -> list[SelectedOrgan]:
    """Append organs without a hot spot to a plan, by expected error a minute, as far as the minutes go.

    Args:
        selected: The plan; it stays as it is, in front.
        scores: That it was made from, in any order.
        costs: Prices in minutes.
        budget_minutes: Of the plan and what is appended; what does not fit is left out.
    """
    opened = {one.case_id for one in selected}
    changed_ml = sum(one.error_ml or 0.0 for one in selected)
    left = budget_minutes - costs.minutes(n_cases=len(opened), n_looks=len(selected), changed_ml=changed_ml)
    appended: list[SelectedOrgan] = []
    for one in _by_worth(_without_spots(selected, scores), costs, frozenset(opened)):
        minutes = _minutes(one, costs, opened)
        if minutes <= left + _SLACK:
            appended.append(one)
            opened.add(one.case_id)
            left -= minutes
    return [*selected, *appended]


def _without_spots(selected: Sequence[SelectedOrgan], scores: Iterable[CaseScore]) -> list[SelectedOrgan]:
    """Give the organs in which an error is expected that the plan never takes, whatever it may cost."""
    have = {(one.case_id, one.organ.organ) for one in selected}
    return [
        SelectedOrgan(case_id=case.case_id, organ=organ)
        for case in scores
        for organ in case.organs
        if organ.error_ml and not organ.spots_ml and not organ.reasons
        if (case.case_id, organ.organ) not in have
    ]


def _by_worth(
    organs: Iterable[SelectedOrgan], costs: CostModel, opened: Collection[str]
) -> list[SelectedOrgan]:
    def order(one: SelectedOrgan) -> tuple[float, str, str]:
        return (
            -(one.error_ml or 0.0) / max(_minutes(one, costs, opened), _SLACK),
            one.case_id,
            one.organ.organ,
        )

    return sorted(organs, key=order)


def _minutes(one: SelectedOrgan, costs: CostModel, opened: Collection[str]) -> float:
    return costs.minutes(n_cases=one.case_id not in opened, n_looks=1, changed_ml=one.error_ml or 0.0)
