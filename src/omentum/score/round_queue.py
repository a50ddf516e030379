"""Make the queue of a round from findings and scores, and record how in `rounds/<n>/queue.json`."""

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from omentum.errors import ConfigError
from omentum.measures.effort import CostModel, efforts_of, refitted
from omentum.project.ct_findings import open_ct_findings
from omentum.project.project import Project
from omentum.project.settings import Settings
from omentum.project.standing import case_facts, standing_case
from omentum.records import CaseScore, LabelledCase, MaskSource, Task, TaskKind, TaskState
from omentum.score.audit_draw import audit_tasks, set_apart
from omentum.score.catch_plan import catch_plan
from omentum.score.double_draw import DRAW_KEY, drawn_twice
from omentum.score.finding_tasks import finding_tasks, shown_in, with_findings
from omentum.score.held_out_draw import held_out_tasks
from omentum.score.queue import tasks_of
from omentum.score.strategies import StrategyInput, chosen, left_out, strategy_of
from omentum.score.task_selection import SelectedOrgan
from omentum.volumes.atomic import write_json

__all__ = ["QueueOptions", "costs_of", "queue_options", "queue_path", "queue_round", "read_queue", "totals"]

Key = tuple[str, str]
"""Case and organ."""

_WITHOUT_MINUTES = ("published",)
"""Scorings without an expected error volume, so that the minutes of a task are not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueOptions:
    """Options of a queue.

    Attributes:
        strategy: Its name, never `default`.
        budget_minutes: Of all tasks; `None` where the scoring does not estimate minutes.
    """

    strategy: str
    budget_minutes: float | None


def queue_options(
    settings: Settings, strategy: str | None = None, budget_minutes: float | None = None
) -> QueueOptions:
    """Choose the options of the queue; the settings stand in for `None`.

    Raises:
        ConfigError: The strategy does not go with the scoring, or the scoring has no minutes for a budget.
    """
    name = strategy_of(settings.strategy if strategy is None else strategy, settings.scoring)
    if settings.scoring not in _WITHOUT_MINUTES:
        minutes = settings.budget_minutes if budget_minutes is None else budget_minutes
        return QueueOptions(strategy=name, budget_minutes=minutes)
    if budget_minutes is not None:
        rule = (
            f"scoring {settings.scoring!r} does not tell how long a task takes; "
            "set another scoring in omentum.toml, or take the first tasks with `omentum review export --top`"
        )
        raise ConfigError("--budget", f"{budget_minutes:g} min", rule)
    return QueueOptions(strategy=name, budget_minutes=None)


def queue_path(project: Project) -> Path:
    """Give the path of the record of the current round's queue."""
    number = project.store.rounds.current().number
    return project.folder.round_dir(number) / "queue.json"


def read_queue(project: Project) -> dict[str, Any]:
    """Read the record of the current round's queue."""
    made: dict[str, Any] = json.loads(queue_path(project).read_text(encoding="utf-8"))
    return made


def costs_of(project: Project) -> tuple[CostModel, int]:
    """Fit the prices to the recorded minutes; give the number of records, too."""
    store = project.store
    efforts = efforts_of(
        store.revisions.all(),
        measured=store.activities.measured(),
        whole=store.tasks.numbers_of(TaskKind.AUDIT, TaskKind.HELD_OUT),
    )
    return refitted(efforts), len(efforts)


