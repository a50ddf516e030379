"""In which order should experts look?

In:  the scores of many cases.
Out: cases by falling score; the tasks of a round; the lists that AbdomenAtlas-8K writes.
"""

from collections.abc import Iterable, Mapping

from omentum.records import CaseScore, OrganScore, Task

__all__ = ["attention_size_rows", "priority_rows", "ranked", "tasks_of"]


def ranked(scores: Iterable[CaseScore]) -> list[CaseScore]:
    """Sort cases by falling score; equals by name, so that the order never depends on chance."""
    return sorted(scores, key=lambda case: (-case.score, case.case_id))


def tasks_of(scores: Iterable[CaseScore], round_number: int) -> list[Task]:
    """Make the tasks of a round: the first case first, in it the organ with the most heat first.

    Args:
        scores: Every case of the round, in any order.
        round_number: The round that the tasks belong to.

    Returns:
        One task for each organ that has attention, ranked from 1.
    """
    wanted = [(case.case_id, organ) for case in ranked(scores) for organ in _needy(case)]
    return [
        Task(
            round_number=round_number,
            case_id=case_id,
            organ=organ.organ,
            rank=rank,
            attention_ml=organ.attention_ml,
        )
        for rank, (case_id, organ) in enumerate(wanted, start=1)
    ]


def priority_rows(scores: Iterable[CaseScore]) -> list[list[str]]:
    """Give the rows of the published `priority.csv`: a case, then its organs by falling heat."""
    return [[case.case_id, *(organ.organ for organ in _needy(case))] for case in ranked(scores)]


def attention_size_rows(sizes: Mapping[str, float]) -> list[list[str]]:
    """Give the rows of the published `attention_size.csv`: a case and its attention a slice.

    Example:
        >>> attention_size_rows({"a": 1.5, "b": 2.0})
        [['b', '2.0'], ['a', '1.5']]
    """
    return [[case_id, str(sizes[case_id])] for case_id in sorted(sizes, key=lambda name: -sizes[name])]


def _needy(case: CaseScore) -> list[OrganScore]:
    """Order the organs of a case that have attention by falling heat."""
    return sorted((organ for organ in case.organs if organ.heat > 0), key=lambda organ: -organ.heat)
