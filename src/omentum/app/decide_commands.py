"""Commands that decide which mask stands, and that show the history of a mask."""

from typing import TYPE_CHECKING, Annotated

import typer

from omentum.app.console import say_json, say_rows, say_table
from omentum.app.options import AsJson, By, Why, listed, project_of
from omentum.choices import OWNER
from omentum.errors import ConfigError

if TYPE_CHECKING:
    from omentum.records import Decision

__all__ = ["add_to"]

CaseId = Annotated[str, typer.Argument(help="The case.")]
OrganName = Annotated[str, typer.Argument(help="The organ.")]

_EVENT_COLUMNS = ("time", "what", "by", "said", "revision", "stands")


def add_to(app: typer.Typer) -> None:
    """Add the commands to those of the review."""
    for command in (adjudicate, prefer, restore, confirm, history, comment):
        app.command()(command)


def adjudicate(
    context: typer.Context,
    target: Annotated[str, typer.Argument(metavar="TASK", help="Number of the task, or a case.")],
    organ_name: Annotated[
        str | None, typer.Argument(metavar="[ORGAN]", help="The organ, after a case.", show_default=False)
    ] = None,
    stands: Annotated[
        str | None, typer.Option(help="Of a task: revision:N, common, majority or staple.")
    ] = None,
    revision: Annotated[int | None, typer.Option(help="Of a case and organ: the revision's number.")] = None,
    by: By = OWNER,
    why: Why = "",
    as_json: AsJson = False,
) -> None:
    """Let one mask stand where readings disagree: a reading, or what is made of all of them.

    Example: omentum -C my-atlas review adjudicate 12 --stands common.
    """
    from omentum.review.adjudicate import decide_task
    from omentum.review.decide import adjudicate as decide

    is_task = organ_name is None
    if is_task and (stands is None or revision is not None or not target.isdecimal()):
        raise ConfigError("TASK", target, "give a task with --stands, or a case and an organ with --revision")
    if not is_task and (revision is None or stands is not None):
        raise ConfigError(
            "--revision", revision, "give the number of the revision that stands, and no --stands"
        )
    with project_of(context) as project:
        if organ_name is None:
            decision = decide_task(project, int(target), stands or "", by=by, why=why)
        else:
            decision = decide(project, target, organ_name, revision or 0, by=by, why=why)
    _say_decided(f"revision {decision.revision_number}", decision, as_json=as_json)


def prefer(
    context: typer.Context,
    case_id: CaseId,
    organ_name: OrganName,
    revision: Annotated[int | None, typer.Option(help="Its number; the latest if not given.")] = None,
    original: Annotated[bool, typer.Option("--original", help="Go back to the original label.")] = False,
    by: By = OWNER,
    why: Why = "",
    as_json: AsJson = False,
) -> None:
    """Let a revision stand over the original label, or the original label again.

    Example: omentum -C my-atlas review prefer BTCV_01 liver.
    """
    from omentum.records import MaskSource
    from omentum.review import decide

    if original and revision is not None:
        raise ConfigError("--revision", revision, "give either a revision or --original")
    with project_of(context) as project:
        if original:
            decision = decide.restore(project, case_id, organ_name, MaskSource.ORIGINAL, by=by, why=why)
        else:
            decision = decide.prefer(project, case_id, organ_name, number=revision, by=by, why=why)
    what = "the original label" if original else f"revision {decision.revision_number}"
    _say_decided(what, decision, as_json=as_json)


