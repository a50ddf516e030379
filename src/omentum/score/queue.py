"""Order cases by score, make the tasks of a round, and list them as AbdomenAtlas-8K does."""

from collections.abc import Iterable, Mapping, Sequence

from omentum.measures.effort import CostModel
from omentum.records import CaseScore, OrganScore, Task
from omentum.score.task_selection import SelectedOrgan

__all__ = ["attention_size_rows", "needy", "priority_rows", "ranked", "tasks_of"]


def ranked(scores: Iterable[CaseScore]) -> list[CaseScore]:
    """Sort cases by falling score; equals by name, so that the order never depends on chance."""
    return sorted(scores, key=lambda case: (-case.score, case.case_id))


def needy(case: CaseScore) -> list[OrganScore]:
    """Order the organs of a case that have attention by falling priority."""
    return sorted((organ for organ in case.organs if organ.priority > 0), key=lambda organ: -organ.priority)


def tasks_of(selected: Sequence[SelectedOrgan], costs: CostModel, round_number: int) -> list[Task]:
    """Make the tasks of a round, ranked from 1 in the order in which they were chosen.

    Returns:
        One task an organ; minutes are `None` where the scoring does not estimate errors.
    """
    first_of = {one.case_id: one for one in reversed(selected)}
    return [
        Task(
            round_number=round_number,
            case_id=one.case_id,
            organ=one.organ.organ,
            rank=rank,
            attention_ml=one.organ.attention_ml,
            minutes=_minutes(one, costs, is_first=first_of[one.case_id] is one),
            error_ml=one.error_ml,
            n_spots=one.n_spots,
            reason=_reason(one),
        )
        for rank, one in enumerate(selected, start=1)
    ]


def priority_rows(scores: Iterable[CaseScore]) -> list[list[str]]:
    """Give the rows of the published `priority.csv`: a case, then its organs by falling priority."""
    return [[case.case_id, *(organ.organ for organ in needy(case))] for case in ranked(scores)]


def attention_size_rows(sizes: Mapping[str, float]) -> list[list[str]]:
    """Give the rows of the published `attention_size.csv`: a case and its attention a slice.

    Example:
        >>> attention_size_rows({"a": 1.5, "b": 2.0})
        [['b', '2.0'], ['a', '1.5']]
    """
    return [[case_id, str(sizes[case_id])] for case_id in sorted(sizes, key=lambda name: -sizes[name])]


def _minutes(one: SelectedOrgan, costs: CostModel, *, is_first: bool) -> float | None:
    if one.error_ml is None:
        return None
    return costs.of_task(one.organ.organ, one.error_ml, is_first=is_first)


def _reason(one: SelectedOrgan) -> str:
    """Say why, as far as the score does: the rules that a mask breaks are named, with the organ."""
    if one.organ.reasons:
        return f"{one.organ.organ}: {'; '.join(one.organ.reasons)}"
    return "probably wrong at " + _counted(one.n_spots) if one.n_spots else ""


def _counted(number: int) -> str:
    return "1 spot" if number == 1 else f"{number} spots"
