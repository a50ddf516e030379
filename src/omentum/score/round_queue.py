"""Which tasks does a round get? From the scores of its cases to the queue in the database.

In:  an open project, the scores of a round's cases, a strategy and a budget.
Out: the queue; `rounds/<n>/queue.json`: strategy, seed, budget and prices, so that it can be made again.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from omentum.errors import ConfigError
from omentum.measures.effort import CostModel, efforts_of, refitted
from omentum.project.project import Workspace
from omentum.project.settings import Settings
from omentum.records import CaseScore, Task
from omentum.score.audit_round import audit_tasks, set_apart
from omentum.score.held_out import held_out_tasks
from omentum.score.queue import tasks_of
from omentum.score.strategies import Ask, chosen, strategy_of
from omentum.volumes.atomic import write_json

__all__ = ["Asked", "checked_asked", "costs_of", "queue_path", "queue_round", "read_queue", "totals"]

_UNRECKONED = ("published",)
"""Recipes that do not tell how much is wrong, so that nobody knows how long it takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the queue is made by.

    Attributes:
        strategy: Its name, never `default`.
        budget_minutes: Of all tasks; `None` where the recipe does not tell what a task takes.
    """

    strategy: str
    budget_minutes: float | None


def checked_asked(
    settings: Settings, strategy: str | None = None, budget_minutes: float | None = None
) -> Asked:
    """Settle what the queue is made by; what is not said is as in the settings.

    Raises:
        ConfigError: The strategy does not go with the recipe, or the recipe cannot keep to a budget.
    """
    name = strategy_of(settings.strategy if strategy is None else strategy, settings.recipe)
    if settings.recipe not in _UNRECKONED:
        minutes = settings.budget_minutes if budget_minutes is None else budget_minutes
        return Asked(strategy=name, budget_minutes=minutes)
    if budget_minutes is not None:
        rule = (
            f"recipe {settings.recipe!r} does not tell how long a task takes; "
            "set another recipe in omentum.toml, or take the first tasks with `omentum review export --top`"
        )
        raise ConfigError("--budget", f"{budget_minutes:g} min", rule)
    return Asked(strategy=name, budget_minutes=None)


def queue_path(workspace: Workspace) -> Path:
    """Give the path of how the current round's queue was made."""
    number = workspace.store.rounds.current().number
    return workspace.folder.round_dir(number) / "queue.json"


def read_queue(workspace: Workspace) -> dict[str, Any]:
    """Read how the current round's queue was made."""
    made: dict[str, Any] = json.loads(queue_path(workspace).read_text(encoding="utf-8"))
    return made


def costs_of(workspace: Workspace) -> tuple[CostModel, int]:
    """Fit what minutes are spent on to all that readers recorded; give how many records there were, too."""
    efforts = efforts_of(workspace.store.revisions.all())
    return refitted(efforts), len(efforts)


def queue_round(workspace: Workspace, scores: Sequence[CaseScore], asked: Asked) -> list[Task]:
    """Give the current round its queue, as long as the budget; tasks that people began stay in it.

    The seed of what is drawn is the round's number: the same scores make the same queue, and the next round
    another.

    Args:
        workspace: The project.
        scores: Of the round's cases.
        asked: What the queue is made by.

    Returns:
        The queue as it is kept.
    """
    number = workspace.store.rounds.current().number
    costs, n_records = costs_of(workspace)
    budget = float("inf") if asked.budget_minutes is None else asked.budget_minutes
    share = workspace.settings.audit_share if asked.budget_minutes is not None else 0.0
    is_reckoned = asked.budget_minutes is not None
    reserved = budget * workspace.settings.gate_share if is_reckoned else 0.0
    kept = held_out_tasks(workspace, scores, costs, reserved) if reserved else []
    kept_minutes = sum(task.minutes or 0.0 for task in kept)
    apart = set_apart(workspace) | {(task.case_id, task.organ) for task in kept}
    left = max(0.0, budget * (1.0 - share) - kept_minutes)
    ask = Ask(costs=costs, budget_minutes=left, seed=number)
    queue = tasks_of(chosen(asked.strategy, _without(scores, apart), ask), costs, number)
    queue += [replace(task, rank=rank) for rank, task in enumerate(kept, start=len(queue) + 1)]
    tasks = [*queue, *(audit_tasks(workspace, queue, budget * share) if share else ())]
    made = {
        "recipe": workspace.settings.recipe,
        **asdict(asked),
        "seed": number,
        "costs": {**asdict(costs), "n_records": n_records},
        "held_out": {"tasks": len(kept), "minutes": kept_minutes},
        "totals": totals(tasks),
    }
    write_json(queue_path(workspace), made)
    return workspace.store.tasks.replace(number, tasks)


def _without(scores: Sequence[CaseScore], keys: Collection[tuple[str, str]]) -> list[CaseScore]:
    """Leave out organs that are looked at whole in this round, whatever they scored."""
    return [
        replace(one, organs=tuple(row for row in one.organs if (one.case_id, row.organ) not in keys))
        for one in scores
    ]


def totals(tasks: Sequence[Task]) -> dict[str, Any]:
    """Sum up tasks: how many, their minutes, and the error that is expected to go; `None` if not reckoned."""
    minutes = [task.minutes for task in tasks if task.minutes is not None]
    errors_ml = [task.error_ml for task in tasks if task.error_ml is not None]
    return {
        "tasks": len(tasks),
        "cases": len({task.case_id for task in tasks}),
        "minutes": sum(minutes) if minutes else None,
        "error_ml": sum(errors_ml) if errors_ml else None,
    }
