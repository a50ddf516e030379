"""Commands of the review by files: tasks out, revised masks in."""

from pathlib import Path
from typing import Annotated

import typer

from omentum import loop
from omentum.app.console import say_json, say_table
from omentum.assemble.round import prefer_revision
from omentum.project.project import opened
from omentum.volumes.labels import organ

__all__ = ["app"]

app = typer.Typer(help="Send tasks to experts as folders, and take their masks back.", no_args_is_help=True)


@app.command()
def export(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Gets a folder for each case.")],
    top: Annotated[int | None, typer.Option(min=1, help="Most tasks; all where not said.")] = None,
) -> None:
    """Write tasks as folders for any viewer. Example: omentum -C my-atlas review export tasks --top 20."""
    with opened(context.obj) as workspace:
        tasks = loop.export_round(workspace, folder, top=top)
    n_cases = len({task.case_id for task in tasks})
    typer.echo(f"wrote {len(tasks)} tasks of {n_cases} cases to {folder}; each folder has a HOW_TO.txt")


@app.command("import")
def import_(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Task folders, or one of them.")],
    minutes: Annotated[float | None, typer.Option(min=0, help="Time for all masks together.")] = None,
    reader: Annotated[str, typer.Option(help="Pseudonym of who revised.")] = "reader-1",
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Take <organ>_revised.nii.gz back. Example: omentum review import tasks --minutes 25."""
    with opened(context.obj) as workspace:
        revisions = loop.import_round(workspace, folder, reader=reader, minutes=minutes)
    rows = [(one.case_id, one.organ, one.added_ml, one.removed_ml, one.dice_to_before) for one in revisions]
    columns = ["case", "organ", "added (mL)", "removed (mL)", "Dice to before"]
    if as_json:
        say_json([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        say_table(f"{len(rows)} revisions", columns, rows)


@app.command()
def prefer(
    context: typer.Context,
    case_id: Annotated[str, typer.Argument(help="The case.")],
    organ_name: Annotated[str, typer.Argument(help="The organ.")],
) -> None:
    """Let a revision win over the original label. Example: omentum review prefer BTCV_01 liver."""
    name = organ(organ_name).name
    with opened(context.obj) as workspace:
        prefer_revision(workspace, case_id, name)
    typer.echo(f"from now on the revision of {name} in {case_id} counts, not the original label")
