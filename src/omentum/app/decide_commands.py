"""Commands by which a person decides which mask stands, and looks back at what happened."""

from typing import Annotated

import typer

from omentum.app.console import say_json, say_table
from omentum.app.options import AsJson, listed
from omentum.errors import ConfigError
from omentum.project.project import opened
from omentum.records import MaskSource
from omentum.review.decide import SOMEBODY
from omentum.review.service import ReviewService

__all__ = ["add_to"]

CaseId = Annotated[str, typer.Argument(help="The case.")]
OrganName = Annotated[str, typer.Argument(help="The organ.")]
By = Annotated[str, typer.Option(help="Pseudonym of who decides.")]
Why = Annotated[str, typer.Option(help="For people.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands to those of the review."""
    for command in (adjudicate, prefer, restore, confirm, history, comment):
        app.command()(command)


def adjudicate(
    context: typer.Context,
    case_id: CaseId,
    organ_name: OrganName,
    revision: Annotated[int, typer.Option(help="Number of the revision that stands.")],
    by: By = SOMEBODY,
    why: Why = "",
) -> None:
    """Let one revision stand where readings disagree.

    Example: omentum -C my-atlas review adjudicate BTCV_01 liver --revision 7.
    """
    with opened(context.obj) as project:
        decision = ReviewService(project).adjudicate(case_id, organ_name, revision, by=by, why=why)
    typer.echo(f"from now on revision {revision} of {decision.organ} in {case_id} stands")


def prefer(
    context: typer.Context,
    case_id: CaseId,
    organ_name: OrganName,
    revision: Annotated[int | None, typer.Option(help="Its number; the last word where not said.")] = None,
    original: Annotated[bool, typer.Option("--original", help="Go back to the original label.")] = False,
    by: By = SOMEBODY,
    why: Why = "",
) -> None:
    """Let a revision stand over the original label, or the original label again.

    Example: omentum -C my-atlas review prefer BTCV_01 liver.
    """
    if original and revision is not None:
        raise ConfigError("--revision", revision, "give either a revision or --original")
    with opened(context.obj) as project:
        service = ReviewService(project)
        if original:
            decision = service.restore(case_id, organ_name, MaskSource.ORIGINAL, by=by, why=why)
            what = "the original label"
        else:
            decision = service.prefer(case_id, organ_name, number=revision, by=by, why=why)
            what = f"revision {decision.revision_number}"
    typer.echo(f"from now on {what} of {decision.organ} in {case_id} stands")


def restore(
    context: typer.Context,
    case_id: CaseId,
    organ_name: OrganName,
    revision: Annotated[int | None, typer.Option(help="Number of a revision.")] = None,
    original: Annotated[bool, typer.Option("--original", help="The original label.")] = False,
    predicted: Annotated[bool, typer.Option("--predicted", help="What the network made.")] = False,
    by: By = SOMEBODY,
    why: Why = "",
) -> None:
    """Let an earlier mask stand again; `review history` lists them.

    Example: omentum -C my-atlas review restore BTCV_01 liver --revision 3.
    """
    if (revision is not None) + original + predicted != 1:
        raise ConfigError("--revision", revision, "give one of --revision, --original and --predicted")
    source = MaskSource.ORIGINAL if original else MaskSource.PREDICTED
    with opened(context.obj) as project:
        to = source if revision is None else revision
        decision = ReviewService(project).restore(case_id, organ_name, to, by=by, why=why)
    what = f"the {source} mask" if revision is None else f"revision {revision}"
    typer.echo(f"from now on {what} of {decision.organ} in {case_id} stands")


def confirm(
    context: typer.Context,
    rule: Annotated[str, typer.Option(help="The rule, as `omentum status` names it.")],
    cases: Annotated[str, typer.Option(help="Cases, with commas between.")],
    organs: Annotated[str, typer.Option(help="Organs, with commas between; all where not said.")] = "",
    by: By = SOMEBODY,
    why: Why = "",
    as_json: AsJson = False,
) -> None:
    """Say that what a rule found is right as it is: masks that it held back stand again.

    Example: omentum -C my-atlas review confirm --rule orientation --cases BTCV_01 --why "situs inversus".
    """
    with opened(context.obj) as project:
        service = ReviewService(project)
        said = service.confirm(rule, listed(cases), organs=listed(organs), by=by, why=why)
    rows = [(one.case_id, one.organ, one.rule, one.by) for one in said]
    columns = ("case", "organ", "rule", "by")
    if as_json:
        say_json([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        say_table(f"{len(rows)} confirmed", columns, rows)


def history(context: typer.Context, case_id: CaseId, organ_name: OrganName, as_json: AsJson = False) -> None:
    """Tell all that happened to an organ of a case, and which mask stands and why.

    Example: omentum -C my-atlas review history BTCV_01 liver.
    """
    with opened(context.obj, looking=True) as project:
        told = ReviewService(project).history(case_id, organ_name)
    columns = ("time", "what", "by", "said", "revision", "stands")
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
        events = [dict(zip(columns, row, strict=True)) for row in rows]
        say_json(
            {"case": told.case_id, "organ": told.organ, "stands": stands, "why": told.why, "events": events}
        )
        return
    say_table(f"{told.organ} of {told.case_id}", columns, [(*row[:-1], "*" * row[-1]) for row in rows])
    typer.echo(f"{'no mask' if stands is None else f'the {stands} mask'} stands: {told.why}")


def comment(
    context: typer.Context,
    revision: Annotated[int, typer.Argument(help="Number of the revision.")],
    text: Annotated[str, typer.Argument(help="What to say of it.")],
    by: By = SOMEBODY,
) -> None:
    """Say something about a revision; it stays with it.

    Example: omentum -C my-atlas review comment 7 "the tip of segment 6 is missing".
    """
    with opened(context.obj) as project:
        kept = ReviewService(project).comment(revision, text, by=by)
    typer.echo(f"kept with revision {kept.number} of {kept.organ} in {kept.case_id}")