def queue_round(project: Project, scores: Sequence[CaseScore], options: QueueOptions) -> list[Task]:
    """Give the current round its queue, as long as the budget; tasks that people began stay in it.

    First come CTs and masks with a severe finding, whatever they cost; then the organs that the strategy
    selects for the minutes that are left; then those that are drawn. The seed is the round's number.

    Returns:
        The queue as it is kept.
    """
    costs, n_records = costs_of(project)
    budget = float("inf") if options.budget_minutes is None else options.budget_minutes
    has_minutes = options.budget_minutes is not None
    share = project.settings.audit_share if has_minutes else 0.0
    state = _round_state(project, costs)
    number = state.round_number
    keys = {task.key for task in state.found}
    reserved = budget * project.settings.gate_share if has_minutes else 0.0
    kept = held_out_tasks(project, scores, costs, reserved, due=keys) if reserved else []
    apart = keys | state.apart | {task.key for task in kept}
    spent = sum(task.minutes or 0.0 for task in (*state.found, *kept))
    twice = project.settings.double_reading_share
    left = max(0.0, budget * (1.0 - share) - spent) / (1.0 + twice)
    ask = StrategyInput(costs=costs, budget_minutes=left, seed=number, round_number=number)
    plannable = _plannable(scores, state, apart, with_suspects=has_minutes)
    is_used_up = bool(state.found) and ask.budget_minutes <= 0.0
    selected = [] if is_used_up else chosen(options.strategy, plannable, ask)
    planned, draw = drawn_twice(project, tasks_of(selected, costs, number), queue_path(project))
    queue = _ranked([*state.found, *planned, *kept])
    drawn = [*queue, *(audit_tasks(project, queue, budget * share) if share else ())]
    network = project.networks[0]
    hashes = project.store.predictions.organ_hashes(network)
    plan = catch_plan(project, shown_in(drawn, state.labelled, network, hashes), state.labelled, costs)
    others = left_out(options.strategy, plannable, ask, selected) if has_minutes else []
    made = {
        "recipe": project.settings.scoring,
        **asdict(options),
        "seed": number,
        "costs": {**asdict(costs), "n_records": n_records},
        "findings": _counted(state.found),
        "held_out": _counted(kept),
        DRAW_KEY: draw,
        "totals": totals(plan.tasks),
        "left_out": {
            "tasks": len(others),
            "minutes": _minutes_of(others, costs, {task.case_id for task in queue}),
        },
    }
    write_json(queue_path(project), made)
    return plan.keep(project, number)


@dataclass(frozen=True, slots=True, kw_only=True)
class _RoundState:
    """The state of a round that a queue depends on, beside the scores."""

    round_number: int
    labelled: list[LabelledCase]
    found: list[Task]
    """Tasks of severe findings."""
    apart: frozenset[Key]
    """Organs that are reviewed whole in this round, whatever their score."""
    open: frozenset[Key]
    """Organs that stand as predicted, or whose task in this round was begun."""


def _round_state(project: Project, costs: CostModel) -> _RoundState:
    number = project.store.rounds.current().number
    facts = case_facts(project)
    labelled = [standing_case(one) for one in facts]
    begun = [one for one in project.store.tasks.of_round(number) if one.state is not TaskState.QUEUED]
    apart = set_apart(project) | {task.key for task in begun if task.is_whole or task.is_catch}
    predicted = {
        (one.case.case_id, mask.organ)
        for one in labelled
        for mask in one.masks
        if mask.source is MaskSource.PREDICTED
    }
    of_ct = open_ct_findings(project, facts)
    return _RoundState(
        round_number=number,
        labelled=labelled,
        found=finding_tasks(number, labelled, of_ct, costs, without=apart),
        apart=frozenset(apart),
        open=frozenset(predicted | {task.key for task in begun}),
    )


def _plannable(
    scores: Sequence[CaseScore], state: _RoundState, apart: Collection[Key], *, with_suspects: bool
) -> list[CaseScore]:
    """Leave out organs that another task has, or that were revised since they were scored."""
    left = [
        replace(
            one,
            organs=tuple(
                row
                for row in one.organs
                if (one.case_id, row.organ) in state.open and (one.case_id, row.organ) not in apart
            ),
        )
        for one in scores
    ]
    return with_findings(left, state.labelled, without=apart) if with_suspects else left


def _ranked(tasks: Sequence[Task]) -> list[Task]:
    return [replace(task, rank=rank) for rank, task in enumerate(tasks, start=1)]


def _counted(tasks: Sequence[Task]) -> dict[str, Any]:
    return {"tasks": len(tasks), "minutes": sum(task.minutes or 0.0 for task in tasks)}


def _minutes_of(selected: Sequence[SelectedOrgan], costs: CostModel, opened: Collection[str]) -> float:
    """Estimate the minutes of selected organs; some cases are opened anyway."""
    n_cases = len({one.case_id for one in selected} - set(opened))
    looks = sum(costs.of_task(one.organ.organ, one.error_ml or 0.0) for one in selected)
    return costs.minutes(n_cases=n_cases) + looks


def totals(tasks: Sequence[Task]) -> dict[str, Any]:
    """Sum up tasks: number, minutes and expected error; `None` where not known."""
    minutes = [task.minutes * task.n_readings for task in tasks if task.minutes is not None]
    errors_ml = [task.error_ml for task in tasks if task.error_ml is not None]
    return {
        "tasks": len(tasks),
        "cases": len({task.case_id for task in tasks}),
        "minutes": sum(minutes) if minutes else None,
        "error_ml": sum(errors_ml) if errors_ml else None,
    }
