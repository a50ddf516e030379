"""Say how far more hours of readers are expected to lower the bound of this round's audit.

All that it needs is stored: the audit, the scores of the round, and the prices of its queue.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from omentum.evaluate.audit import AuditResult, audit_result
from omentum.evaluate.kept_basis import basis_of_round
from omentum.measures.bound_forecast import INTERVAL, Audited, BoundForecast, ForecastBasis, forecast_bounds
from omentum.measures.effort import CostModel, OrganFactors
from omentum.project.project import Project

__all__ = ["ASSUMED", "HOURS", "StopForecast", "prepare_forecast", "stop_forecast"]

HOURS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)
"""For which the bound is forecast."""
_USUAL_HOURS = 10.0
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
    if result.share is None:
        return StopForecast(said=_NO_BOUND)
    costs = _costs(project, number)
    basis = None if costs is None else basis_of_round(project, number, costs, HOURS[-1])
    if basis is None:
        cure = '`omentum score` estimates them, with `scoring = "expected-error"` in omentum.toml'
        said = f"no forecast: round {number} has no expected errors or no prices; {cure}"
        return StopForecast(said=said, bound_now=result.share)
    queued = _queued_minutes(project, number)
    later = _later(basis, result, queued)
    said = _sentence(result.share, later, project.settings.audit_bound)
    return StopForecast(said=said, bound_now=result.share, queued_minutes=queued, later=tuple(later))


def prepare_forecast(project: Project) -> None:
    """Sum up the scores of the current round if it has an audit, so that forecasts take no time."""
    number = project.store.rounds.current().number
    costs = _costs(project, number)
    if costs is not None and project.store.audits.draw_of_round(number) is not None:
        basis_of_round(project, number, costs, HOURS[-1])


def _costs(project: Project, number: int) -> CostModel | None:
    """Read the prices of the queue; `None` where the round has none."""
    path = project.folder.round_dir(number) / "queue.json"
    if not path.is_file():
        return None
    told: dict[str, Any] = dict(json.loads(path.read_text(encoding="utf-8")).get("costs", {}))
    told.pop("n_records", None)
    factors = {name: OrganFactors(**one) for name, one in told.pop("by_organ", {}).items()}
    return CostModel(**told, by_organ=factors)


def _queued_minutes(project: Project, number: int) -> float:
    tasks = project.store.tasks.of_round(number)
    open_tasks = [one for one in tasks if one.state.is_open and not one.is_whole]
    return sum((one.minutes or 0.0) * one.n_readings for one in open_tasks)


def _later(basis: ForecastBasis, result: AuditResult, queued_minutes: float) -> list[BoundForecast]:
    n_bad = len(result.major) + len(result.missing) + len(result.gone)
    audited = Audited(n_masks=result.n_drawn, n_bad=n_bad)
    seen = forecast_bounds(basis, audited, HOURS, first_minutes=queued_minutes)
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
