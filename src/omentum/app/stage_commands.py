"""Commands of the stages: predict, score, assemble, tune, evaluate; and a whole round."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from omentum import loop
from omentum.app.console import bars, end_batches, of_run, say_json, say_table
from omentum.errors import ConfigError
from omentum.exchange.sources import usable_sources
from omentum.records import Batch, TaskState
from omentum.tune.config import ContinualConfig, FullConfig, read_config
from omentum.workspace import opened

if TYPE_CHECKING:
    from omentum.phantoms.anatomy_map import AnatomyMap

__all__ = ["add_to"]

Device = Annotated[str, typer.Option(help="Where networks run: auto, cpu, cuda, cuda:1.")]
AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]


def predict(
    context: typer.Context,
    cts: Annotated[
        list[Path] | None, typer.Argument(help="NIfTI files or DICOM folders; none in a project.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder for the masks of CTs.")] = None,
    network: Annotated[list[str] | None, typer.Option(help="Name of a network; again for more.")] = None,
    organs: Annotated[str, typer.Option(help="Organs or subsets, with commas between.")] = "",
    overlap: Annotated[float, typer.Option(min=0.0, max=0.9, help="Overlap of windows.")] = 0.5,
    resample_tilt: Annotated[
        bool, typer.Option("--resample-tilt", help="Put tilted DICOM series on an upright grid.")
    ] = False,
    device: Device = "auto",
) -> None:
    """Predict CTs, or every case of a project. Example: omentum predict ct.nii.gz -o masks."""
    names = tuple(network or ())
    if not cts:
        if out is not None or organs or resample_tilt:
            raise ConfigError(
                "CT", cts, "--out, --organs and --resample-tilt go with CTs, not with a project"
            )
        _predict_project(context.obj, names, device)
        return
    if out is None:
        raise ConfigError("--out", out, "CTs need a folder for their masks; give one with -o OUT")
    if len(names) > 1:
        raise ConfigError(
            "--network", names, "without a project one network predicts; make one with `omentum init`"
        )
    wanted = tuple(name for name in organs.split(",") if name)
    _predict_cts(cts, out, (names or ("starter",))[0], wanted, (overlap, resample_tilt, device))


def _predict_cts(
    cts: list[Path], out: Path, name: str, organs: tuple[str, ...], how: tuple[float, bool, str]
) -> None:
    from omentum.predict.batch import predict_files, predictor_named

    overlap, resample_tilt, device = how
    found, unusable = usable_sources(cts)
    sources = {source.case_id: source.path for source in found}
    predictor = predictor_named(name, organs=organs, device=_device(device), overlap=overlap)
    with bars() as tell:
        told = of_run(tell)
        batch = predict_files(
            sources,
            predictor,
            out,
            resample_tilt=resample_tilt,
            progress=lambda progress: told("predict", progress),
        )
    end_batches([replace(batch, failed=(*unusable, *batch.failed))], "predicted")


def _predict_project(project: Path, networks: tuple[str, ...], device: str) -> None:
    with opened(project) as workspace, bars() as tell:
        batches = loop.predict(workspace, networks=networks, device=_device(device), tell=of_run(tell))
    end_batches(batches, "predicted")


def score(
    context: typer.Context,
    top: Annotated[int, typer.Option(min=1, help="Tasks to print.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Find where predictions are probably wrong, and print the queue. Example: omentum -C my-atlas score."""
    with opened(context.obj) as workspace:
        with bars() as tell:
            batch = loop.score(workspace, tell=of_run(tell))
        number = workspace.store.rounds.current().number
        tasks = [one for one in workspace.store.tasks.of_round(number) if one.state is not TaskState.DONE]
    columns = ["rank", "case", "organ", "attention (mL)", "state"]
    rows = [(one.rank, one.case_id, one.organ, round(one.attention_ml, 2), one.state.value) for one in tasks]
    if as_json:
        say_json([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        say_table(f"round {number}: {min(top, len(rows))} of {len(rows)} tasks", columns, rows[:top])
    end_batches([batch], "scored")


def assemble(
    context: typer.Context,
    version: Annotated[str, typer.Option(help="Name of the release, such as V1.")],
) -> None:
    """Build a release with its lineage. Example: omentum -C my-atlas assemble --version V1."""
    with opened(context.obj) as workspace, bars() as tell:
        release = loop.assemble(workspace, version, tell=of_run(tell))
    typer.echo(f"released {release.n_cases} cases as {release.folder}")


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
        network = loop.tune(workspace, settings, maps=maps, device=_device(device), progress=tell)
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
            half = loop.first_half(workspace, tasks, top=top, device=_device(device), tell=of_run(tell))
            batches: tuple[Batch, ...] = half.batches
            said = (
                f"{len(half.tasks)} tasks wait for experts in {tasks}; then `omentum round --finish VERSION`"
            )
        else:
            done = loop.second_half(workspace, tasks, finish, device=_device(device), tell=of_run(tell))
            batches = ()
            said = (
                f"{len(done.revisions)} revisions are in {done.release.folder}; {done.network.name} is in use"
            )
            said = f"{said}; the report is {done.report_path}"
    typer.echo(said)
    end_batches(batches, "predicted and scored")


def _device(name: str) -> str:
    """Choose the device; `auto` is the GPU where there is one."""
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=name)
    except (RuntimeError, AssertionError) as error:
        raise ConfigError(
            "--device", name, f"this machine cannot use it: {str(error).splitlines()[0]}"
        ) from None
    return name


def add_to(app: typer.Typer) -> None:
    """Offer these commands."""
    for command in (predict, score, assemble, tune, evaluate):
        app.command()(command)
    app.command("round")(round_)
