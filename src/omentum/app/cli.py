"""Offer every command of `omentum`; the module of a command is loaded when it is asked for.

Exit codes: 0 (done), 1 (some cases failed, listed), 2 (refused, one sentence), 129 (its
terminal was closed), 130 (interrupted), 143 (terminated by SIGTERM).
"""

import logging
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from omentum import __version__
from omentum.app.console import say_error
from omentum.app.lazy import Entry, lazy_group
from omentum.app.termination import HUNG_UP, ending_on_signals
from omentum.errors import OmentumError

__all__ = ["COMMANDS", "app", "main"]

_INTERRUPTED = 130

COMMANDS = (
    Entry("init", "project_commands", "Make a project."),
    Entry("add", "add_command", "Add CTs."),
    Entry("datalist", "add_command", "List a data set's cases."),
    Entry("status", "project_commands", "Show how far a project is and what waits for whom."),
    Entry("plan", "plan_command", "Plan a run: hours, GB and money."),
    Entry("predict", "predict_command", "Predict CTs, or every case of a project.", is_run=True),
    Entry("score", "stage_commands", "Find what is probably wrong, and print the queue.", is_run=True),
    Entry("review", "review_commands:app", "Send tasks to readers as folders, and take their masks back."),
    Entry("assemble", "release_commands", "Build a release with its lineage.", is_run=True),
    Entry("release", "release_commands:app", "The releases of a project, which never change."),
    Entry("export", "release_commands", "Export a release in any layout.", is_run=True),
    Entry("tune", "tune_command", "Tune the network on the revisions, and judge it.", is_run=True),
    Entry("gate", "gate_command", "Judge the network that was just tuned."),
    Entry("rollback", "gate_command", "Use an earlier network again, from a new round on."),
    Entry("evaluate", "stage_commands", "Compare all rounds and write the report."),
    Entry("audit", "audit_command", "Bound what still needs a major revision."),
    Entry(
        "audit-log",
        "audit_log_command:app",
        "The audit log: who did what and when, as a chain of hashes.",
    ),
    Entry("round", "stage_commands:round_", "Run the half of the round that is due.", is_run=True),
    Entry("jobs", "jobs_command", "List the jobs of each stage, and who works on what."),
    Entry("ledger", "ledger_commands:app", "What is done: results of shards, merged into the database."),
    Entry("slurm", "slurm_commands:app", "Scripts that run a project on a Slurm cluster."),
    Entry("cases", "case_commands:app", "Cases of a project."),
    Entry("db", "db_commands:app", "The project's database: back it up, bring it back, move it."),
    Entry("people", "people_commands:app", "People who may log in to the review server."),
    Entry("organs", "organ_commands:app", "Organs of a project."),
    Entry("models", "model_commands:app", "Networks by name."),
    Entry("attention", "attention_command", "Score predictions in the published layout."),
    Entry("phantoms", "project_commands", "Make synthetic CTs with true labels."),
    Entry("demo", "project_commands", "Run three rounds at a synthetic site with a simulated reader."),
)

app = typer.Typer(
    name="omentum",
    cls=lazy_group(COMMANDS),
    help="Annotate thousands of abdominal CT volumes with people in the loop.",
    epilog="Begin with `omentum demo`, or `omentum predict CT.nii.gz -o OUT`.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


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
    with ending_on_signals() as ending:
        try:
            app()
        except (OmentumError, OSError) as error:
            if ending.has_terminal_gone():
                _end(HUNG_UP)
            _end(2, _said_of(error))
        except SystemExit as ended:
            if ended.code == _INTERRUPTED:
                came = ending.came
                code, said = (_INTERRUPTED, "interrupted") if came is None else (came.exit_code, came.said)
                _end(code, f"{said}; the same command goes on where this one stopped")
            _end(ended.code)


def _said_of(error: OmentumError | OSError) -> str:
    if isinstance(error, OmentumError):
        return str(error)
    return f"{error.filename or 'a file'}: {error.strerror or error}; check its rights and the disk"


def _end(code: str | int | None, message: str = "") -> NoReturn:
    """Say why the command was refused, if it was, and exit."""
    if message:
        say_error(message)
    if "omentum.app.json_log" in sys.modules:  # only where a log was begun
        from omentum.app.json_log import end_log

        end_log(code, message)
    sys.exit(code)
