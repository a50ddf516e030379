"""Print what commands say: progress bars on a terminal, tables for people, JSON for programs.

Results go to stdout, progress and errors to stderr.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from omentum.records import Batch
    from omentum.runners.runner import Progress

__all__ = [
    "bars",
    "counted",
    "end_batches",
    "say_error",
    "say_json",
    "say_old_option",
    "say_rows",
    "say_table",
]

_FILE_COLUMNS = 160
"""Width of a table that goes into a file or a pipe, where nothing should be cut."""
_MOST_FRAMED_ROWS = 500


def say_error(message: str) -> None:
    """Print one sentence to stderr."""
    typer.echo(f"omentum: {message}", err=True)


def say_old_option(old: str, new: str) -> None:
    """Say on stderr that an option has a new name; the old one works for one more version."""
    say_error(f"{old} is now called {new}; the old name works until the next version")


def say_json(content: Any) -> None:
    """Print JSON to stdout, and nothing else."""
    typer.echo(json.dumps(content, indent=1, default=str, ensure_ascii=False))


def say_rows(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], *, as_json: bool) -> None:
    """Print rows as JSON objects with the columns as keys, or as a table."""
    if as_json:
        say_json([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        say_table(title, columns, rows)


def say_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table; numbers are right-aligned. A long one has no frame, which would take seconds."""
    if len(rows) > _MOST_FRAMED_ROWS:
        _say_plain_table(title, columns, rows)
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title or None, title_justify="left")
    for place, column in enumerate(columns):
        is_number = bool(rows) and all(
            isinstance(row[place], int | float) or row[place] is None for row in rows
        )
        table.add_column(column, justify="right" if is_number else "left")
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    width = None if sys.stdout.isatty() else _FILE_COLUMNS
    Console(highlight=False, width=width).print(table)


def _say_plain_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    lines = [list(columns), *([_cell(value) for value in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    text = "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
    typer.echo(f"{title}\n{text}" if title else text)


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def counted(number: int, noun: str) -> str:
    """Write a number with its noun.

    Example:
        >>> counted(1, "task"), counted(2, "task")
        ('1 task', '2 tasks')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


@contextmanager
def bars() -> Iterator["Progress"]:
    """Show how far a command is, and tell whatever else watches it; see `LiveView` and `RunWatch`."""
    from omentum.app.live_view import LiveView
    from omentum.app.run_watch import watch_of

    with LiveView() as shown:
        yield watch_of(shown)


def end_batches(batches: "Sequence[Batch]", what: str) -> None:
    """Sum up batches for people, and end with the exit code that they deserve.

    Args:
        batches: What became of the items; one that is in several, such as a case that several networks
            predicted, counts once, and as failed if it failed in any.
        what: Done to a case, in the past: `predicted`.

    Raises:
        typer.Exit: Code 1 if some items failed; 2 if there was one item and it was refused.
    """
    from omentum.app.command_line import again_command
    from omentum.app.failures import group_failures

    failures = dict.fromkeys(failure for batch in batches for failure in batch.failed)
    failed = {failure.key for failure in failures}
    done = {key for batch in batches for key in batch.done} - failed
    skipped = {key for batch in batches for key in batch.skipped} - failed - done
    before = f", {len(skipped)} before" if skipped else ""
    if done or skipped:
        typer.echo(f"{what} {counted(len(done), 'case')}{before}", err=True)
    for group in group_failures(failures):
        say_error(str(group))
    n_items = len(done | skipped | failed)
    if failed and n_items == 1:
        raise typer.Exit(2)
    if failed:
        say_error(f"{len(failed)} of {n_items} cases failed; try them again with `{again_command()}`")
        raise typer.Exit(1)
