"""Which organs does the lot choose, so that what is still wrong can be bounded?

In:  the organs that nobody revised and that are not due; how many can be afforded.
Out: organs drawn so that each is as likely as any other, and no case has two.
Pure: the seed follows from what is drawn from, so that anybody can draw again and find the same.
"""

import hashlib
import json
from collections.abc import Collection, Mapping

import numpy as np

from omentum.records import Task, TaskKind

__all__ = [
    "MINUTES_PER_CASE",
    "MINUTES_PER_ORGAN",
    "draw",
    "frame_of",
    "n_cases_to_draw",
    "seed_of",
    "tasks_of",
]

MINUTES_PER_CASE = 0.5
"""To open a case, until readers' own minutes are known."""
MINUTES_PER_ORGAN = 0.5
"""To look at a whole organ, likewise."""

Frame = Mapping[str, tuple[str, ...]]
"""Organs by case."""
Key = tuple[str, str]
"""Case and organ."""


def frame_of(unrevised: Frame, due: Collection[Key]) -> dict[str, tuple[str, ...]]:
    """Leave out what is due in the round; cases and organs come sorted.

    Example:
        >>> frame_of({"b": ("spleen", "liver"), "a": ("liver",)}, due=[("a", "liver")])
        {'b': ('liver', 'spleen')}
    """
    due = frozenset(due)
    left = {
        case_id: tuple(sorted(name for name in organs if (case_id, name) not in due))
        for case_id, organs in sorted(unrevised.items())
    }
    return {case_id: organs for case_id, organs in left.items() if organs}


def n_cases_to_draw(frame: Frame, n_tasks: int) -> int:
    """Say how many cases to draw so that about so many tasks come of it.

    Where some cases have fewer organs left than others, not every case that is drawn makes a task.

    Example:
        >>> n_cases_to_draw({"a": ("liver", "spleen"), "b": ("liver",), "c": ("liver",)}, n_tasks=1)
        2
    """
    if not frame:
        return 0
    n_organs = sum(len(organs) for organs in frame.values())
    n_places = len(frame) * max(len(organs) for organs in frame.values())
    return min(len(frame), round(n_tasks * n_places / n_organs))


def seed_of(round_number: int, weights_sha256: str, frame: Frame) -> int:
    """Derive the seed from what is drawn from, so that nobody can choose it; from 0, below 2**63."""
    drawn_from = json.dumps([round_number, weights_sha256, sorted(frame.items())], separators=(",", ":"))
    return int.from_bytes(hashlib.sha256(drawn_from.encode()).digest()[:8], "big") >> 1


def draw(frame: Frame, n_cases: int, seed: int) -> tuple[Key, ...]:
    """Draw organs by lot, at most one a case.

    Each case is thought of as having as many places as the one with most organs, the others blank. Cases are
    drawn without replacement, and in each one place; a blank makes no task. So every organ is as likely.

    Args:
        frame: Organs by case, both sorted.
        n_cases: Cases to draw, blanks included.
        seed: Of the lot.

    Returns:
        Case and organ, in the order drawn.

    Example:
        >>> draw({"a": ("liver",), "b": ("liver",)}, n_cases=2, seed=1)
        (('a', 'liver'), ('b', 'liver'))
    """
    cases = list(frame)
    n_places = max((len(organs) for organs in frame.values()), default=1)
    lot = np.random.default_rng(seed)
    chosen = lot.permutation(len(cases))[:n_cases].tolist()
    places = lot.integers(n_places, size=len(chosen)).tolist()
    drawn = ((cases[case], place) for case, place in zip(chosen, places, strict=True))
    return tuple((case_id, frame[case_id][place]) for case_id, place in drawn if place < len(frame[case_id]))


def tasks_of(
    drawn: Collection[Key], round_number: int, *, first_rank: int, minutes_a_task: float
) -> list[Task]:
    """Make tasks of what was drawn: of the whole organ, without a word on how it scored."""
    return [
        Task(
            round_number=round_number,
            case_id=case_id,
            organ=organ,
            rank=rank,
            attention_ml=0.0,
            minutes=minutes_a_task,
            kind=TaskKind.AUDIT,
        )
        for rank, (case_id, organ) in enumerate(drawn, start=first_rank)
    ]