def restore(
    context: typer.Context,
    case_id: CaseId,
    organ_name: OrganName,
    revision: Annotated[int | None, typer.Option(help="Number of a revision.")] = None,
    original: Annotated[bool, typer.Option("--original", help="The original label.")] = False,
    predicted: Annotated[bool, typer.Option("--predicted", help="What the network made.")] = False,
    by: By = OWNER,
    why: Why = "",
    as_json: AsJson = False,
) -> None:
    """Let an earlier mask stand again; `review history` lists them.

    Example: omentum -C my-atlas review restore BTCV_01 liver --revision 3.
    """
    from omentum.records import MaskSource
    from omentum.review import decide

    if (revision is not None) + original + predicted != 1:
        raise ConfigError("--revision", revision, "give one of --revision, --original and --predicted")
    source = MaskSource.ORIGINAL if original else MaskSource.PREDICTED
    to = source if revision is None else revision
    with project_of(context) as project:
        decision = decide.restore(project, case_id, organ_name, to, by=by, why=why)
    what = f"the {source} mask" if revision is None else f"revision {revision}"
    _say_decided(what, decision, as_json=as_json)


def _say_decided(what: str, decision: "Decision", *, as_json: bool) -> None:
    if as_json:
        told = {"case": decision.case_id, "organ": decision.organ, "decision": decision.kind.value}
        about = {"stands": decision.stands.value, "revision": decision.revision_number}
        say_json({**told, **about, "by": decision.by, "why": decision.why, "time": decision.time})
    else:
        typer.echo(f"from now on {what} of {decision.organ} in {decision.case_id} stands")


def confirm(
    context: typer.Context,
    rule: Annotated[str, typer.Option(help="The rule, as `omentum status` names it.")],
    cases: Annotated[str, typer.Option(help="Cases, with commas between.")],
    organs: Annotated[str, typer.Option(help="Organs, with commas between; all if not given.")] = "",
    by: By = OWNER,
    why: Why = "",
    as_json: AsJson = False,
) -> None:
    """Confirm that what a rule found is right as it is: masks that it held back stand again.

    Example: omentum -C my-atlas review confirm --rule orientation --cases BTCV_01 --why "situs inversus".
    """
    from omentum.review import decide

    with project_of(context) as project:
        said = decide.confirm(project, rule, listed(cases), organs=listed(organs), by=by, why=why)
    rows = [(one.case_id, one.organ, one.rule, one.by) for one in said]
    say_rows(f"{len(rows)} confirmed", ("case", "organ", "rule", "by"), rows, as_json=as_json)


def history(context: typer.Context, case_id: CaseId, organ_name: OrganName, as_json: AsJson = False) -> None:
    """Show all that happened to an organ of a case, and which mask stands and why.

    Example: omentum -C my-atlas review history BTCV_01 liver.
    """
    from omentum.review.history import history as history_of

    with project_of(context, looking=True) as project:
        told = history_of(project, case_id, organ_name)
    rows = [
        (
            "" if one.time is None else f"{one.time:%Y-%m-%d %H:%M}",
            one.what,
            one.by,
            one.said,
            one.revision_number,
            one.stands,
        )
        for one in told.events
    ]
    stands = None if told.stands is None else told.stands.value
    if as_json:
        events = [dict(zip(_EVENT_COLUMNS, row, strict=True)) for row in rows]
        about = {"case": told.case_id, "organ": told.organ, "stands": stands, "why": told.why}
        say_json({**about, "events": events})
        return
    shown = [(*row[:-1], "*" * row[-1]) for row in rows]
    say_table(f"{told.organ} of {told.case_id}", _EVENT_COLUMNS, shown)
    typer.echo(f"{'no mask' if stands is None else f'the {stands} mask'} stands: {told.why}")


def comment(
    context: typer.Context,
    revision: Annotated[int, typer.Argument(help="Number of the revision.")],
    text: Annotated[str, typer.Argument(help="The comment.")],
    by: By = OWNER,
    as_json: AsJson = False,
) -> None:
    """Add a comment to a revision.

    Example: omentum -C my-atlas review comment 7 "the tip of segment 6 is missing".
    """
    from omentum.review import decide

    with project_of(context) as project:
        kept = decide.comment(project, revision, text, by=by)
    if as_json:
        told = {"revision": kept.number, "case": kept.case_id, "organ": kept.organ}
        say_json({**told, "comment": kept.comment})
    else:
        typer.echo(f"kept with revision {kept.number} of {kept.organ} in {kept.case_id}")
