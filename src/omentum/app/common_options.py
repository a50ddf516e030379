"""Give commands the options that many have in common: a log for all, a report and metrics for long runs."""

import inspect
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer

__all__ = ["with_log_options", "with_run_options"]

_Command = Callable[..., Any]

_LOG_OPTIONS: dict[str, Any] = {
    "log_json": Annotated[
        Path | None,
        typer.Option(
            envvar="OMENTUM_LOG_JSON",
            show_envvar=True,
            metavar="FILE",
            help="Add what happens to a file, as lines of JSON.",
        ),
    ]
}
_RUN_OPTIONS: dict[str, Any] = {
    "report": Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write what was done, with what and how fast, as JSON."),
    ],
    "metrics": Annotated[
        int | None,
        typer.Option(metavar="PORT", min=0, max=65535, help="Serve metrics for Prometheus on this machine."),
    ],
    "metrics_file": Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write metrics for Prometheus to a file, such as run.prom."),
    ],
}


def with_log_options(command: _Command) -> _Command:
    """Give a command `--log-json`; a function that has it already stays as it is."""
    if "log_json" in inspect.signature(command).parameters:
        return command
    return _with_options(command, _LOG_OPTIONS, _logging)


def with_run_options(command: _Command) -> _Command:
    """Give a command that works on many cases `--report`, `--metrics` and `--metrics-file`."""
    return _with_options(command, _RUN_OPTIONS, _watching)


def _logging(log_json: Path | None) -> AbstractContextManager[None]:
    if log_json is not None:
        from omentum.app.json_log import begin_log

        begin_log(log_json)  # the command line ends it, as only there it is known how the command ended
    return nullcontext()


def _watching(**asked: Any) -> AbstractContextManager[None]:
    if all(value is None for value in asked.values()):
        return nullcontext()
    from omentum.app.run_watch import watching_run

    return watching_run(**asked)


def _with_options(
    command: _Command, options: Mapping[str, Any], use: Callable[..., AbstractContextManager[None]]
) -> _Command:
    """Add options to a command, which are its arguments; each is `None` where it is not given.

    Args:
        command: A function as Typer takes it.
        options: Annotated types by name.
        use: Gets the values; the command runs inside of what it returns.
    """
    shown = inspect.signature(command)

    @wraps(command)
    def whole(*arguments: Any, **values: Any) -> Any:
        with use(**{name: values.pop(name, None) for name in options}):
            return command(*arguments, **values)

    added = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=option)
        for name, option in options.items()
    ]
    whole.__signature__ = shown.replace(parameters=[*shown.parameters.values(), *added])  # type: ignore[attr-defined]
    whole.__annotations__ = {**command.__annotations__, **options}
    return whole
