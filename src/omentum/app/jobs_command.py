"""The command that lists the jobs of a project: how many wait, and who works on what."""

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from omentum.app.console import say_json, say_table
from omentum.app.options import AsJson, project_of
from omentum.errors import ConfigError

if TYPE_CHECKING:
    from omentum.records.jobs import JobRecord, JobSummary

__all__ = ["jobs"]

_COLUMNS = ("stage", "due", "claimed", "done", "failed", "median (s)", "peak (GB)")
_MOST_POSTPONED = 20


def jobs(
    context: typer.Context,
    stage: Annotated[str, typer.Option(metavar="NAME", help="Only this stage, as in the table.")] = "",
    as_json: AsJson = False,
) -> None:
    """List the jobs of each stage, and who works on what. Example: omentum -C my-atlas jobs."""
    from omentum.records.jobs import JobState

    with project_of(context, looking=True) as project:
        ledger = project.store.ledger
        summary = ledger.summary()
        if stage and stage not in summary:
            known = ", ".join(repr(one) for one in summary) or "none"
            raise ConfigError("--stage", stage, f"no item of it was begun; stages with jobs are {known}")
        claimed = ledger.jobs(stage or None, [JobState.CLAIMED])
        of_all = project.store.recent_jobs.last_postponed(_MOST_POSTPONED)
        postponed = [one for one in of_all if stage in ("", one.stage)]
    shown = {name: one for name, one in summary.items() if stage in ("", name)}
    if as_json:
        told = {
            "stages": [{"stage": name, **asdict(one)} for name, one in shown.items()],
            "claimed": [_told(one) for one in claimed],
            "postponed": [_told(one) for one in postponed],
        }
        say_json(told)
        return
    if not shown:
        typer.echo("no job was begun yet; begin with omentum predict")
        return
    say_table("", _COLUMNS, [_row(name, one) for name, one in shown.items()])
    for one in claimed:
        typer.echo(f"{one.worker} works on {one.stage} {one.key} since {one.started:%Y-%m-%d %H:%M:%S} UTC")
    for one in postponed:
        typer.echo(f"{one.stage} {one.key} waits for another try: {one.reason}")


def _row(stage: str, one: "JobSummary") -> tuple[object, ...]:
    median_s = "" if one.median_s is None else f"{one.median_s:.1f}"
    peak_gb = "" if one.peak_bytes is None else f"{one.peak_bytes / 1e9:.2f}"
    return stage, one.due, one.claimed, one.done, one.failed, median_s, peak_gb


def _told(one: "JobRecord") -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in asdict(one).items()
    }
