"""Commands of the stages after predicting: score, tune, evaluate; and a whole round."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from omentum import loop
from omentum.app.console import bars, end_batches, say_json, say_table
from omentum.app.gate_command import said_of
from omentum.app.options import AsJson, Device, device_named, minutes_named
from omentum.app.say_left_out import end_release
from omentum.app.say_queue import say_queue
from omentum.app.tune_settings import tune_settings
from omentum.assemble.manifest import read_left_out
from omentum.errors import ConfigError
from omentum.evaluate.gate_stage import pending
from omentum.project.project import Project, opened
from omentum.project.settings import STRATEGIES
from omentum.records import Batch, NetworkRecord, Release, TaskState
from omentum.records.promotions import GateOutcome, Promotion
from omentum.score.round_queue import read_queue
from omentum.tune.config import TRAINABLE, ContinualConfig, FullConfig
from omentum.tune.replay import RULES
from omentum.waiting import Waiting, waiting

if TYPE_CHECKING:
    from omentum.phantoms.anatomy_map import AnatomyMap

__all__ = ["add_to"]


def score(
    context: typer.Context,
    budget: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="What experts have, as 20h or 90min; else that of the settings."),
    ] = None,
    strategy: Annotated[
        str | None, typer.Option(help=f"{', '.join(STRATEGIES)}; else that of the settings.")
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="Tasks to print.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Find what is probably wrong, and print the queue. Example: omentum -C my-atlas score --budget 20h."""
    minutes = None if budget is None else minutes_named("--budget", budget)
    with opened(context.obj) as project:
        with bars() as progress:
            batch = loop.score(project, strategy=strategy, budget_minutes=minutes, progress=progress)
        number, made = project.store.rounds.current().number, read_queue(project)
        ended = (TaskState.DONE, TaskState.SKIPPED)
        tasks = [one for one in project.store.tasks.of_round(number) if one.state not in ended]
    say_queue(number, made, tasks, top=None if as_json else top)
    end_batches([batch], "scored")


def tune(
    context: typer.Context,
    mode: Annotated[
        str, typer.Option(help="continual (heads of revised organs) or full (all weights).")
    ] = "continual",
    config: Annotated[Path | None, typer.Option(help="Settings in TOML.")] = None,
    trainable: Annotated[
        str | None, typer.Option(help=f"{' or '.join(TRAINABLE)}; else as in the settings.")
    ] = None,
    architecture: Annotated[
        str | None,
        typer.Option(
            "--architecture",
            "--network",
            help="Of fresh weights: starter, universal-unet, universal-swinunetr.",
        ),
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Most steps.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="The same seed gives the same weights.")] = None,
    devices: Annotated[
        int | None, typer.Option(min=1, help="How many share each step; with --mode full.")
    ] = None,
    anatomy: Annotated[
        list[str] | None,
        typer.Option(
            metavar="IDS=FILE",
            help="Label map without a CT to make up patients from, such as totalsegmentator=map.nii.gz.",
        ),
    ] = None,
    replay: Annotated[
        float | None,
        typer.Option(help="Share of earlier cases of the same organ that is seen again, such as 0.1."),
    ] = None,
    replay_by: Annotated[str | None, typer.Option(help=f"Which of them: {', '.join(RULES)}.")] = None,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Teach the network what was revised, and judge it. Example: omentum -C my-atlas tune --replay 0.1."""
    options = {
        "trainable": trainable,
        "replay_share": replay,
        "replay_by": replay_by,
        "architecture": architecture,
        "steps": steps,
        "seed": seed,
        "devices": devices,
    }
    settings = tune_settings(mode, config, options)
    maps = _anatomy(anatomy or [], settings)
    device = device_named(device)
    with opened(context.obj) as project, bars() as progress:
        network = loop.tune(project, settings, maps=maps, device=device, progress=progress)
        verdict = loop.gate(project, device=device, progress=progress)
    if as_json:
        say_json({"folder": str(network.folder), **_story(network), "verdict": asdict(verdict)})
        return
    typer.echo(f"{network.name} is in {network.folder}")
    typer.echo(said_of(verdict))


def _story(network: NetworkRecord) -> dict[str, Any]:
    """Read how a network was made."""
    assert network.folder is not None
    story: dict[str, Any] = json.loads((network.folder / "tune.json").read_text(encoding="utf-8"))
    return story


def _anatomy(texts: list[str], settings: ContinualConfig | FullConfig) -> "list[AnatomyMap]":
    """Read label maps, each given as IDS=FILE."""
    if not texts:
        return []
    from omentum.phantoms.anatomy_map import read_anatomy

    if not isinstance(settings, FullConfig):
        raise ConfigError("--anatomy", texts[0], "it goes with --mode full")
    if not settings.rendered_share:
        raise ConfigError(
            "--anatomy", texts[0], "it needs a rendered_share above 0 in the settings (--config)"
        )
    maps = []
    for text in texts:
        ids, _, file = text.partition("=")
        if not file:
            raise ConfigError("--anatomy", text, "it must be IDS=FILE, such as totalsegmentator=map.nii.gz")
        maps.append(read_anatomy(Path(file), ids))
    return maps


def evaluate(
    context: typer.Context,
    truth: Annotated[
        Path | None, typer.Option(help="Folder of true label maps, <case>/labels.nii.gz or <case>.nii.gz.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare all rounds and write the report. Example: omentum -C my-atlas evaluate."""
    with opened(context.obj) as project:
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
        say_json({"report": str(path), "rounds": listed, "verdict": verdict})
        return
    say_table(f"compared with {report.compared_with}", columns, rows)
    if report.verdict is not None:
        typer.echo(said_of(report.verdict))
    typer.echo(f"the report is {path}")


def round_(
    context: typer.Context,
    tasks: Annotated[Path, typer.Option(help="Gets a folder of tasks for each round.")] = Path("tasks"),
    top: Annotated[int | None, typer.Option(min=1, help="Most tasks to export.")] = None,
    finish: Annotated[
        str | None, typer.Option(help="Version: take masks back, release, tune, judge.")
    ] = None,
    accept: Annotated[
        bool, typer.Option("--accept", help="Where the gate cannot tell, use the new network.")
    ] = False,
    by: Annotated[str, typer.Option(help="Pseudonym of who accepts.")] = "reader-1",
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Run the half of the round that is due. Example: omentum -C my-atlas round, then round --finish V1."""
    if accept and finish is None:
        raise ConfigError("--accept", "given without --finish", "say `omentum gate --accept` for a verdict")
    batches: tuple[Batch, ...] = ()
    release: Release | None = None
    with opened(context.obj) as project, bars() as progress:
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
        due = waiting(project)
    if as_json:
        say_json({**done, "waiting": [asdict(one) for one in due]})
    else:
        _say_round(done, due)
    if release is not None:
        end_release(release)
    end_batches(batches, "predicted and scored")


def _accepted(project: Project, half: loop.SecondHalf, by: str) -> Promotion | None:
    """Accept the network that the gate could not judge; what it did judge stands."""
    if half.verdict is None or half.verdict.outcome is not GateOutcome.UNDECIDED:
        return half.verdict
    return loop.decide(project, accept=True, by=by)


def _finished(half: loop.SecondHalf, verdict: Promotion | None) -> dict[str, Any]:
    """Say what people's work became, for programs."""
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


def _say_round(done: Mapping[str, Any], due: Sequence[Waiting]) -> None:
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


def add_to(app: typer.Typer) -> None:
    """Offer these commands."""
    for command in (score, tune, evaluate):
        app.command()(command)
    app.command("round")(round_)
