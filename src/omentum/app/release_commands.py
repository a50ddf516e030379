"""Commands on releases: make one, plan it, compare, verify, roll back, and hand it on in any layout."""

from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any

import typer

from omentum import loop
from omentum.app.console import bars, end_batches, say_error, say_json, say_table
from omentum.app.options import AsJson, listed
from omentum.app.say_left_out import end_release, say_left_out
from omentum.assemble.card import ReleaseNotes
from omentum.assemble.compare import Change, ReleaseDiff, ReleasePlan, compare_releases, diff_of
from omentum.assemble.current_release import current_release, release_named, roll_back
from omentum.assemble.manifest import read_left_out, verify_release
from omentum.assemble.stage import network_of, plan_round
from omentum.errors import ConfigError
from omentum.exchange.exporters.exporter import Export
from omentum.project.project import Project, opened
from omentum.records import MaskSource
from omentum.volumes.labels import organs_named

__all__ = ["add_to"]

app = typer.Typer(help="The releases of a project, which never change.", no_args_is_help=True)

_LAYOUT_HELP = (
    "abdomenatlas-8k, abdomenatlas-1.0, abdomenatlas-1.1, nnunet, monai, dicom-seg, rtstruct, stl "
    "or masks-only."
)
Version = Annotated[str, typer.Argument(help="Name of the release, or `current`.")]


def assemble(
    context: typer.Context,
    version: Annotated[str, typer.Option(help="Name of the release, such as V1.")] = "",
    network: Annotated[
        str | None,
        typer.Option(
            help="Whose predictions stand where no person drew. Not said: average, if the round's networks "
            "were averaged (`omentum predict --average`), else the main network."
        ),
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Cases at a time, each in a process of its own.")] = 1,
    plan: Annotated[bool, typer.Option("--plan", help="Tell what it would hold; make nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Build a release with its lineage. Example: omentum -C my-atlas assemble --version V1."""
    if not version and not plan:
        raise ConfigError("--version", version, "a release needs a name, such as V1; or give --plan")
    with opened(context.obj, looking=plan) as project:
        if plan:
            _say_plan(project, network, as_json=as_json)
            return
        with bars() as progress:
            release = loop.assemble(project, version, network=network, n_workers=workers, progress=progress)
    if as_json:
        told = {"version": version, "folder": str(release.folder), "cases": release.n_cases}
        notes = read_left_out(release.folder)
        say_json({**told, "left_out": notes.left_out, "excluded": notes.excluded})
    else:
        typer.echo(f"released {release.n_cases} cases as {release.folder}")
    end_release(release)


def _told(counts: ReleasePlan | ReleaseDiff) -> dict[str, Any]:
    return {one.name: getattr(counts, one.name) for one in fields(counts)}


def _say_plan(project: Project, network: str | None, *, as_json: bool) -> None:
    plan = plan_round(project, network=network)
    organs = [row.name for row in organs_named(plan.organs)]
    if as_json:
        told = _told(plan) | {"network": network_of(project, network)}
        say_json(told | {"organs": {name: dict(plan.organs[name]) for name in organs}})
        return
    rows = [(name, *(plan.organs[name][source] for source in MaskSource)) for name in organs]
    say_table("masks by source", ["organ", *(source.value for source in MaskSource)], rows)
    typer.echo(
        f"{plan.n_cases} cases predicted by {network_of(project, network)}; against the current release "
        f"{plan.n_cases_new} new, {plan.n_cases_gone} gone, {plan.n_masks_other} masks of another origin"
    )
    if plan.n_masks_held:
        typer.echo(f"{plan.n_masks_held} masks are held back until a person confirms them: omentum status")
    say_left_out(ReleaseNotes(left_out=plan.left_out, excluded=plan.excluded), "would be")


@app.command("list")
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """List the releases. Example: omentum -C my-atlas release list."""
    with opened(context.obj, looking=True) as project:
        releases = project.store.releases.all()
        current = current_release(project)
    rows = [
        (one.version, one.n_cases, f"{one.time:%Y-%m-%d %H:%M}", "current" if one == current else "")
        for one in releases
    ]
    columns = ["version", "cases", "made (UTC)", ""]
    if as_json:
        say_json([dict(zip(["version", "cases", "made", "state"], row, strict=True)) for row in rows])
        return
    say_table("releases", columns, rows)


@app.command()
def diff(
    context: typer.Context,
    first: Version,
    second: Version,
    masks: Annotated[bool, typer.Option("--masks", help="List every mask that is not the same.")] = False,
    as_json: AsJson = False,
) -> None:
    """Tell what is different in the second. Example: omentum -C my-atlas release diff V1 V1.1."""
    with opened(context.obj, looking=True) as project:
        folders = [release_named(project, version).folder for version in (first, second)]
    found = diff_of(*folders)
    organs = [row.name for row in organs_named(found.organs)]
    if as_json:
        told = _told(found) | {"organs": {name: dict(found.organs[name]) for name in organs}}
        say_json(told)
        return
    if masks:
        for one in compare_releases(*folders):
            words = (one.case_id, one.organ, one.change, one.before or "-", one.after or "-")
            typer.echo("\t".join(words) + f"\t{one.volume_ml:+.2f} mL")
        return
    rows = [
        (name, *(found.organs[name][change] for change in Change), found.added_ml[name]) for name in organs
    ]
    say_table(f"{first} to {second}", ["organ", *(change.value for change in Change), "mL"], rows)
    typer.echo(
        f"cases: {found.n_cases_added} added, {found.n_cases_removed} removed, {found.n_cts_changed} with "
        f"another CT; {found.n_same} masks are the same"
    )


@app.command()
def verify(context: typer.Context, version: Version) -> None:
    """Check every file of a release by its hash. Example: omentum -C my-atlas release verify V1."""
    with opened(context.obj, looking=True) as project:
        release = release_named(project, version)
    problems = verify_release(release.folder)
    for problem in problems:
        say_error(problem)
    if problems:
        raise typer.Exit(1)
    typer.echo(f"{release.version}: {release.n_cases} cases, every file as it was released")


@app.command()
def rollback(context: typer.Context, version: Version) -> None:
    """Let an earlier release count; nothing is removed. Example: omentum -C my-atlas release rollback V1."""
    with opened(context.obj) as project:
        release = roll_back(project, release_named(project, version).version)
    typer.echo(f"{release.version} is the current release")


def export(
    context: typer.Context,
    version: Version,
    layout: Annotated[str, typer.Option(help=_LAYOUT_HELP)],
    out: Annotated[
        Path, typer.Option("-o", "--out", help="Folder that gets it; new, or of the same export.")
    ],
    organs: Annotated[str, typer.Option(help="Organs or subsets, with commas between; else all.")] = "",
    name: Annotated[str, typer.Option(help="Name of the whole, where the layout has one.")] = "Omentum",
) -> None:
    """Hand a release on. Example: omentum -C my-atlas export V1 --layout nnunet -o Dataset700_Atlas."""
    asked = Export(version=version, out=out, organs=listed(organs), data_set=name)
    with opened(context.obj, looking=True) as project, bars() as progress:
        batch = loop.export(project, version, layout, asked, progress=progress)
    end_batches([batch], "exported")


def add_to(main: typer.Typer) -> None:
    """Offer these commands."""
    main.command()(assemble)
    main.add_typer(app, name="release")
    main.command()(export)
