"""Commands of the review: export tasks, import revised masks; tasks, decisions and the review server."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from omentum.app import assignment_commands, decide_commands, serve_command, task_commands
from omentum.app.console import counted, say_error, say_json
from omentum.app.lazy import command_group
from omentum.app.options import AsJson, project_of
from omentum.choices import TASK_LAYOUTS

__all__ = ["app"]

app = command_group("Send tasks to readers as folders, and take their masks back.")
task_commands.add_to(app)
assignment_commands.add_to(app)
decide_commands.add_to(app)
serve_command.add_to(app)


@app.command()
def export(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Gets a folder for each case.")],
    top: Annotated[int | None, typer.Option(min=1, help="Most tasks; all if not given.")] = None,
    reader: Annotated[
        str | None, typer.Option(help="Pseudonym of who gets them; the folder holds them if not given.")
    ] = None,
    case: Annotated[list[str] | None, typer.Option(help="Only of this case; may be repeated.")] = None,
    organ_name: Annotated[str | None, typer.Option("--organ", help="Only of this organ.")] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Also tasks that others have or had, for a second reading.")
    ] = False,
    days: Annotated[float, typer.Option(min=0.01, help="For how long the tasks are reserved.")] = 14.0,
    layout: Annotated[
        str, typer.Option("--as", help=f"Files that masks go out in: {', '.join(TASK_LAYOUTS)}.")
    ] = TASK_LAYOUTS[0],
) -> None:
    """Write tasks that are free as folders for any viewer.

    Example: omentum -C my-atlas review export tasks --reader anna --top 20.
    """
    from omentum import loop
    from omentum.review.task_layout import ExportOptions, task_layout_named

    options = ExportOptions(layout=task_layout_named(layout), lasting=timedelta(days=days))
    only = task_commands.task_filter(case, organ_name, again=again)
    with project_of(context) as project:
        for case_id in only.case_ids:
            project.store.cases.get(case_id)
        exported = loop.export_round(project, folder, top=top, reader=reader, only=only, options=options)
    n_cases = len({task.case_id for task in exported.tasks})
    whom = "" if reader is None else f" for {reader}"
    typer.echo(
        f"wrote {counted(len(exported.tasks), 'task')} of {counted(n_cases, 'case')} to {folder}{whom}; "
        f"they are reserved for {days:g} days; each folder has a HOW_TO.txt"
    )
    for one in exported.left_out:
        say_error(f"{one.key} was left out: {one.reason}")
    if exported.left_out:
        raise typer.Exit(1)


@app.command("import")
def import_(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Task folders, or one of them.")],
    minutes: Annotated[float | None, typer.Option(min=0, help="Time for all masks together.")] = None,
    reader: Annotated[
        str | None,
        typer.Option(help="Pseudonym of who revised; who holds the tasks if not given, else reader-1."),
    ] = None,
    adjudicate: Annotated[
        bool, typer.Option("--adjudicate", help="Decide that these masks stand, whatever others drew.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Take back what readers saved; every file is taken, known, or set aside with the reason.

    Example: omentum -C my-atlas review import tasks --reader anna --minutes 25.
    """
    from omentum import loop
    from omentum.app.say_imported import imported_as_json, say_imported

    with project_of(context) as project:
        imported = loop.import_round(project, folder, reader=reader, minutes=minutes, adjudicate=adjudicate)
    if as_json:
        say_json(imported_as_json(imported))
    else:
        say_imported(imported, folder)
    if imported.set_aside:
        raise typer.Exit(1)
