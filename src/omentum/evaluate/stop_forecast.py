"""Say how far more hours of readers are expected to lower the bound of this round's audit.

All that it needs is stored: the audit, the scores of the round, and the prices of its queue.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from omentum.evaluate.audit import AuditResult, audit_result
from omentum.measures.bound_forecast import INTERVAL, Audited, BoundForecast, MasksLeft, forecast_bounds
from omentum.measures.effort import CostModel, OrganFactors
from omentum.project.project import Project
from omentum.records import Audit
from omentum.volumes.labels import organ

__all__ = ["ASSUMED", "HOURS", "StopForecast", "stop_forecast"]

HOURS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)
"""For which the bound is forecast."""
_USUAL_HOURS = 10.0
Losses = Mapping[tuple[str, str], tuple[float, float]]
"""Expected error in mL and expected loss of Dice, by case and organ."""
_NOTHING = (0.0, 0.0)
ASSUMED = (
    "This assumes that major errors are where the queue expects loss of Dice, that work takes the minutes of "
    "the queue's prices, that readers put right what they look at and miss as much as catch trials say, that "
    "no network is tuned in between, and that the next audit draws as many organs."
)
"""What a forecast assumes, for people."""


_NO_BOUND = "no forecast: it needs a bound of the audit, and there is none; see `omentum audit`"


@dataclass(frozen=True, slots=True, kw_only=True)
class StopForecast:
    """What more hours are expected to bring."""

    said: str
    """In a sentence, or what is missing and the command for it."""
    bound_now: float | None = None
    queued_minutes: float = 0.0
    """Of the tasks that wait in the queue; they come first, and the bound is not about them."""
    later: tuple[BoundForecast, ...] = ()
    """By rising hours; empty where nothing can be said."""


def stop_forecast(project: Project, result: AuditResult | None = None) -> StopForecast:
    """Forecast the bound of the current round's audit.

    Args:
        project: The project; it may be open for reading only.
        result: Of that audit, where it is known.
    """
    number = project.store.rounds.current().number
    result = audit_result(project, number) if result is None else result
    audit = None if result.share is None else project.store.audits.of_round(number)
    if result.share is None or audit is None:
        return StopForecast(said=_NO_BOUND)
    costs, losses = _costs(project, number), project.store.scores.losses(number)
    if costs is None or not losses:
        cure = '`omentum score` estimates them, with `scoring = "expected-error"` in omentum.toml'
        said = f"no forecast: round {number} has no expected errors or no prices; {cure}"
        return StopForecast(said=said, bound_now=result.share)
    masks = _masks_left(audit, losses, costs)
    queued = _queued_minutes(project, number)
    later = _later(masks, audit, result, queued) if len(masks.case) else []
    said = _sentence(result.share, later, project.settings.audit_bound)
    return StopForecast(said=said, bound_now=result.share, queued_minutes=queued, later=tuple(later))


def _costs(project: Project, number: int) -> CostModel | None:
    """Read the prices of the queue; `None` where the round has none."""
    path = project.folder.round_dir(number) / "queue.json"
    if not path.is_file():
        return None
    told: dict[str, Any] = dict(json.loads(path.read_text(encoding="utf-8")).get("costs", {}))
    told.pop("n_records", None)
    factors = {name: OrganFactors(**one) for name, one in told.pop("by_organ", {}).items()}
    return CostModel(**told, by_organ=factors)


def _masks_left(audit: Audit, losses: Losses, costs: CostModel) -> MasksLeft:
    drawn = set(audit.drawn)
    number_of = {case_id: number for number, case_id in enumerate(audit.frame)}
    keys = ((case_id, name) for case_id, names in audit.frame.items() for name in names)
    left = [key for key in keys if key not in drawn]
    errors_ml = [losses.get(key, _NOTHING)[0] for key in left]
    minutes = [costs.of_task(name, ml) for (_, name), ml in zip(left, errors_ml, strict=True)]
    return MasksLeft(
        case=np.array([number_of[case_id] for case_id, _ in left], dtype=np.intp),
        risk=np.array([_risk(key[1], losses.get(key, _NOTHING)[1]) for key in left], dtype=np.float64),
        error_ml=np.array(errors_ml, dtype=np.float64),
        minutes=np.array(minutes, dtype=np.float64),
        minutes_per_case=costs.minutes_per_case,
    )


def _risk(name: str, dice_loss: float) -> float:
    """Give the greatest chance of a major error at an expected loss of Dice (Markov's inequality)."""
    return min(1.0, dice_loss / (1.0 - organ(name).major_below_dice))


def _queued_minutes(project: Project, number: int) -> float:
    tasks = project.store.tasks.of_round(number)
    open_tasks = [one for one in tasks if one.state.is_open and not one.is_whole]
    return sum((one.minutes or 0.0) * one.n_readings for one in open_tasks)


def _later(masks: MasksLeft, audit: Audit, result: AuditResult, queued_minutes: float) -> list[BoundForecast]:
    n_bad = len(result.major) + len(result.missing) + len(result.gone)
    audited = Audited(n_masks=len(audit.drawn), n_bad=n_bad)
    seen = forecast_bounds(masks, audited, HOURS, first_minutes=queued_minutes)
    # What readers miss, by catch trials, widens a later bound as it widens this one.
    widened = (result.share or 0.0) / result.seen_share if result.seen_share else 1.0
    return [_widened(one, widened) for one in seen]


def _widened(one: BoundForecast, factor: float) -> BoundForecast:
    low, expected, high = (min(1.0, factor * end) for end in (one.low, one.expected, one.high))
    return replace(one, low=low, expected=expected, high=high)


def _sentence(now: float, later: Sequence[BoundForecast], wanted: float) -> str:
    if not later:
        return "every organ that the bound is about can be read within an hour"
    enough = [one for one in later if one.expected <= wanted]
    chosen = enough[0] if enough else min(later, key=lambda one: abs(one.hours - _USUAL_HOURS))
    hours = f"{chosen.hours:g} more {'hour is' if chosen.hours == 1.0 else 'hours are'}"
    outcomes = f"({INTERVAL:.0%} of outcomes: {_percent(chosen.low)} to {_percent(chosen.high)})"
    if chosen.expected < now:
        change = f"from {_percent(now)} to {_percent(chosen.expected)}"
        return f"{hours} expected to lower the bound {change} {outcomes}"
    return f"{hours} not expected to lower the bound of {_percent(now)} {outcomes}"


def _percent(share: float) -> str:
    return f"{math.ceil(share * 1000 - 1e-9) / 10:.1f} %"
