"""Commands of the review: tasks out, revised masks in, who has what, and what happened to an organ."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

import typer

from omentum import loop
from omentum.app import decide_commands, task_commands
from omentum.app.console import say_error, say_json, say_table
from omentum.app.options import AsJson
from omentum.project.project import opened
from omentum.records import WHOLE_CT
from omentum.review.claims import Asked
from omentum.review.folder_import import Imported, Taken
from omentum.volumes.labels import organ

__all__ = ["app"]

app = typer.Typer(help="Send tasks to experts as folders, and take their masks back.", no_args_is_help=True)
task_commands.add_to(app)
decide_commands.add_to(app)

_COLUMNS = ("file", "case", "organ", "says", "added (mL)", "removed (mL)", "Dice to before", "stands")
_FEW = 4
"""Files of one folder that are named one by one."""


@app.command()
def export(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Gets a folder for each case.")],
    top: Annotated[int | None, typer.Option(min=1, help="Most tasks; all where not said.")] = None,
    reader: Annotated[
        str | None, typer.Option(help="Pseudonym of who gets them; the folder holds them where not said.")
    ] = None,
    case: Annotated[list[str] | None, typer.Option(help="Only of this case; may be repeated.")] = None,
    organ_name: Annotated[str | None, typer.Option("--organ", help="Only of this organ.")] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Also tasks that others have or had, for a second reading.")
    ] = False,
    days: Annotated[float, typer.Option(min=0.01, help="How long nobody else gets them.")] = 14.0,
) -> None:
    """Write tasks that nobody else has as folders for any viewer.

    Example: omentum -C my-atlas review export tasks --reader anna --top 20.
    """
    name = organ_name if organ_name in (None, WHOLE_CT) else organ(str(organ_name)).name
    asked = Asked(case_ids=tuple(case or ()), organ=name, again=again)
    with opened(context.obj) as project:
        for case_id in asked.case_ids:
            project.store.cases.get(case_id)
        lasting = timedelta(days=days)
        exported = loop.export_round(project, folder, top=top, reader=reader, asked=asked, lasting=lasting)
    n_cases = len({task.case_id for task in exported.tasks})
    whom = "" if reader is None else f" for {reader}"
    typer.echo(
        f"wrote {len(exported.tasks)} tasks of {n_cases} cases to {folder}{whom}; "
        f"nobody else gets them for {days:g} days; each folder has a HOW_TO.txt"
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
        typer.Option(help="Pseudonym of who revised; who holds the tasks where not said, else reader-1."),
    ] = None,
    adjudicate: Annotated[
        bool, typer.Option("--adjudicate", help="Decide that these masks stand, whatever others drew.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Take back what readers saved; every file is taken, known, or set aside with the reason.

    Example: omentum -C my-atlas review import tasks --reader anna --minutes 25.
    """
    with opened(context.obj) as project:
        imported = loop.import_round(project, folder, reader=reader, minutes=minutes, adjudicate=adjudicate)
    if as_json:
        say_json(_as_json(imported))
    else:
        _say_imported(imported, folder)
    if imported.set_aside:
        raise typer.Exit(1)


def _say_imported(imported: Imported, folder: Path) -> None:
    rows = [_row(one) for one in imported.taken]
    if rows:
        table = [[*(row[name] for name in _COLUMNS[:-1]), "yes" if row["stands"] else "no"] for row in rows]
        say_table(f"{_counted(len(rows), 'mask')} taken", _COLUMNS, table)
    else:
        n_before = sum(one.revision is not None for one in imported.known)
        typer.echo(
            f"nothing new in {folder}: {_counted(n_before, 'mask')} handed in before; "
            "revised masks are saved as <organ>_revised.nii.gz"
        )
    for row in rows:
        if not row["stands"]:
            say_error(f"{row['organ']} of {row['case']} does not stand: {row['why']}")
        for note in row["notes"]:
            say_error(f"{row['file']}: {note}")
    for what, reason in _grouped(imported):
        say_error(f"{what} was set aside: {reason}")
    if imported.set_aside:
        n_files = len({one.file for one in imported.set_aside})
        say_error(f"{_counted(n_files, 'file')} set aside; put them right and import the folder again")


def _grouped(imported: Imported) -> list[tuple[str, str]]:
    """Give the files that were set aside, many of one folder with one reason as the folder."""
    groups: dict[tuple[str, str], list[str]] = {}
    for one in imported.set_aside:
        groups.setdefault((str(PurePosixPath(one.file).parent), one.reason), []).append(one.file)
    return [
        (name, reason)
        for (folder, reason), names in groups.items()
        for name in ([f"{folder}/ ({len(names)} files)"] if len(names) > _FEW else names)
    ]


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _as_json(imported: Imported) -> dict[str, Any]:
    return {
        "taken": [_row(one) for one in imported.taken],
        "known": [{"file": one.file, "why": one.why} for one in imported.known],
        "set_aside": [{"file": one.file, "reason": one.reason} for one in imported.set_aside],
        "conflicts": [
            {
                "case": one.case_id,
                "organ": one.organ,
                "revision": one.number,
                "reader": one.reader,
                "conflicts_with": one.conflicts_with,
            }
            for one in imported.conflicts
        ],
    }


def _row(one: Taken) -> dict[str, Any]:
    revision = one.result.revision
    values: Sequence[Any] = (
        one.file,
        revision.case_id,
        revision.organ,
        revision.says.value,
        revision.added_ml,
        revision.removed_ml,
        revision.dice_to_base,
        one.result.stands,
    )
    return dict(zip(_COLUMNS, values, strict=True)) | {
        "why": one.result.why_not,
        "reader": revision.reader,
        "round": revision.round_number,
        "network": revision.network,
        "task": revision.task_number,
        "revision": revision.number,
        "minutes": revision.minutes,
        "findings": [
            {"rule": found.rule, "said": found.said, "severity": found.severity, "holds": found.holds}
            for found in revision.findings
        ],
        "notes": list(one.notes),
    }
