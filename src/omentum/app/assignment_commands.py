"""Commands that say which reader gets which tasks."""

from typing import TYPE_CHECKING, Annotated

import typer

from omentum.app.console import counted, say_json, say_rows
from omentum.app.options import AsJson, By, project_of
from omentum.app.task_commands import task_filter
from omentum.choices import OWNER
from omentum.errors import ConfigError

if TYPE_CHECKING:
    from omentum.project.project import Project

__all__ = ["add_to"]


def add_to(app: typer.Typer) -> None:
    """Add the commands to those of the review."""
    for command in (assign, unassign, assignments):
        app.command()(command)


def assign(
    context: typer.Context,
    holder: Annotated[str | None, typer.Argument(metavar="READER", help="Who is to have tasks.")] = None,
    anyone: Annotated[bool, typer.Option("--anyone", help="Let anyone have them again.")] = False,
    task: Annotated[list[int] | None, typer.Option(help="Number of a task; may be repeated.")] = None,
    case: Annotated[list[str] | None, typer.Option(help="All open tasks of a case; may be repeated.")] = None,
    organ_name: Annotated[str | None, typer.Option("--organ", help="All open tasks of an organ.")] = None,
    reader: Annotated[str | None, typer.Option(help="Make a rule for this reader instead.")] = None,
    share: Annotated[float | None, typer.Option(help="Of the rule: share of the tasks, 0 to 1.")] = None,
    by: By = OWNER,
    as_json: AsJson = False,
) -> None:
    """Let only one reader have open tasks of this round, or make a rule by which every round is dealt.

    Example: omentum -C my-atlas review assign --reader anna --organ liver.
    """
    is_rule = reader is not None or share is not None
    if is_rule and (holder or anyone or task or case):
        raise ConfigError("--reader", reader, "a rule has no other options than --organ, --share and --by")
    if is_rule and reader is None:
        raise ConfigError("--reader", None, "say for whom the rule is")
    with project_of(context) as project:
        if reader is not None:
            _make_rule(project, reader, organ_name, share, by, as_json=as_json)
        else:
            _reserve(project, holder, anyone, (task or [], case, organ_name), as_json=as_json)


def _make_rule(
    project: "Project", reader: str, organ_name: str | None, share: float | None, by: str, *, as_json: bool
) -> None:
    from omentum.review.assignments import add_rule

    rule = add_rule(project, reader, organ_name=organ_name, share=share, by=by)
    if as_json:
        say_json({"rule": rule.number, "reader": rule.reader, "organ": rule.organ, "share": rule.share})
    else:
        typer.echo(f"rule {rule.number}: {_said(rule.organ, rule.share)} for {rule.reader}")


def _reserve(
    project: "Project",
    holder: str | None,
    anyone: bool,
    meant: tuple[list[int], list[str] | None, str | None],
    *,
    as_json: bool,
) -> None:
    from omentum.review import tasks

    if (holder is None) is not anyone:
        raise ConfigError("READER", holder, "it must be a reader, or leave it out and give --anyone")
    numbers, cases, organ_name = meant
    if not (numbers or cases or organ_name):
        raise ConfigError("--task", None, "name tasks with --task, --case or --organ")
    found = tasks.assign(project, holder, task_filter(cases, organ_name), numbers)
    if as_json:
        rows = [
            {"task": one.number, "case": one.case_id, "organ": one.organ, "state": one.state.value}
            for one in found
        ]
        say_json({"reader": holder, "tasks": rows})
    else:
        typer.echo(f"{counted(len(found), 'task')} for {holder or 'anyone'}")


def unassign(
    context: typer.Context,
    number: Annotated[int, typer.Argument(help="The rule, as `review assignments` numbers it.")],
    by: By = OWNER,
) -> None:
    """Remove a rule by which tasks are dealt.

    Example: omentum -C my-atlas review unassign 2.
    """
    from omentum.review.assignments import remove_rule

    with project_of(context) as project:
        rule = remove_rule(project, number, by=by)
    typer.echo(f"rule {number} is gone: {_said(rule.organ, rule.share)} for {rule.reader}")


def assignments(context: typer.Context, as_json: AsJson = False) -> None:
    """List the rules by which tasks are dealt.

    Example: omentum -C my-atlas review assignments.
    """
    with project_of(context, looking=True) as project:
        rules = project.store.assignments.all()
    rows = [(one.number, one.reader, one.organ, one.share) for one in rules]
    say_rows(counted(len(rows), "rule"), ("rule", "reader", "organ", "share"), rows, as_json=as_json)


def _said(organ_name: str | None, share: float | None) -> str:
    part = "tasks" if share is None else f"{share:.0%} of the tasks"
    return part + (f" of {organ_name}" if organ_name else "")
