"""Print which cases a release leaves out, and why."""

import typer

from omentum.app.console import say_error
from omentum.assemble.card import ReleaseNotes
from omentum.assemble.manifest import read_left_out
from omentum.records import Release

__all__ = ["end_release", "say_left_out"]


def say_left_out(notes: ReleaseNotes, verb: str) -> None:
    """Print a line for each case that is left out or excluded to stderr; the verb is `was` or `would be`."""
    for case_id, why in notes.excluded.items():
        typer.echo(f"{case_id} is excluded: {why}", err=True)
    for case_id, why in notes.left_out.items():
        say_error(f"{case_id} {verb} left out: {why}")


def end_release(release: Release) -> None:
    """Print what a release leaves out, and end with the exit code that it deserves.

    Raises:
        typer.Exit: Code 1 if cases were left out that no person excluded.
    """
    notes = read_left_out(release.folder)
    say_left_out(notes, "was")
    if notes.left_out:
        n_left_out = len(notes.left_out)
        say_error(
            f"{n_left_out} of {n_left_out + release.n_cases} cases left out; put them right, and make "
            "another version that holds them"
        )
        raise typer.Exit(1)
