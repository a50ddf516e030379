"""The command that predicts: CTs into a folder, or every case of a project."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from omentum.app.console import bars, end_batches, say_json, say_old_option
from omentum.app.options import (
    AcceptValues,
    AsJson,
    Device,
    HuOffset,
    ResampleSlices,
    ResampleTilt,
    RunnerName,
    Workers,
    device_named,
    listed,
    project_of,
    runner_named,
)
from omentum.choices import KEEPS
from omentum.errors import ConfigError

if TYPE_CHECKING:
    from omentum.exchange.importers.source import FoundSources
    from omentum.predict.predict_files import FolderPlan
    from omentum.project.project import Project
    from omentum.runners.runner import Runner

__all__ = ["predict"]

_IN_PROJECTS = "--network, --average, --keep, --shard, --device, --runner and --workers"


def predict(
    context: typer.Context,
    cts: Annotated[
        list[Path] | None, typer.Argument(help="NIfTI files or DICOM folders; none in a project.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder for the masks of CTs.")] = None,
    network: Annotated[
        list[str] | None, typer.Option(help="Name of a network; again for more and their average.")
    ] = None,
    organs: Annotated[str, typer.Option(help="Organs or subsets, with commas between.")] = "",
    save: Annotated[str, typer.Option(help="Some of masks, probabilities, entropy. Default: masks.")] = "",
    layout: Annotated[str, typer.Option(help="Folders of omentum or published. Default: omentum.")] = "",
    postprocessing: Annotated[
        str, typer.Option(help="Recipe that cleans up masks: default or published. Default: default.")
    ] = "",
    recipe: Annotated[str, typer.Option(hidden=True)] = "",
    without: Annotated[str, typer.Option(help="Rules of the recipe to leave out.")] = "",
    overlap: Annotated[
        float | None, typer.Option(help="Overlap of windows, from 0 to under 1. Default: the recipe's.")
    ] = None,
    numbers: Annotated[
        str,
        typer.Option(
            help="Type in which networks compute: float32, bfloat16 or float16. Default: the fastest."
        ),
    ] = "",
    resample_tilt: ResampleTilt = False,
    resample_slices: ResampleSlices = False,
    every_series: Annotated[
        bool, typer.Option("--all", help="Every DICOM series of a study, in place of the largest.")
    ] = False,
    hu_offset: HuOffset = 0.0,
    accept_values: AcceptValues = False,
    average: Annotated[
        bool, typer.Option("--average", help="In a project: masks of the networks' average too.")
    ] = False,
    keep: Annotated[
        str,
        typer.Option(
            help=f"In a project: probabilities that stay once a case is scored: {', '.join(KEEPS)}."
        ),
    ] = "",
    device: Device = "auto",
    shard: Annotated[
        str, typer.Option(metavar="N/COUNT", help="In a project: only the cases of a part, such as 3/64.")
    ] = "",
    runner: RunnerName = None,
    workers: Workers = None,
    for_programs: AsJson = False,
) -> None:
    """Predict CTs, or every case of a project. Example: omentum predict ct.nii.gz -o masks."""
    names = tuple(network or ())
    if recipe:
        say_old_option("--recipe", "--postprocessing")
    postprocessing = postprocessing or recipe
    if not cts:
        of_cts = out, organs, save, layout, postprocessing, without, numbers, resample_tilt, hu_offset
        if any(of_cts) or resample_slices or every_series or accept_values or overlap is not None:
            raise ConfigError(
                "CT", cts, f"without CTs only {_IN_PROJECTS} are taken; omentum.toml sets the rest"
            )
        with project_of(context, shard=shard, runner=runner, workers=workers) as project:
            where, kept = device_named(device), _with_keep(project, names, keep)
            _predict_project(kept, names, average, where, for_programs)
        return
    if out is None:
        raise ConfigError("--out", out, "CTs need a folder for their masks; give one with -o OUT")
    _refuse_for_cts(average, keep, shard)
    from omentum.exchange.importers.find_sources import find_sources
    from omentum.predict.average import joint_predictor
    from omentum.predict.inference_config import InferenceConfig
    from omentum.predict.portable import portable_predictor
    from omentum.predict.predict_files import FolderPlan

    config = InferenceConfig(
        overlap=overlap,
        recipe=postprocessing or "default",
        without=listed(without),
        numbers=numbers or "auto",
    )
    found = find_sources(cts, largest_only=not every_series)
    wanted, where = listed(organs), device_named(device)
    predictors = [
        portable_predictor(name, organs=wanted, device=where, config=config) for name in names or ("starter",)
    ]
    plan = FolderPlan(
        sources={source.case_id: source.path for source in found.sources},
        files={source.case_id: source.files for source in found.sources if source.files},
        out=out,
        predictor=joint_predictor(predictors, config),
        layout=layout or "omentum",
        save=frozenset(listed(save) or ("masks",)),
        resample_tilt=resample_tilt,
        resample_slices=resample_slices,
        hu_offset=hu_offset,
        accept_values=accept_values,
        numbers=config.numbers,
    )
    _predict_folder(plan, found, runner_named(runner, workers), for_programs)


def _predict_folder(plan: "FolderPlan", found: "FoundSources", runner: "Runner", for_programs: bool) -> None:
    from omentum.app.run_facts import note_predictor
    from omentum.app.say_files import left_out_rows, say_files_left_out
    from omentum.app.say_predicted import as_json, found_in_folder, noted_in_folder, say_found, say_noted
    from omentum.predict.predict_files import predict_files
    from omentum.runners.job_events import tell_failures

    note_predictor(plan.predictor, plan.sources)
    with bars() as progress:
        tell_failures(progress, "predict", found.unusable)
        batch = predict_files(plan, runner, progress=progress)
    batch = replace(batch, failed=(*found.unusable, *batch.failed))
    findings, notes = found_in_folder(plan, batch), noted_in_folder(plan, batch)
    if for_programs:
        rows = as_json([batch], findings, notes=notes)
        say_json({**rows, "left_out": left_out_rows(found.left_out)})
    else:
        say_files_left_out(found.left_out, err=True)
        say_noted(notes)
        say_found(findings, batch.done, with_severe=True)
    end_batches([batch], "predicted")


def _refuse_for_cts(average: bool, keep: str, shard: str) -> None:
    if average:
        raise ConfigError("--average", average, "it is for projects; of CTs, several networks are averaged")
    if keep:
        raise ConfigError("--keep", keep, "it is for projects; of CTs, --save says what is written")
    if shard:
        raise ConfigError("--shard", shard, "it is for projects; give each program CTs of its own")


def _with_keep(project: "Project", networks: tuple[str, ...], keep: str) -> "Project":
    """Set what is kept, if asked, drop at once what that does not keep, and say what probabilities take."""
    from omentum.app.say_kept import kept_cost
    from omentum.project.kept_probabilities import drop_scored, with_keep

    if keep and project.keeps_journals:
        raise ConfigError("--keep", keep, "a shard changes no settings; give it once the shards are merged")
    if keep:
        project = with_keep(project, keep)
        dropped = drop_scored(project)
        if dropped.n_cases:
            typer.echo(f"probabilities: {dropped.said}", err=True)
    cost = kept_cost(project, networks or project.networks, is_asked=bool(keep))
    if cost:
        typer.echo(cost, err=True)
    return project


def _predict_project(
    project: "Project",
    networks: tuple[str, ...],
    average: bool,
    device: str,
    for_programs: bool,
) -> None:
    from omentum import loop
    from omentum.app.say_predicted import as_json, found_in_project, held_back, say_found, say_held_back
    from omentum.networks.catalogue import AVERAGE

    with bars() as progress:
        batches = loop.predict(project, networks=networks, average=average, device=device, progress=progress)
    names = (*(networks or project.networks), *((AVERAGE,) if average else ()))
    findings = found_in_project(project, names, batches)
    done = {case_id for batch in batches for case_id in batch.done}
    if for_programs:
        cases = {case_id for batch in batches for case_id in (*batch.done, *batch.skipped)}
        say_json(as_json(batches, findings, held_back(project, cases)))
    else:
        say_found(findings, done)
        say_held_back(held_back(project, done))
    end_batches(batches, "predicted")
