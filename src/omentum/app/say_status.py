"""Print the status of a project: a table, then a line for each thing that a person should know."""

from collections.abc import Iterator, Mapping
from typing import Any

import typer

from omentum.app.console import say_table
from omentum.app.say_queue import beyond_budget
from omentum.app.status import confirm_command

__all__ = ["say_status"]

_SHOWN = 20
"""Most lines of a kind for people; programs get all."""


def say_status(name: str, told: Mapping[str, Any]) -> None:
    """Print a summary.

    Args:
        name: Of the project.
        told: As `omentum.app.status.summary` gives it.
    """
    shown = [
        (key.replace("_", " "), str(value))
        for key, value in told.items()
        if not isinstance(value, list | dict) and key != "next"
    ]
    say_table(name, ["", ""], shown)
    for lines in (_left_out, _holders, _conflicts, _findings, _other_findings, _failed):
        _say(list(lines(told)))
    if told["label_findings"]:
        n_cases = len(told["label_findings"])
        typer.echo(f"original labels of {n_cases} cases can hardly be right; --json names organs and reasons")


def _say(lines: list[str]) -> None:
    for line in lines[:_SHOWN]:
        typer.echo(line)
    if len(lines) > _SHOWN:
        typer.echo(f"... and {len(lines) - _SHOWN} more such lines; --json has all")


def _left_out(told: Mapping[str, Any]) -> Iterator[str]:
    line = beyond_budget(told["left_out_by_budget"], told["left_out_by_budget"]["budget_minutes"])
    if line:
        yield line


def _holders(told: Mapping[str, Any]) -> Iterator[str]:
    for one in told["holders"]:
        yield f"{one['holder']} has {one['tasks']} tasks until {one['until']:%Y-%m-%d %H:%M} UTC"


def _conflicts(told: Mapping[str, Any]) -> Iterator[str]:
    for one in told["conflicts"]:
        seen = f"revision {one['revision']} of {one['reader']} contradicts revision {one['contradicts']}"
        yield f"in adjudication: {one['organ']} of {one['case']}: {seen}; {one['command']}, or the other"


def _findings(told: Mapping[str, Any]) -> Iterator[str]:
    """Name CTs and masks that are held back, with the command that confirms them."""
    for one in told["findings"]:
        if one["source"] == "ct":
            cure = confirm_command(one["rule"], one["case"])
            yield f"{one['case']}: whole CT: {one['said']}; where that is right, {cure}"
    for one in told["held"]:
        what = f"{one['organ']} of {one['case']} ({one['source']}): {one['said']}"
        yield f"held back: {what}; where that is right, {one['command']}"


def _other_findings(told: Mapping[str, Any]) -> Iterator[str]:
    """Name masks that stand though a rule suspects them."""
    for one in told["findings"]:
        if one["source"] != "ct" and not one["holds"]:
            yield f"{one['organ']} of {one['case']} ({one['source']}) stands, and is suspect: {one['said']}"


def _failed(told: Mapping[str, Any]) -> Iterator[str]:
    for stage, failures in told["failed"].items():
        for key, reason in failures.items():
            yield f"set aside in {stage}: {key}: {reason}"
