"""Commands about tasks: list, request, give back, skip and accept them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from omentum.app.console import counted, say_json, say_rows
from omentum.app.options import AsJson, project_of
from omentum.errors import ConfigError

if TYPE_CHECKING:
    from omentum.records import Task
    from omentum.review.tasks import TaskFilter

__all__ = ["add_to", "task_filter"]

_COLUMNS = ("task", "round", "case", "organ", "kind", "state", "holder", "until", "why")


def add_to(app: typer.Typer) -> None:
    """Add the commands to those of the review."""
    app.command("list")(list_)
    app.command()(request)
    app.command("give-back")(give_back)
    app.command()(skip)
    app.command()(accept)


def task_filter(cases: list[str] | None, organ_name: str | None, *, again: bool = False) -> "TaskFilter":
    """Select tasks by case and organ; an unknown organ raises `UnknownOrganError`."""
    from omentum.records import WHOLE_CT
    from omentum.review.tasks import TaskFilter
    from omentum.volumes.labels import organ

    name = organ_name if organ_name in (None, WHOLE_CT) else organ(str(organ_name)).name
    return TaskFilter(case_ids=tuple(cases or ()), organ=name, again=again)


def list_(
    context: typer.Context,
    holder: Annotated[str | None, typer.Option("--reader", help="Only what this reader has.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the tasks of this round, and those of earlier rounds that are out or in adjudication.

    Example: omentum -C my-atlas review list --reader anna.
    """
    from omentum.review.tasks import list_tasks

    with project_of(context, looking=True) as project:
        tasks = list_tasks(project)
    rows = [
        (
            one.task.number,
            one.task.round_number,
            one.task.case_id,
            one.task.organ,
            one.task.kind.told,
            one.task.state.value,
            ", ".join(lease.holder for lease in one.leases),
            ", ".join(f"{lease.until:%Y-%m-%d %H:%M}" for lease in one.leases),
            one.task.reason,
        )
        for one in tasks
        if holder is None or holder in {lease.holder for lease in one.leases}
    ]
    say_rows(counted(len(rows), "task"), _COLUMNS, rows, as_json=as_json)


def request(
    context: typer.Context,
    case_id: Annotated[str, typer.Argument(help="The case.")],
    organ_name: Annotated[str, typer.Argument(help="The organ, or whole_ct.")],
    reader: Annotated[str | None, typer.Option(help="The only one who may have it.")] = None,
    readings: Annotated[int, typer.Option(min=1, help="Readers who draw it independently.")] = 1,
    why: Annotated[str, typer.Option(help="The reason, for readers.")] = "",
    as_json: AsJson = False,
) -> None:
    """Request a review of an organ, also of one that was reviewed.

    Example: omentum -C my-atlas review request BTCV_01 liver --readings 2.
    """
    from omentum.review import tasks

    with project_of(context) as project:
        task = tasks.request(project, case_id, organ_name, reader=reader, n_readings=readings, why=why)
    if as_json:
        say_json({**_told(task), "readings": task.n_readings})
    else:
        typer.echo(f"task {task.number}: {task.organ} of {task.case_id}, {task.state}")


def _told(task: "Task") -> dict[str, object]:
    return {"task": task.number, "case": task.case_id, "organ": task.organ, "state": task.state.value}


def give_back(
    context: typer.Context,
    numbers: Annotated[list[int] | None, typer.Argument(help="Tasks; all that are held where none.")] = None,
    reader: Annotated[str | None, typer.Option(help="Who has them.")] = None,
    folder: Annotated[Path | None, typer.Option(help="The folder that they were exported to.")] = None,
    as_json: AsJson = False,
) -> None:
    """Let others have tasks that a reader, or a folder, has.

    Example: omentum -C my-atlas review give-back --reader anna.
    """
    from omentum.review import claimed_tasks
    from omentum.review.folder_export import holder_of
    from omentum.review.tasks import list_tasks

    if (reader is None) is (folder is None):
        raise ConfigError("--reader", reader, "say who has the tasks, with --reader or with --folder")
    holder = reader if folder is None else holder_of(folder)
    assert holder is not None
    with project_of(context) as project:
        held = [
            one.task.number for one in list_tasks(project) if holder in {lease.holder for lease in one.leases}
        ]
        tasks = numbers or [number for number in held if number is not None]
        given = claimed_tasks.give_back(project, tasks, holder)
    if as_json:
        say_json({"holder": holder, "tasks": given})
    else:
        typer.echo(f"{counted(len(given), 'task')} free again")


def skip(
    context: typer.Context,
    numbers: Annotated[list[int], typer.Argument(help="Tasks.")],
    why: Annotated[str, typer.Option(help="The reason.")],
    as_json: AsJson = False,
) -> None:
    """Leave tasks out.

    Example: omentum -C my-atlas review skip 12 --why "the organ was resected".
    """
    from omentum.review import tasks

    with project_of(context) as project:
        tasks.skip(project, numbers, why)
    if as_json:
        say_json({"tasks": sorted(set(numbers)), "why": why})
    else:
        typer.echo(f"{counted(len(set(numbers)), 'task')} skipped")


def accept(
    context: typer.Context,
    number: Annotated[int, typer.Argument(help="The task.")],
    reader: Annotated[str, typer.Option(help="Pseudonym of the reader who looked at it.")],
    minutes: Annotated[float | None, typer.Option(min=0, help="Time it took.")] = None,
    as_json: AsJson = False,
) -> None:
    """Confirm that the mask which a task shows is right as it is.

    Example: omentum -C my-atlas review accept 12 --reader anna.
    """
    from omentum.review import hand_in

    with project_of(context) as project:
        result = hand_in.accept(project, number, reader, minutes=minutes)
    revision = result.revision
    if as_json:
        told = {"task": number, "case": revision.case_id, "organ": revision.organ, "reader": reader}
        about = {"revision": revision.number, "stands": result.stands, "why": result.why_not}
        say_json({**told, **about})
        return
    stands = "it stands" if result.stands else f"it does not stand: {result.why_not}"
    typer.echo(f"{revision.organ} of {revision.case_id} is right as it was, by {reader}; {stands}")
