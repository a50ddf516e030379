"""Commands about tasks: who has what, who is to have what, and what is asked for."""

from pathlib import Path
from typing import Annotated

import typer

from omentum.app.console import say_json, say_table
from omentum.app.options import AsJson
from omentum.errors import ConfigError
from omentum.project.project import opened
from omentum.records import WHOLE_CT
from omentum.review.claims import Asked
from omentum.review.folder_export import holder_of
from omentum.review.service import ReviewService
from omentum.review.task_list import list_tasks
from omentum.store.leases import Lease
from omentum.volumes.labels import organ

__all__ = ["add_to"]


def add_to(app: typer.Typer) -> None:
    """Add the commands to those of the review."""
    app.command("list")(list_)
    app.command()(request)
    app.command()(assign)
    app.command("give-back")(give_back)
    app.command()(skip)
    app.command()(accept)


def list_(
    context: typer.Context,
    holder: Annotated[str | None, typer.Option("--reader", help="Only what this reader has.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the tasks of this round: how far each is, and who has it until when.

    Example: omentum -C my-atlas review list --reader anna.
    """
    with opened(context.obj, looking=True) as project:
        listed = list_tasks(project)
    if holder is not None:
        listed = [one for one in listed if holder in {lease.holder for lease in one.leases}]
    columns = ("task", "case", "organ", "kind", "state", "holder", "until", "why")
    rows = [
        (
            one.task.number,
            one.task.case_id,
            one.task.organ,
            one.task.kind.value,
            one.task.state.value,
            ", ".join(lease.holder for lease in one.leases),
            ", ".join(f"{lease.until:%Y-%m-%d %H:%M}" for lease in one.leases),
            one.task.reason,
        )
        for one in listed
    ]
    if as_json:
        say_json([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        say_table(f"{len(rows)} tasks", columns, rows)


def request(
    context: typer.Context,
    case_id: Annotated[str, typer.Argument(help="The case.")],
    organ_name: Annotated[str, typer.Argument(help="The organ, or whole_ct.")],
    reader: Annotated[str | None, typer.Option(help="The only one who may have it.")] = None,
    readings: Annotated[int, typer.Option(min=1, help="Readers who draw it, each by themselves.")] = 1,
    why: Annotated[str, typer.Option(help="For people.")] = "",
) -> None:
    """Ask for a look at an organ, also at one that was reviewed.

    Example: omentum -C my-atlas review request BTCV_01 liver --readings 2.
    """
    with opened(context.obj) as project:
        service = ReviewService(project)
        task = service.request(case_id, organ_name, reader=reader, n_readings=readings, why=why)
    typer.echo(f"task {task.number}: {task.organ} of {task.case_id}, {task.state}")


def assign(
    context: typer.Context,
    reader: Annotated[str | None, typer.Argument(help="Who is to have them.")] = None,
    anyone: Annotated[bool, typer.Option("--anyone", help="Let anyone have them again.")] = False,
    task: Annotated[list[int] | None, typer.Option(help="Number of a task; may be repeated.")] = None,
    case: Annotated[list[str] | None, typer.Option(help="All open tasks of a case; may be repeated.")] = None,
    organ_name: Annotated[str | None, typer.Option("--organ", help="All open tasks of an organ.")] = None,
) -> None:
    """Let only one reader have open tasks of this round.

    Example: omentum -C my-atlas review assign anna --organ pancreas.
    """
    if (reader is None) is not anyone:
        raise ConfigError("READER", reader, "it must be a reader, or leave it out and give --anyone")
    if not (task or case or organ_name):
        raise ConfigError("--task", None, "name tasks with --task, --case or --organ")
    name = organ_name if organ_name in (None, WHOLE_CT) else organ(str(organ_name)).name
    asked = Asked(case_ids=tuple(case or ()), organ=name)
    with opened(context.obj) as project:
        tasks = ReviewService(project).assign(reader, asked, task or ())
    typer.echo(f"{len(tasks)} tasks are for {reader or 'anyone'}")


def give_back(
    context: typer.Context,
    numbers: Annotated[list[int] | None, typer.Argument(help="Tasks; all that are held where none.")] = None,
    reader: Annotated[str | None, typer.Option(help="Who has them.")] = None,
    folder: Annotated[Path | None, typer.Option(help="The folder that they were exported to.")] = None,
) -> None:
    """Let others have tasks that a reader, or a folder, has.

    Example: omentum -C my-atlas review give-back --reader anna.
    """
    if (reader is None) is (folder is None):
        raise ConfigError("--reader", reader, "say who has the tasks, with --reader or with --folder")
    holder = reader if folder is None else holder_of(folder)
    assert holder is not None
    with opened(context.obj) as project:
        held = [one.task.number for one in list_tasks(project) if holder in _holders(one.leases)]
        wanted = numbers or [number for number in held if number is not None]
        given = ReviewService(project).give_back(wanted, holder)
    typer.echo(f"{len(given)} tasks are free again")


def _holders(leases: tuple[Lease, ...]) -> set[str]:
    return {lease.holder for lease in leases}


def skip(
    context: typer.Context,
    numbers: Annotated[list[int], typer.Argument(help="Tasks.")],
    why: Annotated[str, typer.Option(help="The reason.")],
) -> None:
    """Leave tasks out.

    Example: omentum -C my-atlas review skip 12 --why "the organ was resected".
    """
    with opened(context.obj) as project:
        ReviewService(project).skip(numbers, why)
    typer.echo(f"{len(set(numbers))} tasks are skipped")


def accept(
    context: typer.Context,
    number: Annotated[int, typer.Argument(help="The task.")],
    reader: Annotated[str, typer.Option(help="Pseudonym of who looked at it.")],
    minutes: Annotated[float | None, typer.Option(min=0, help="Time it took.")] = None,
) -> None:
    """Say that the mask which a task shows is right as it is.

    Example: omentum -C my-atlas review accept 12 --reader anna.
    """
    with opened(context.obj) as project:
        result = ReviewService(project).accept(number, reader, minutes=minutes)
    revision = result.revision
    stands = "it stands" if result.stands else f"it does not stand: {result.why_not}"
    typer.echo(f"{revision.organ} of {revision.case_id} is right as it was, by {reader}; {stands}")
