"""Tell in sentences what the rounds of a project brought, and what they did not."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from omentum.evaluate.report_data import RoundFigures
from omentum.evaluate.summary import side_by_side
from omentum.volumes.labels import organ

__all__ = ["FigureChange", "Story", "story_of"]

_SHOWN = 0.0005
"""A smaller change of Dice is none at three digits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureChange:
    """How a figure went from the first round that has it to the last."""

    first_round: int
    last_round: int
    first: float
    last: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What the rounds brought.

    Attributes:
        brought: One sentence for each figure that is known in two rounds, or for the last bound.
        not_better: Organs whose mean Dice in the last round is no greater than in the first, each with both
            numbers.
    """

    brought: tuple[str, ...]
    not_better: tuple[str, ...]


def story_of(rounds: Sequence[RoundFigures]) -> Story:
    """Compare the first round that has a figure with the last one.

    Args:
        rounds: By rising number.
    """
    said = [
        _said("Mean Dice", _change(rounds, [one.summary.dice if one.summary else None for one in rounds]), 3),
        _said("Readers' minutes a CT", _change(rounds, [one.minutes_a_case for one in rounds]), 1),
        _bound(rounds),
    ]
    return Story(brought=tuple(filter(None, said)), not_better=_not_better(rounds))


def _change(rounds: Sequence[RoundFigures], values: Sequence[float | None]) -> FigureChange | None:
    known = [(one.number, value) for one, value in zip(rounds, values, strict=True) if value is not None]
    if len(known) < 2:
        return None
    (first_round, first), (last_round, last) = known[0], known[-1]
    return FigureChange(first_round=first_round, last_round=last_round, first=first, last=last)


def _said(name: str, change: FigureChange | None, digits: int) -> str:
    if change is None:
        return ""
    first, last = f"{change.first:,.{digits}f}", f"{change.last:,.{digits}f}"
    if first == last:
        return f"{name}: {last} in round {change.first_round} and in round {change.last_round}."
    verb = "rose" if change.last > change.first else "fell"
    return f"{name} {verb} from {first} in round {change.first_round} to {last} in round {change.last_round}."


def _bound(rounds: Sequence[RoundFigures]) -> str:
    known = [(one.number, one.audit_share) for one in rounds if one.audit_share is not None]
    if not known:
        return ""
    number, share = known[-1]
    percent = math.ceil(share * 1000 - 1e-9) / 10
    share_of = "of the organs without a revision need a major one"
    return f"By the audit of round {number}, at most {percent:.1f} % {share_of}."


def _not_better(rounds: Sequence[RoundFigures]) -> tuple[str, ...]:
    found = []
    for name, means in side_by_side([one.summary for one in rounds]).items():
        change = _change(rounds, [one.dice if one else None for one in means])
        if name is not None and change is not None and change.last < change.first + _SHOWN:
            found.append(f"{organ(name).display_name} ({change.first:.3f}, then {change.last:.3f})")
    return tuple(found)
