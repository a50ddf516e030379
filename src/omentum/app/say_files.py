"""Print which files were left out, and why: lines for people, rows for programs."""

from collections import Counter
from collections.abc import Sequence

import typer

from omentum.records import Failure

__all__ = ["left_out_rows", "say_files_left_out"]

_SHOWN = 20
"""Most files that are named for people; programs get all."""


def left_out_rows(left_out: Sequence[Failure]) -> list[dict[str, str]]:
    """Give the files with their reasons for programs."""
    return [{"path": one.key, "reason": one.reason} for one in left_out]


def say_files_left_out(left_out: Sequence[Failure], *, verb: str = "left out ", err: bool = False) -> None:
    """Print at most a screenful of files, and for the others each reason with their number."""
    for file in left_out[:_SHOWN]:
        typer.echo(f"{verb}{file.key}: {file.reason}", err=err)
    rest = Counter(file.reason for file in left_out[_SHOWN:])
    for reason, number in rest.most_common():
        typer.echo(f"{verb}{number} more: {reason}", err=err)
    if rest:
        typer.echo("--json lists them all", err=err)
