"""Commands on the audit log: show it, and verify it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from omentum.app.console import counted, say_json
from omentum.app.lazy import command_group
from omentum.app.options import AsJson, project_of

if TYPE_CHECKING:
    from omentum.store.check_log import LogCheck
    from omentum.store.log_chain import LogProblem

__all__ = ["app"]

app = command_group("The audit log: who did what and when, as a chain of hashes.")


@app.command()
def show(
    context: typer.Context,
    since: Annotated[int, typer.Option(min=1, metavar="N", help="The first entry to show.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Show who did what and when. Example: omentum -C my-atlas audit-log show --since 100."""
    from omentum.records.audit_log import canonical_json

    with project_of(context, looking=True) as project:
        entries = project.store.log.entries(since=since)
        if as_json:
            say_json([{**one.hashed, "sha256": one.sha256} for one in entries])
            return
        for one in entries:
            time = one.time.isoformat(sep=" ", timespec="seconds")
            typer.echo(f"{one.number}\t{time}\t{one.actor}\t{one.action}\t{canonical_json(one.about)}")


@app.command()
def verify(
    context: typer.Context,
    releases: Annotated[
        list[Path] | None,
        typer.Option("--release", metavar="FOLDER", help="A release elsewhere, such as a published copy."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Verify the log against itself, the records it is about, and every release and report.

    It ends with 1 where the log is not as it was written. Example: omentum -C my-atlas audit-log verify.
    """
    from omentum.project.log_anchors import check_project_log

    with project_of(context, looking=True) as project:
        found = check_project_log(project, releases or ())
    if as_json:
        say_json(_told(found))
    else:
        typer.echo(_said(found))
    if found.problems:
        raise typer.Exit(1)


def _told(found: "LogCheck") -> dict[str, Any]:
    return {
        "ok": not found.problems,
        "entries": found.n_entries,
        "sha256": found.sha256,
        "records": found.n_records,
        "anchors": found.n_anchors,
        "problems": [
            {
                "entry": one.number,
                "time": None if one.time is None else one.time.isoformat(),
                "what": one.kind.value,
                "said": one.said,
            }
            for one in found.problems
        ],
    }


def _said(found: "LogCheck") -> str:
    counts = f"{found.n_entries} entries, {found.n_records} records, {counted(found.n_anchors, 'anchor')}"
    if not found.problems:
        return f"{counts}: all as it was written; the last entry is {found.sha256}"
    others = (
        f"\n{counted(len(found.problems) - 1, 'other place')} follow from it or beside it; --json lists them"
    )
    return f"{counts}\n{_place(found.problems[0])}{others if len(found.problems) > 1 else ''}"


def _place(problem: "LogProblem") -> str:
    where = "no entry" if problem.number is None else f"entry {problem.number}"
    time = "" if problem.time is None else f", {problem.time.isoformat(sep=' ', timespec='seconds')}"
    return f"the first place that is wrong: {where}{time}: {problem.kind}: {problem.said}"
