"""Commands on the database of a project: back it up, bring it back, move it."""

from pathlib import Path
from typing import Annotated

import typer

from omentum.app.console import counted, say_error, say_json
from omentum.app.lazy import command_group
from omentum.app.options import AsJson, project_of

__all__ = ["app"]

app = command_group("The project's database: back it up, bring it back, move it.")

Anyway = Annotated[bool, typer.Option("--anyway", help="Also while readers have tasks or workers have jobs.")]


@app.command()
def backup(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="The file to write; it must not exist.")],
    as_json: AsJson = False,
) -> None:
    """Write the database into one file, while others go on working. Example: omentum db backup atlas.db."""
    with project_of(context, looking=True) as project:
        made = project.store.back_up(file)
    if as_json:
        say_json({"file": str(file), "rows": made.n_rows, "version": made.version, "sha256": made.sha256})
        return
    typer.echo(
        f"{file} holds {counted(made.n_rows, 'row')} of {len(made.tables)} tables (sha256 {made.sha256})"
    )
    typer.echo("it holds no CT and no mask: back up the project's folder, too")


@app.command()
def restore(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A file that `omentum db backup` wrote.")],
    force: Annotated[
        bool, typer.Option("--force", help="Replace what the database holds; a backup of that is kept first.")
    ] = False,
    anyway: Anyway = False,
    as_json: AsJson = False,
) -> None:
    """Bring the database back from a backup. Example: omentum db restore atlas.db."""
    from omentum.project.database_change import restore_database

    with project_of(context) as project:
        done = restore_database(project, file, force=force, anyway=anyway)
    kept = None if done.before is None else done.before.path
    problems = [one.said for one in done.problems]
    if as_json:
        rows = done.backup.n_rows
        say_json({"rows": rows, "time": done.backup.time, "before": kept, "problems": problems})
        return
    typer.echo(f"the database is as it was on {done.backup.time:%Y-%m-%d %H:%M} UTC: {file}")
    if kept is not None:
        typer.echo(f"what it held before is kept in {kept}")
    for said in problems:
        say_error(f"the audit log and what is outside of it differ: {said}")


@app.command()
def move(
    context: typer.Context,
    to: Annotated[
        str, typer.Option(metavar="URL", help="postgresql://USER@HOST/NAME or sqlite:///FILE; an empty one.")
    ],
    anyway: Anyway = False,
    as_json: AsJson = False,
) -> None:
    """Copy the database into another one, and use that. Example: omentum db move --to sqlite:///new.db."""
    from omentum.project.database_change import move_database

    with project_of(context) as project:
        done = move_database(project, to, anyway=anyway)
    if as_json:
        say_json({"before": done.before, "database": done.name, "rows": done.n_rows})
        return
    tables = f"{counted(done.n_rows, 'row')} of {len(done.tables)} tables are the same in both"
    typer.echo(f"the project uses {done.name} now; {tables}")
    typer.echo(f"{done.before} is as it was, and is not used any more: keep it until you have a backup")
