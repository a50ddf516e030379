"""Commands on what is done: results of shards are merged into the database."""

from pathlib import Path
from typing import Annotated

import typer

from omentum.app.console import bars, end_batches, say_json
from omentum.app.lazy import command_group
from omentum.app.options import AsJson, project_of

__all__ = ["app"]

app = command_group("What is done: results of shards, merged into the database.")


@app.callback()
def group() -> None:
    """Keep `merge` a command of its own, as a group of one command would be that command."""


@app.command()
def merge(
    context: typer.Context,
    journals: Annotated[
        list[Path] | None, typer.Argument(help="Journals of shards. Default: all of the project.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Note what shards have predicted. Example: omentum -C my-atlas ledger merge."""
    from omentum.predict.merge_shards import merge_shards

    with project_of(context) as project, bars() as progress:
        batch = merge_shards(project, journals or (), progress=progress)
    if as_json:
        failed = [{"case": one.key, "reason": one.reason} for one in batch.failed]
        say_json({"done": batch.done, "skipped": batch.skipped, "failed": failed})
    end_batches([batch], "merged")
