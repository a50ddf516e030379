"""What does `omentum` do on the command line? Every command, and how it ends.

In:  arguments.
Out: exit code 0 (done), 1 (some cases failed, listed), 2 (refused, one sentence), 130 (interrupted).
"""

import logging
import sys
from pathlib import Path
from typing import Annotated

import typer

from omentum import __version__
from omentum.app import (
    case_commands,
    gate_command,
    model_commands,
    organ_commands,
    project_commands,
    release_commands,
    review_commands,
    stage_commands,
)
from omentum.app.attention_command import attention
from omentum.app.audit_command import audit
from omentum.app.console import say_error
from omentum.app.predict_command import predict
from omentum.errors import OmentumError

__all__ = ["app", "main"]

_INTERRUPTED = 130

app = typer.Typer(
    name="omentum",
    help="Annotate thousands of abdominal CT volumes with people in the loop.",
    epilog="Begin with `omentum demo`, or `omentum predict CT.nii.gz -o OUT`.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(model_commands.app, name="models")
app.add_typer(case_commands.app, name="cases")
app.add_typer(organ_commands.app, name="organs")
app.add_typer(review_commands.app, name="review")
project_commands.add_to(app)
app.command()(predict)
stage_commands.add_to(app)
gate_command.add_to(app)
release_commands.add_to(app)
app.command()(audit)
app.command()(attention)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"omentum {__version__}")
        raise typer.Exit


@app.callback()
def at(
    context: typer.Context,
    project: Annotated[Path, typer.Option("-C", "--project", help="Folder of the project.")] = Path(),
    version: Annotated[  # noqa: ARG001
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Keep the project's folder for the command that follows."""
    context.obj = project


def main() -> None:
    """Run one command and exit; every error that a user can put right is one sentence."""
    logging.getLogger("nibabel").setLevel(logging.ERROR)  # header repairs are no news to users
    try:
        app()
    except OmentumError as error:
        say_error(str(error))
        sys.exit(2)
    except OSError as error:
        say_error(f"{error.filename or 'a file'}: {error.strerror or error}; check its rights and the disk")
        sys.exit(2)
    except SystemExit as ended:
        if ended.code == _INTERRUPTED:
            say_error("interrupted; the same command goes on where this one stopped")
        raise
