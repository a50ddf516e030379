"""How does a command speak? Progress bars on a terminal, tables for people, JSON for programs.

In:  what stages report.
Out: text on stdout, progress and errors on stderr; the exit code of a batch.
"""

import json
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from omentum.records import Batch
from omentum.runners.runner import Outcome
from omentum.runners.runner import Progress as RunProgress

__all__ = ["bars", "end_batches", "of_run", "say_error", "say_json", "say_table"]

_FILE_COLUMNS = 160
"""Width of a table that goes into a file or a pipe, where nothing should be cut."""
_MOST_FRAMED_ROWS = 500
_LONG = 100
"""A step of so many items is worth lines in a log."""
_ERRORS = Console(stderr=True, highlight=False, soft_wrap=True)


def say_error(message: str) -> None:
    """Print one sentence to stderr."""
    _ERRORS.print(f"omentum: {message}", markup=False)


def say_json(content: Any) -> None:
    """Print JSON to stdout, and nothing else."""
    typer.echo(json.dumps(content, indent=1, default=str, ensure_ascii=False))


def say_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table; numbers stand to the right. A long one has no frame, which would take seconds."""
    if len(rows) > _MOST_FRAMED_ROWS:
        _say_plain_table(title, columns, rows)
        return
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


@contextmanager
def bars() -> Iterator[Callable[[str, int, int, str], None]]:
    """Show a progress bar for each step on a terminal; in a log, a line for each tenth of a long step.

    Yields:
        Tells a step's name, how many are done, how many there are, and what was done last. Where there are 0,
        it is no step but something to know, and always a line.
    """
    progress = Progress(
        TextColumn("{task.description:<14}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[last]}"),
        console=_ERRORS,
        disable=not sys.stderr.isatty(),
    )
    tasks: dict[str, Any] = {}

    def tell(step: str, done: int, total: int, last: str = "") -> None:
        if total == 0:
            _ERRORS.print(f"{step}: {last}", markup=False)
            return
        if progress.disable:
            if total >= _LONG and done * 10 // total > (done - 1) * 10 // total:
                _ERRORS.print(f"{step}: {done} of {total}{last and f', {last}'}", markup=False)
            return
        if step not in tasks:
            tasks[step] = progress.add_task(step, total=total, last="")
        progress.update(tasks[step], completed=done, total=total, last=last)

    with progress:
        yield tell


def of_run(tell: Callable[[str, int, int, str], None]) -> Callable[[str, RunProgress], None]:
    """Turn what runners report into what bars show."""

    def told(step: str, progress: RunProgress) -> None:
        mark = " failed" if progress.outcome is Outcome.FAILED else ""
        tell(step, progress.n_ended, progress.n_items, f"{progress.key}{mark}")

    return told


def end_batches(batches: Sequence[Batch], what: str) -> None:
    """Sum up batches for people, and end with the exit code that they deserve.

    Args:
        batches: What became of the items; one that is in several, such as a case that several networks
            predicted, counts once, and as failed if it failed in any.
        what: Done to a case, in the past: `predicted`.

    Raises:
        typer.Exit: Code 1 if some items failed; 2 if there was one item and it was refused.
    """
    failures = dict.fromkeys(failure for batch in batches for failure in batch.failed)
    failed = {failure.key for failure in failures}
    done = {key for batch in batches for key in batch.done} - failed
    skipped = {key for batch in batches for key in batch.skipped} - failed - done
    before = f", {len(skipped)} before" if skipped else ""
    if done or skipped:
        typer.echo(f"{what} {len(done)} {'case' if len(done) == 1 else 'cases'}{before}", err=True)
    for failure in failures:
        say_error(f"{failure.key} was set aside: {failure.reason}")
    n_items = len(done | skipped | failed)
    if failed and n_items == 1:
        raise typer.Exit(2)
    if failed:
        again = shlex.join(["omentum", *sys.argv[1:]])
        say_error(f"{len(failed)} of {n_items} cases failed; try them again with `{again}`")
        raise typer.Exit(1)
