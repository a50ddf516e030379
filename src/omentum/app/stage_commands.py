"""Commands of the stages after prediction: score and evaluate; and a whole round."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from omentum.app.console import bars, end_batches, say_json, say_table
from omentum.app.options import (
    AsJson,
    Device,
    RunnerName,
    Workers,
    device_named,
    minutes_named,
    project_of,
)
from omentum.choices import STRATEGIES
from omentum.errors import ConfigError

if TYPE_CHECKING:
    from omentum import loop
    from omentum.app.next_steps import NextStep
    from omentum.evaluate.reader_agreement import PairAgreement
    from omentum.project.project import Project
    from omentum.records import Batch, Release
    from omentum.records.promotions import Promotion

__all__ = ["evaluate", "round_", "score"]


def score(
    context: typer.Context,
    budget: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="Time that readers have, as 20h or 90min. Default: that of the settings."
        ),
    ] = None,
    strategy: Annotated[
        str | None, typer.Option(help=f"One of {', '.join(STRATEGIES)}. Default: that of the settings.")
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="Tasks to print.")] = 20,
    runner: RunnerName = None,
    workers: Workers = None,
    as_json: AsJson = False,
) -> None:
    """Find what is probably wrong, and print the queue. Example: omentum -C my-atlas score --budget 20h."""
    from omentum import loop
    from omentum.app.say_queue import say_queue
    from omentum.records import TaskState
    from omentum.score.round_queue import read_queue

    minutes = None if budget is None else minutes_named("--budget", budget)
    with project_of(context, runner=runner, workers=workers) as project:
        with bars() as progress:
            batch = loop.score(project, strategy=strategy, budget_minutes=minutes, progress=progress)
        number, made = project.store.rounds.current().number, read_queue(project)
        ended = (TaskState.DONE, TaskState.SKIPPED)
        tasks = [one for one in project.store.tasks.of_round(number) if one.state not in ended]
    say_queue(number, made, tasks, top=None if as_json else top, failures=batch.failed)
    end_batches([batch], "scored")


def evaluate(
    context: typer.Context,
    truth: Annotated[
        Path | None, typer.Option(help="Folder of true label maps, <case>/labels.nii.gz or <case>.nii.gz.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare all rounds and write the report. Example: omentum -C my-atlas evaluate."""
    from omentum import loop
    from omentum.app.say_verdict import said_of

    with project_of(context) as project:
        report, path = loop.evaluate(project, truth=truth)
    rows = [
        (one.number, one.network, one.summary and one.summary.dice, one.summary and one.summary.surface_dice,
         one.minutes, one.n_revised)
        for one in report.rounds
    ]  # fmt: skip
    columns = ["round", "network", "Dice", "surface Dice", "minutes", "revisions"]
    if as_json:
        listed = [dict(zip(columns, row, strict=True)) for row in rows]
        verdict = None if report.verdict is None else asdict(report.verdict)
        readers = [asdict(one) for one in report.readers]
        say_json({"report": str(path), "rounds": listed, "verdict": verdict, "readers": readers})
        return
    say_table(f"compared with {report.compared_with}", columns, rows)
    _say_agreement(report.readers)
    if report.verdict is not None:
        typer.echo(said_of(report.verdict))
    typer.echo(f"the report is {path}")


def _say_agreement(readers: "Sequence[PairAgreement]") -> None:
    """Say how far readers agree who read the same tasks."""
    columns = ["reader", "other reader", "organ", "tasks", "Dice", "surface Dice", "kappa"]
    rows = [(*one.readers, one.organ, one.n_tasks, one.dice, one.surface_dice, one.kappa) for one in readers]
    if rows:
        say_table("readers of the same tasks", columns, rows)


def round_(
    context: typer.Context,
    tasks: Annotated[Path, typer.Option(help="Gets a folder of tasks for each round.")] = Path("tasks"),
    top: Annotated[int | None, typer.Option(min=1, help="Most tasks to export.")] = None,
    finish: Annotated[
        str | None, typer.Option(help="Version: take masks back, release, tune, judge.")
    ] = None,
    accept: Annotated[
        bool, typer.Option("--accept", help="Use the new network where the gate is undecided.")
    ] = False,
    by: Annotated[str, typer.Option(help="Pseudonym of the person who accepts.")] = "reader-1",
    device: Device = "auto",
    runner: RunnerName = None,
    workers: Workers = None,
    as_json: AsJson = False,
) -> None:
    """Run the half of the round that is due. Example: omentum -C my-atlas round, then round --finish V1."""
    from omentum import loop
    from omentum.app.next_steps import next_steps
    from omentum.app.say_left_out import end_release
    from omentum.evaluate.gate_stage import pending

    if accept and finish is None:
        raise ConfigError("--accept", "given without --finish", "say `omentum gate --accept` for a verdict")
    batches: tuple[Batch, ...] = ()
    release: Release | None = None
    with project_of(context, runner=runner, workers=workers) as project, bars() as progress:
        number = project.store.rounds.current().number
        folder = tasks / f"round-{number}"
        done: dict[str, Any] = {"round": number}
        if finish is not None:
            half = loop.second_half(project, folder, finish, device=device_named(device), progress=progress)
            release = half.release
            done |= _finished(half, _accepted(project, half, by) if accept else half.verdict)
        elif pending(project) is None:
            first = loop.first_half(project, folder, top=top, device=device_named(device), progress=progress)
            batches = first.batches
            done |= {"tasks": len(first.tasks), "folder": str(folder)}
        due = next_steps(project)
    if as_json:
        say_json({**done, "waiting": [asdict(one) for one in due]})
    else:
        _say_round(done, due)
    if release is not None:
        end_release(release)
    end_batches(batches, "predicted and scored")


def _accepted(project: "Project", half: "loop.SecondHalf", by: str) -> "Promotion | None":
    """Accept the network where the gate was undecided; another verdict stands."""
    from omentum import loop
    from omentum.records.promotions import GateOutcome

    if half.verdict is None or half.verdict.outcome is not GateOutcome.UNDECIDED:
        return half.verdict
    return loop.decide(project, accept=True, by=by)


def _finished(half: "loop.SecondHalf", verdict: "Promotion | None") -> dict[str, Any]:
    """Say what became of the revisions, for programs."""
    from omentum.app.say_verdict import said_of
    from omentum.assemble.manifest import read_left_out

    return {
        "revisions": len(half.revisions),
        "release": str(half.release.folder),
        "left_out": dict(read_left_out(half.release.folder).left_out),
        "network": None if half.network is None else half.network.name,
        "verdict": None if verdict is None else said_of(verdict),
        "report": str(half.report_path),
        "stop": half.stop.is_met,
        "audit": half.stop.why,
    }


def _say_round(done: Mapping[str, Any], due: "Sequence[NextStep]") -> None:
    if "tasks" in done:
        typer.echo(
            f"{done['tasks']} tasks are in {done['folder']}; when they are done, "
            "`omentum round --finish VERSION`"
        )
    if "release" in done:
        typer.echo(f"{done['revisions']} revisions are in {done['release']}; the report is {done['report']}")
        typer.echo(done["verdict"] or "nothing was tuned")
        typer.echo(done["audit"])
    for one in due:
        typer.echo(str(one))
