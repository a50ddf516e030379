"""Commands on releases: assemble, plan, compare, verify, publish, roll back and export them."""

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from omentum.app.console import bars, counted, end_batches, say_error, say_json, say_rows, say_table
from omentum.app.failures import failure_rows
from omentum.app.lazy import command_group
from omentum.app.options import AsJson, RunnerName, Workers, listed, project_of
from omentum.choices import LAYOUTS
from omentum.errors import ConfigError

if TYPE_CHECKING:
    from omentum.assemble.compare import ReleaseDiff, ReleasePlan
    from omentum.project.project import Project

__all__ = ["app", "assemble", "export"]

app = command_group("The releases of a project, which never change.")

Version = Annotated[str, typer.Argument(help="Name of the release, or `current`.")]


def assemble(
    context: typer.Context,
    version: Annotated[str, typer.Option(help="Name of the release, such as V1.")] = "",
    network: Annotated[
        str | None,
        typer.Option(
            help="Network whose predictions stand where there is no other mask. Default: average, if the "
            "round's networks were averaged (`omentum predict --average`), else the main network."
        ),
    ] = None,
    runner: RunnerName = None,
    workers: Workers = None,
    plan: Annotated[bool, typer.Option("--plan", help="Say what it would hold; make nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Build a release with its lineage. Example: omentum -C my-atlas assemble --version V1."""
    from omentum.app.run_watch import note_run
    from omentum.app.say_left_out import end_release
    from omentum.assemble.manifest import read_left_out

    if not version and not plan:
        raise ConfigError("--version", version, "a release needs a name, such as V1; or give --plan")
    with project_of(context, looking=plan, runner=runner, workers=workers) as project:
        if plan:
            _say_plan(project, network, as_json=as_json)
            return
        from omentum import loop  # slow to import, and a plan does not need it

        with bars() as progress:
            release = loop.assemble(project, version, network=network, progress=progress)
    note_run(
        results={"release": version, "manifest_sha256": release.manifest_sha256, "n_cases": release.n_cases}
    )
    if as_json:
        told = {"version": version, "folder": str(release.folder), "cases": release.n_cases}
        notes = read_left_out(release.folder)
        say_json({**told, "left_out": notes.left_out, "excluded": notes.excluded})
    else:
        typer.echo(f"released {release.n_cases} cases as {release.folder}")
    end_release(release)


def _told(counts: "ReleasePlan | ReleaseDiff") -> dict[str, Any]:
    return {one.name: getattr(counts, one.name) for one in fields(counts)}


def _say_plan(project: "Project", network: str | None, *, as_json: bool) -> None:
    from omentum.app.say_left_out import say_left_out
    from omentum.assemble.card import ReleaseNotes
    from omentum.assemble.stage import network_of, plan_round
    from omentum.records import MaskSource
    from omentum.volumes.labels import organs_named

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
    from omentum.assemble.current_release import current_release

    with project_of(context, looking=True) as project:
        releases = project.store.releases.all()
        current = current_release(project)
    rows = [
        (one.version, one.n_cases, f"{one.time:%Y-%m-%d %H:%M}", "current" if one == current else "")
        for one in releases
    ]
    columns = ("version", "cases", "made", "state") if as_json else ("version", "cases", "made (UTC)", "")
    say_rows("releases", columns, rows, as_json=as_json)


@app.command()
def diff(
    context: typer.Context,
    first: Version,
    second: Version,
    masks: Annotated[bool, typer.Option("--masks", help="List every mask that is not the same.")] = False,
    as_json: AsJson = False,
) -> None:
    """Compare two releases. Example: omentum -C my-atlas release diff V1 V1.1."""
    from omentum.assemble.compare import Change, compare_releases, diff_of
    from omentum.assemble.current_release import release_named
    from omentum.volumes.labels import organs_named

    with project_of(context, looking=True) as project:
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
def verify(
    context: typer.Context,
    version: Annotated[
        str,
        typer.Argument(help="Name of the release, or `current`; or an address where one or an export is."),
    ],
) -> None:
    """Check every file of a release by its hash. Example: omentum -C my-atlas release verify V1."""
    from omentum.assemble.current_release import release_named
    from omentum.assemble.manifest import verify_release
    from omentum.volumes.object_store import is_address

    if is_address(version):
        from omentum.assemble.remote_release import verify_address

        with bars() as progress:
            problems = verify_address(version, progress=progress)
        said = f"{version}: every file as it was uploaded"
    else:
        with project_of(context, looking=True) as project:
            release = release_named(project, version)
        problems = verify_release(release.folder)
        said = f"{release.version}: {release.n_cases} cases, every file as it was released"
    for problem in problems:
        say_error(problem)
    if problems:
        raise typer.Exit(1)
    typer.echo(said)


@app.command()
def push(
    context: typer.Context,
    version: Version,
    address: Annotated[
        str, typer.Argument(help="Of a folder of an object store, such as s3://bucket/my-atlas/V1.")
    ],
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace files that have other content there.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Publish a release in an object store. Example: omentum -C my-atlas release push V1 s3://bucket/V1."""
    from omentum.assemble.current_release import release_named
    from omentum.assemble.remote_release import push_release
    from omentum.volumes.object_store import is_address

    if not is_address(address):
        rule = "it must be an address, such as s3://bucket/my-atlas/V1; a folder of a disk needs only a copy"
        raise ConfigError("ADDRESS", address, rule)
    with project_of(context, looking=True) as project:
        release = release_named(project, version)
        with bars() as progress:
            pushed = push_release(release.folder, address, replace=replace, progress=progress)
    n_before = pushed.n_files - len(pushed.uploaded)
    if as_json:
        told = {"version": release.version, "address": pushed.address, "files": pushed.n_files}
        told |= {"uploaded": len(pushed.uploaded), "bytes": pushed.n_bytes, "there_before": n_before}
        say_json(told | {"replaced": list(pushed.replaced)})
        return
    for name in pushed.replaced:
        say_error(f"{name} had other content and was replaced")
    typer.echo(
        f"{release.version} is at {pushed.address}: {counted(len(pushed.uploaded), 'file')} uploaded, "
        f"{n_before} there before"
    )


@app.command()
def rollback(context: typer.Context, version: Version) -> None:
    """Make an earlier release the current one. Example: omentum -C my-atlas release rollback V1."""
    from omentum.assemble.current_release import release_named, roll_back

    with project_of(context) as project:
        release = roll_back(project, release_named(project, version).version)
    typer.echo(f"{release.version} is the current release")


def export(
    context: typer.Context,
    version: Version,
    layout: Annotated[str, typer.Option(help=f"One of {', '.join(LAYOUTS)}.")],
    out: Annotated[
        str,
        typer.Option(
            "-o", "--out", help="Folder that gets it, or s3://bucket/folder; new, or of the same export."
        ),
    ],
    organs: Annotated[str, typer.Option(help="Organs or subsets, with commas between. Default: all.")] = "",
    name: Annotated[str, typer.Option(help="Name of the data set, where the layout has one.")] = "Omentum",
    runner: RunnerName = None,
    workers: Workers = None,
    as_json: AsJson = False,
) -> None:
    """Export a release in any layout.

    Example: omentum -C my-atlas export V1 --layout nnunet -o Dataset700_Atlas.
    """
    from omentum import loop
    from omentum.exchange.exporters.exporter import Export
    from omentum.volumes.object_store import is_address

    asked = Export(version=version, out=Path(out), organs=listed(organs), data_set=name)
    address = out if is_address(out) else ""
    opening = project_of(context, looking=True, runner=runner, workers=workers)
    with opening as project, bars() as progress:
        batch = loop.export(project, version, layout, asked, address=address, progress=progress)
    if as_json:
        say_json({"folder": out, "done": batch.done, "skipped": batch.skipped, **failure_rows(batch.failed)})
    end_batches([batch], "exported")
