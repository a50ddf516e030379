"""Show what goes on in a project again and again: live on a terminal, line by line in a log."""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from itertools import count
from typing import TYPE_CHECKING

import typer

from omentum.app.run_state import RunState, run_state
from omentum.project.project import Project

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["run_tables", "watch_project"]


def watch_project(
    project: Project,
    *,
    every_s: float,
    as_json: bool = False,
    n_looks: int | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Look at the ledger again and again, until an interruption from the keyboard.

    Args:
        project: The project; it may be open for reading only.
        every_s: Seconds between two looks.
        as_json: Print each look as a line of JSON.
        n_looks: How many; without end by default.
        sleep: Waits.
    """
    looks = count() if n_looks is None else range(n_looks)
    show, close = _shown(as_json)
    try:
        for number in looks:
            if number:
                sleep(every_s)
            show(run_state(project))
    except KeyboardInterrupt:
        pass
    finally:
        close()


def _shown(as_json: bool) -> tuple[Callable[[RunState], None], Callable[[], None]]:
    if as_json:
        return (lambda state: typer.echo(json.dumps(asdict(state), default=str))), lambda: None
    if not sys.stdout.isatty():
        return (lambda state: typer.echo("\n".join(state.lines() or ["nothing was begun yet"]))), lambda: None
    from rich.live import Live

    live = Live(auto_refresh=False)
    live.start()
    return (lambda state: live.update(run_tables(state), refresh=True)), live.stop


def run_tables(state: RunState) -> "RenderableType":
    """Lay out stages and workers in tables, with the last failures below."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    from omentum.app.pace import duration

    stages = Table(title=f"{state.time:%Y-%m-%d %H:%M:%S} UTC", title_justify="left")
    stages.add_column("stage")
    for column in ("done", "at work", "due", "failed", "an hour", "left", "each", "most memory"):
        stages.add_column(column, justify="right")
    for one in state.stages:
        stages.add_row(
            Text(one.stage),
            str(one.done),
            str(one.at_work),
            str(one.due),
            Text(str(one.failed), style="red" if one.failed else ""),
            "" if one.an_hour is None else f"{one.an_hour:.1f}",
            "" if one.seconds_left is None else duration(one.seconds_left),
            "" if one.median_seconds is None else f"{one.median_seconds:.1f} s",
            "" if one.peak_bytes is None else f"{one.peak_bytes / 1e9:.1f} GB",
        )
    workers = Table("worker", "stage", "works on", "for")
    for worker in state.workers:
        more = f" and {len(worker.jobs) - 1} more" if len(worker.jobs) > 1 else ""
        lasts = duration(worker.seconds) + (" (no sign of life)" if worker.is_lapsed else "")
        workers.add_row(Text(worker.worker), Text(worker.stage), Text(worker.jobs[0] + more), lasts)
    trouble = [Text(line, style="red", no_wrap=True, overflow="ellipsis") for line in state.trouble()]
    return Group(stages, *([workers] if state.workers else []), *trouble)
