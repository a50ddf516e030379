"""Commands that say which network is used: the verdict, yes or no to it, and back to an earlier one."""

from dataclasses import asdict
from typing import Annotated

import typer

from omentum import loop
from omentum.app.console import bars, say_json, say_table
from omentum.app.options import AsJson, Device, device_named
from omentum.errors import ConfigError
from omentum.project.project import opened
from omentum.records.promotions import GateOutcome, Promotion

__all__ = ["add_to", "said_of"]

By = Annotated[str, typer.Option(help="Pseudonym of who decides.")]
Why = Annotated[str, typer.Option(help="The reason; it is kept.")]


def gate(
    context: typer.Context,
    accept: Annotated[
        bool, typer.Option("--accept", help="Use the network that waits for a verdict.")
    ] = False,
    reject: Annotated[bool, typer.Option("--reject", help="Keep it out; its parent stays in use.")] = False,
    by: By = "reader-1",
    why: Why = "",
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Judge the network that was just tuned. Example: omentum -C my-atlas gate --accept --by reader-2."""
    if accept and reject:
        raise ConfigError("--accept", "given with --reject", "a verdict is one of the two")
    with opened(context.obj) as project:
        if accept or reject:
            verdict = loop.decide(project, accept=accept, by=by, why=why)
        else:
            with bars() as progress:
                verdict = loop.gate(project, device=device_named(device), progress=progress)
    _say(verdict, as_json=as_json)


def rollback(
    context: typer.Context,
    network: Annotated[
        str | None, typer.Argument(help="Network of this project; the one before, where not said.")
    ] = None,
    by: By = "reader-1",
    why: Why = "",
    as_json: AsJson = False,
) -> None:
    """Use an earlier network again, from a new round on. Example: omentum -C my-atlas rollback starter."""
    with opened(context.obj) as project:
        verdict = loop.roll_back(project, network, by=by, why=why)
    _say(verdict, as_json=as_json)


def said_of(verdict: Promotion) -> str:
    """Say a verdict in a line, with what follows."""
    match verdict.outcome:
        case GateOutcome.PROMOTED:
            follows = f"{verdict.network} is in use from round {verdict.round_number + 1} on"
        case GateOutcome.KEPT_OUT:
            follows = f"{verdict.instead_of} stays in use"
        case GateOutcome.UNDECIDED:
            follows = "say `omentum gate --accept` or `omentum gate --reject`"
        case GateOutcome.ROLLED_BACK:
            follows = f"{verdict.network} is in use again, from round {verdict.round_number + 1} on"
    return f"{verdict.network}: {verdict.outcome.value} by {verdict.by} ({verdict.why}); {follows}"


def _say(verdict: Promotion, *, as_json: bool) -> None:
    if as_json:
        say_json(asdict(verdict))
        return
    columns = ["organ", "revised", "patients", "mean difference", "bound", "verdict"]
    rows = [
        (one.organ, "yes" if one.is_revised else "", one.n_patients, one.mean, one.bound, one.outcome.value)
        for one in verdict.organs
    ]
    if rows:
        say_table(f"{verdict.network} against {verdict.instead_of}, held-out Dice", columns, rows)
    typer.echo(said_of(verdict))


def add_to(app: typer.Typer) -> None:
    """Offer these commands."""
    for command in (gate, rollback):
        app.command()(command)
