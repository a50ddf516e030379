"""The command that bounds how much is still wrong, and plans the audit for it."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from omentum.app.console import say_json
from omentum.app.options import AsJson, project_of
from omentum.errors import ConfigError

if TYPE_CHECKING:
    from omentum.evaluate.audit import AuditPlan
    from omentum.evaluate.catch_misses import ReaderMisses

__all__ = ["audit", "share_of"]


def audit(
    context: typer.Context,
    bound: Annotated[
        str,
        typer.Option(
            metavar="SHARE", help="Bound to plan for, such as 5% or 0.05; audit_bound if not given."
        ),
    ] = "",
    count_missing: Annotated[
        bool, typer.Option("--count-missing", help="Count what has not come back as wrong.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Bound what still needs a major revision. Example: omentum -C my-atlas audit --bound 5%."""
    from omentum.evaluate.audit import audit_plan, audit_result, stop_rule
    from omentum.evaluate.catch_misses import miss_rates, misses_by_reader

    with project_of(context) as project:
        share = share_of(bound) if bound else project.settings.audit_bound
        number = project.store.rounds.current().number
        plan = audit_plan(project, share)
        result = audit_result(project, number, count_missing=count_missing)
        stop = stop_rule(project)
        rates = miss_rates(misses_by_reader(project))
    if as_json:
        told: dict[str, Any] = {
            "round": number,
            "network": result.network,
            "bound_asked": share,
            "organs": plan.n_organs,
            "cases": plan.n_cases,
            "tasks_needed": plan.n_tasks,
            "least_bound": plan.least_share,
            "drawn": result.n_drawn,
            "done": result.n_done,
            "major": [list(key) for key in result.major],
            "missing": [list(key) for key in result.missing],
            "gone": [list(key) for key in result.gone],
            "bound": result.share,
            "bound_by_what_was_seen": result.seen_share,
            "missed_at_most": result.missed_share,
            "readers": [_told_misses(one) for one in rates],
            "statement": result.statement,
            "stop": stop.is_met,
        }
        say_json(told)
        return
    typer.echo(_planned(plan, share))
    if result.n_drawn:
        typer.echo(f"drawn {result.n_drawn}, done {result.n_done}, major revisions {len(result.major)}")
    for one in rates:
        low, high = one.interval
        typer.echo(f"{one.reader} missed {one.n_missed} of {one.n_shown} planted ({low:.0%} to {high:.0%})")
    typer.echo(result.statement)
    if stop.is_met:
        typer.echo("this round may be the last")


def _told_misses(one: "ReaderMisses") -> dict[str, Any]:
    return {
        "reader": one.reader,
        "major_errors_planted": one.n_shown,
        "missed": one.n_missed,
        "share_missed": one.share,
        "interval": list(one.interval),
    }


def share_of(text: str) -> float:
    """Read a share.

    Raises:
        ConfigError: It is not from 0 to 1.

    Example:
        >>> share_of("5%"), share_of("0.05")
        (0.05, 0.05)
    """
    number, percent, rest = text.strip().partition("%")
    try:
        share = float(number) / (100.0 if percent else 1.0)
    except ValueError:
        share = -1.0
    if rest or not 0.0 <= share <= 1.0:
        raise ConfigError("--bound", text, "it must be a share from 0 to 1, such as 5% or 0.05")
    return share


def _planned(plan: "AuditPlan", share: float) -> str:
    if plan.least_share is None:
        return "there is no organ to draw from: predict first, unless all were revised"
    left = f"{plan.n_organs} organs without a revision, in {plan.n_cases} cases"
    if plan.n_tasks is None:
        return (
            f"a bound of {share:.1%} is out of reach with one organ a case ({left}); "
            f"all cases, if none needs a major revision, give {plan.least_share:.1%}"
        )
    return f"a bound of {share:.1%} takes {plan.n_tasks} audit tasks, none a major revision ({left})"
