"""Commands on the cases of a project: list, exclude, include, rename, relabel and erase them."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from omentum.app.console import counted, say_error, say_json, say_table
from omentum.app.lazy import command_group
from omentum.app.options import AsJson, Why, listed, project_of
from omentum.choices import LABEL_SCHEMES
from omentum.errors import ConfigError

if TYPE_CHECKING:
    from omentum.project.case_life import Erased
    from omentum.project.case_list import CaseLine

__all__ = ["app"]

app = command_group("Cases of a project.")

CaseName = Annotated[str, typer.Argument(metavar="CASE", help="The case.")]


@app.command("list")
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """List all cases, which take part, and what is known of each. Example: omentum -C my-atlas cases list."""
    from omentum.project.case_life import unfinished_changes
    from omentum.project.case_list import list_cases

    with project_of(context, looking=True) as project:
        lines = list_cases(project)
        erased = [asdict(one) for one in project.store.tombstones.all()]
        unfinished = unfinished_changes(project.store)
    if as_json:
        say_json({"cases": [_described(one) for one in lines], "erased": erased, "unfinished": unfinished})
        return
    columns = ["case", "state", "shape", "spacing (mm)", "original organs", "predicted by", "revised"]
    say_table("", columns, [_row(line) for line in lines])
    for line in lines:
        if line.case.excluded_why is not None:
            typer.echo(f"{line.case.case_id} is excluded: {line.case.excluded_why}")
    if erased:
        typer.echo(f"{len(erased)} erased; --json lists them by pseudonym")
    for change in unfinished:
        typer.echo(f"{change} is not complete; the next command that writes completes it")


@app.command()
def exclude(context: typer.Context, case_id: CaseName, why: Why, as_json: AsJson = False) -> None:
    """Let a case take no part from now on; releases that hold it stay as they are.

    Example: omentum -C my-atlas cases exclude BTCV_01 --why "motion".
    """
    from omentum.project.case_life import exclude_case

    with project_of(context) as project:
        skipped = exclude_case(project, case_id, why)
    if as_json:
        say_json({"case": case_id, "excluded_why": why.strip(), "skipped": [one.number for one in skipped]})
        return
    typer.echo(f"{case_id} takes no part from now on: {why.strip()}; {counted(len(skipped), 'task')} skipped")


@app.command()
def include(context: typer.Context, case_id: CaseName, as_json: AsJson = False) -> None:
    """Let an excluded case take part again. Example: omentum -C my-atlas cases include BTCV_01."""
    from omentum.project.case_life import include_case

    with project_of(context) as project:
        tasks = include_case(project, case_id)
    if as_json:
        say_json({"case": case_id, "tasks": [one.number for one in tasks]})
        return
    typer.echo(
        f"{case_id} takes part again, with {counted(len(tasks), 'task')} as before; "
        f"`omentum -C {context.obj} predict` and `score` make what it lacks"
    )


@app.command()
def rename(
    context: typer.Context,
    case_id: CaseName,
    new: Annotated[str, typer.Argument(metavar="NEW", help="Its new name.")],
) -> None:
    """Give a case another name; task folders and sources of the old name still find it.

    Example: omentum -C my-atlas cases rename scan7 BTCV_07.
    """
    from omentum.project.case_life import rename_case

    with project_of(context) as project:
        rename_case(project, case_id, new)
    typer.echo(f"{case_id} is called {new} from now on; releases keep the name that they were made with")


@app.command()
def relabel(
    context: typer.Context,
    case_id: CaseName,
    label: Annotated[Path, typer.Argument(metavar="LABEL", help="File or folder of its original label.")],
    label_ids: Annotated[
        str,
        typer.Option(help=f"What its values mean, if no names say it: {LABEL_SCHEMES}."),
    ] = "",
    label_organs: Annotated[
        str, typer.Option(help="Organs that it annotates; the others are unknown, not empty.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Give a case another original label; earlier versions stay, and so do revisions.

    Example: omentum -C my-atlas cases relabel BTCV_01 corrected.nii.gz.
    """
    from omentum.exchange.importers.labels import OriginalLabel
    from omentum.exchange.label_updates import relabel as relabel_case

    original = OriginalLabel(path=label, ids=label_ids, organs=listed(label_organs))
    with project_of(context) as project:
        version = relabel_case(project, project.store.cases.get(case_id), original)
        n_versions = len(project.store.labels.of_case(case_id))
    if as_json:
        said = None if version is None else asdict(version)
        say_json({"case": case_id, "is_new": version is not None, "version": said})
    elif version is None:
        typer.echo(f"{case_id} has this label already")
    else:
        typer.echo(f"{case_id} has version {n_versions} of its label now: {', '.join(version.organs)}")
        for text in (*version.notes, *(f"{one.organ}: {one.said}" for one in version.findings)):
            typer.echo(f"{case_id}: original label: {text}")


