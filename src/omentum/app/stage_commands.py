"""Commands of the stages after predicting: score, tune, evaluate; and a whole round."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from omentum import loop
from omentum.app.console import bars, end_batches, of_run, say_json, say_table
from omentum.app.options import AsJson, Device, device_named, minutes_named
from omentum.app.say_queue import say_queue
from omentum.errors import ConfigError
from omentum.records import Batch, TaskState
from omentum.score.round_queue import read_queue
from omentum.settings import STRATEGIES
from omentum.tune.config import ContinualConfig, FullConfig, read_config
from omentum.workspace import opened

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
    with opened(context.obj) as workspace:
        with bars() as tell:
            batch = loop.score(workspace, strategy=strategy, budget_minutes=minutes, tell=of_run(tell))
        number, made = workspace.store.rounds.current().number, read_queue(workspace)
        tasks = [one for one in workspace.store.tasks.of_round(number) if one.state is not TaskState.DONE]
    say_queue(number, made, tasks, top=None if as_json else top)
    end_batches([batch], "scored")


def tune(
    context: typer.Context,
    mode: Annotated[
        str, typer.Option(help="continual (heads of revised organs) or full (all weights).")
    ] = "continual",
    config: Annotated[Path | None, typer.Option(help="Settings in TOML.")] = None,
    anatomy: Annotated[
        list[str] | None,
        typer.Option(
            metavar="IDS=FILE",
            help="Label map without a CT to make up patients from, such as totalsegmentator=map.nii.gz.",
        ),
    ] = None,
    device: Device = "auto",
) -> None:
    """Teach the network what was revised, and begin the next round. Example: omentum -C my-atlas tune."""
    kinds = {"continual": ContinualConfig, "full": FullConfig}
    if mode not in kinds:
        raise ConfigError("--mode", mode, f"modes are {', '.join(kinds)}")
    settings = read_config(config, kinds[mode]) if config else kinds[mode]()
    maps = _anatomy(anatomy or [], settings)
    with opened(context.obj) as workspace, bars() as tell:
        network = loop.tune(workspace, settings, maps=maps, device=device_named(device), progress=tell)
    typer.echo(f"{network.name} is in {network.folder}; `omentum predict` uses it from now on")


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
    with opened(context.obj) as workspace:
        report, path = loop.evaluate(workspace, truth=truth)
    rows = [
        (one.number, one.network, one.summary and one.summary.dice, one.summary and one.summary.surface_dice,
         one.minutes, one.n_revised)
        for one in report.rounds
    ]  # fmt: skip
    columns = ["round", "network", "Dice", "surface Dice", "minutes", "revisions"]
    if as_json:
        say_json({"report": str(path), "rounds": [dict(zip(columns, row, strict=True)) for row in rows]})
        return
    say_table(f"compared with {report.compared_with}", columns, rows)
    typer.echo(f"the report is {path}")


def round_(
    context: typer.Context,
    tasks: Annotated[Path, typer.Option(help="Gets a folder of tasks for each round.")] = Path("tasks"),
    top: Annotated[int | None, typer.Option(min=1, help="Most tasks to export.")] = None,
    finish: Annotated[str | None, typer.Option(help="Version: take masks back, release, tune.")] = None,
    device: Device = "auto",
) -> None:
    """Run the half of the round that is due. Example: omentum -C my-atlas round, then round --finish V1."""
    with opened(context.obj) as workspace, bars() as tell:
        tasks = tasks / f"round-{workspace.store.rounds.current().number}"
        if finish is None:
            half = loop.first_half(workspace, tasks, top=top, device=device_named(device), tell=of_run(tell))
            batches: tuple[Batch, ...] = half.batches
            said = (
                f"{len(half.tasks)} tasks wait for experts in {tasks}; then `omentum round --finish VERSION`"
            )
        else:
            done = loop.second_half(workspace, tasks, finish, device=device_named(device), tell=of_run(tell))
            batches = ()
            after = f"{done.network.name} is in use" if done.network else "nothing was tuned"
            said = f"{len(done.revisions)} revisions are in {done.release.folder}; {after}"
            said = f"{said}; the report is {done.report_path}\n{done.stop.why}"
    typer.echo(said)
    end_batches(batches, "predicted and scored")


def add_to(app: typer.Typer) -> None:
    """Offer these commands."""
    for command in (score, tune, evaluate):
        app.command()(command)
    app.command("round")(round_)
