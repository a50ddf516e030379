"""Commands that decide which network is used: judge the new one, accept or reject it, go back."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from omentum.app.console import bars, say_json, say_table
from omentum.app.options import AsJson, By, Device, Why, device_named, project_of
from omentum.errors import ConfigError

if TYPE_CHECKING:
    from omentum.records.promotions import Promotion

__all__ = ["gate", "rollback"]


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
    from omentum import loop

    if accept and reject:
        raise ConfigError("--accept", "given with --reject", "a verdict is one of the two")
    with project_of(context) as project:
        if accept or reject:
            verdict = loop.decide(project, accept=accept, by=by, why=why)
        else:
            with bars() as progress:
                verdict = loop.gate(project, device=device_named(device), progress=progress)
    _say(verdict, as_json=as_json)


def rollback(
    context: typer.Context,
    network: Annotated[
        str | None, typer.Argument(help="Network of this project; the one before if not given.")
    ] = None,
    by: By = "reader-1",
    why: Why = "",
    as_json: AsJson = False,
) -> None:
    """Use an earlier network again, from a new round on. Example: omentum -C my-atlas rollback starter."""
    from omentum import loop

    with project_of(context) as project:
        verdict = loop.roll_back(project, network, by=by, why=why)
    _say(verdict, as_json=as_json)


def _say(verdict: "Promotion", *, as_json: bool) -> None:
    from omentum.app.say_verdict import said_of

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