@app.command()
def erase(
    context: typer.Context,
    case_id: CaseName,
    why: Annotated[str, typer.Option(help="The reason, which is kept; it must contain no name.")],
    by: Annotated[str, typer.Option(help="Pseudonym of the person who erases.")] = "reader-1",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Remove a case, its masks and its name from the project for good, except from releases.

    Example: omentum -C my-atlas cases erase BTCV_01 --why "consent withdrawn".
    """
    from omentum.project.case_life import erase_case

    if not yes:
        _ask(case_id)
    with project_of(context) as project:
        erased = erase_case(project, case_id, why=why, by=by)
    if as_json:
        say_json(asdict(erased))
    else:
        _say_erased(case_id, erased)
    if not erased.is_scrubbed:
        say_error(
            "another program keeps the database in use, so that rows that were removed are not overwritten "
            f"yet; end it, and run any command that writes, such as `omentum -C {context.obj} predict`"
        )
        raise typer.Exit(1)


def _ask(case_id: str) -> None:
    if not sys.stdin.isatty():
        raise ConfigError("--yes", False, f"{case_id} cannot be brought back; say --yes to erase it")
    typer.confirm(f"{case_id}, its masks and all work on it cannot be brought back. Erase it?", abort=True)


def _say_erased(case_id: str, erased: "Erased") -> None:
    tombstone = erased.tombstone
    typer.echo(f"{case_id} is erased; what is left of it is {tombstone.pseudonym}")
    told: dict[str, tuple[Any, ...]] = {
        "releases that still hold it": tombstone.releases,
        "networks that learned from it": erased.networks,
        "reports that showed it and were removed": erased.removed_reports,
        "in hand, to be deleted there": erased.holders,
    }
    for what, found in told.items():
        if found:
            typer.echo(f"{what}: {', '.join(map(str, found))}")
    typer.echo("its source, exports and task folders are outside the project, and backups are not reached")


def _described(line: "CaseLine") -> dict[str, Any]:
    case = line.case
    return {
        "case": case.case_id,
        "patient": case.patient_id,
        "state": line.state,
        "held_out": case.held_out,
        "excluded_why": case.excluded_why,
        "shape": case.geometry.shape,
        "spacing_mm": case.geometry.spacing_mm,
        "axes": case.geometry.orientation,
        "original_organs": case.original_organs,
        "predicted_by": line.predicted_by,
        "revised": line.revised,
        "data_set": case.data_set,
        "source": case.source,
        "former_names": line.former_names,
    }


def _row(line: "CaseLine") -> tuple[object, ...]:
    case = line.case
    return (
        case.case_id,
        line.state,
        " x ".join(map(str, case.geometry.shape)),
        " x ".join(f"{edge:.3g}" for edge in case.geometry.spacing_mm),
        ", ".join(case.original_organs),
        ", ".join(line.predicted_by),
        ", ".join(line.revised),
    )
