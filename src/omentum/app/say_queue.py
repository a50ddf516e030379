"""Print a queue: a table with its sums for people, JSON for programs."""

from collections.abc import Mapping, Sequence
from typing import Any

import typer

from omentum.app.console import say_json, say_table
from omentum.app.failures import failure_rows
from omentum.records import Failure, Task
from omentum.score.round_queue import totals

__all__ = ["beyond_budget", "say_queue", "why_queued"]

_COLUMNS = ("rank", "case", "organ", "attention (mL)", "error (mL)", "spots", "minutes", "state", "why")


def say_queue(
    number: int,
    made: Mapping[str, Any],
    tasks: Sequence[Task],
    *,
    top: int | None,
    failures: Sequence[Failure] = (),
) -> None:
    """Print a queue.

    Args:
        number: Of the round.
        made: How it was made, as `read_queue` gives it.
        tasks: Those that have not ended, by rank.
        top: Tasks to print as a table; `None` for all of them as JSON.
        failures: Cases that could not be scored; only for JSON.
    """
    left = totals(tasks)
    rows = [_row(task) for task in tasks]
    if top is None:
        said = {name: value for name, value in made.items() if name != "totals"}
        listed = [dict(zip(_COLUMNS, row, strict=True)) for row in rows]
        say_json({"round": number, **said, "totals": left, "tasks": listed, **failure_rows(failures)})
        return
    title = f"round {number}, {made['strategy']}: {min(top, len(rows))} of {len(rows)} tasks"
    say_table(title, _COLUMNS, rows[:top])
    typer.echo(_summed(left, made))
    more = beyond_budget(made.get("left_out", {}), made["budget_minutes"])
    if more:
        typer.echo(more)


def beyond_budget(left_out: Mapping[str, Any], budget_minutes: float | None) -> str:
    """Say what the budget does not pay for; nothing where it pays for all, or where there is none.

    Example:
        >>> beyond_budget({"tasks": 12, "minutes": 340.2}, 60.0)
        '12 tasks of about 340 min do not fit the budget of 60 min; give more with `omentum score --budget`'
    """
    if not left_out.get("tasks") or budget_minutes is None:
        return ""
    many = "1 task" if left_out["tasks"] == 1 else f"{left_out['tasks']} tasks"
    do_not = "does not" if left_out["tasks"] == 1 else "do not"
    return (
        f"{many} of about {left_out['minutes']:.0f} min {do_not} fit the budget of {budget_minutes:.0f} min; "
        "give more with `omentum score --budget`"
    )


def _row(task: Task) -> tuple[object, ...]:
    return (
        task.rank,
        task.case_id,
        task.organ,
        round(task.attention_ml, 2),
        None if task.error_ml is None else round(task.error_ml, 2),
        task.n_spots or None,
        None if task.minutes is None else round(task.minutes, 1),
        task.state.value,
        why_queued(task),
    )


def why_queued(task: Task) -> str:
    """Say why a task is in the queue: the draw that it is of, or what its score says."""
    if task.is_held_out:
        return "to judge networks by"
    return "drawn at random" if task.is_audit else task.reason


def _summed(left: Mapping[str, Any], made: Mapping[str, Any]) -> str:
    many = f"{left['tasks']} tasks in {left['cases']} cases"
    if left["minutes"] is None or made["budget_minutes"] is None:
        return f"{many}; how long they take is not known"
    spent = f"about {left['minutes']:.0f} of {made['budget_minutes']:.0f} minutes"
    return f"{many}: {spent}, {left['error_ml']:.1f} mL of error expected to go"
