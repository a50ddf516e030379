"""Load the module of a command only when the command is asked for, and give each command `--log-json`."""

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

__all__ = ["Entry", "command_group", "lazy_group"]

_LogJson = Annotated[
    Path | None,
    typer.Option(
        "--log-json",
        envvar="OMENTUM_LOG_JSON",
        show_envvar=True,
        metavar="FILE",
        help="Add what happens to a file, as lines of JSON.",
    ),
]


@dataclass(frozen=True, slots=True)
class Entry:
    """One command or group of commands.

    Attributes:
        name: What users type.
        where: Module in `omentum.app` that has it; after a colon, its name there if it has another.
        summary: One line of help; the first sentence of the command's own.
    """

    name: str
    where: str
    summary: str

    def load(self) -> Any:
        """Import the module, and build the command."""
        module, _, attribute = self.where.partition(":")
        found = getattr(import_module(f"omentum.app.{module}"), attribute or self.name)
        if not isinstance(found, typer.Typer):
            alone = typer.Typer(rich_markup_mode=None, add_completion=False)
            alone.command(self.name)(_with_log(found))
            return get_command(alone)
        for command in found.registered_commands:
            if command.callback is not None:
                command.callback = _with_log(command.callback)
        return get_command(found)


class _LazyCommand(TyperCommand):
    """Stands for a command until its context is made."""

    def __init__(self, entry: Entry) -> None:
        super().__init__(entry.name, help=entry.summary)
        self._entry = entry

    def make_context(self, info_name: Any, args: list[str], parent: Any = None, **extra: Any) -> Any:
        return self._entry.load().make_context(info_name, args, parent, **extra)


def lazy_group(entries: Iterable[Entry]) -> type[TyperGroup]:
    """Make a group, for `typer.Typer(cls=...)`, that loads its commands when they are asked for."""

    class LazyGroup(TyperGroup):
        def __init__(self, **how: Any) -> None:
            super().__init__(**how)
            for entry in entries:
                self.add_command(_LazyCommand(entry))

    return LazyGroup


def command_group(summary: str) -> typer.Typer:
    """Make an empty group of commands."""
    return typer.Typer(help=summary, no_args_is_help=True, rich_markup_mode=None, add_completion=False)


def _with_log(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--log-json` to the options of a command, which are its arguments."""
    shown = inspect.signature(function)
    if "log_json" in shown.parameters:
        return function

    @wraps(function)
    def logged(*arguments: Any, log_json: Path | None = None, **options: Any) -> Any:
        if log_json is not None:
            from omentum.app.json_log import begin_log

            begin_log(log_json)
        return function(*arguments, **options)

    own = inspect.Parameter("log_json", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=_LogJson)
    logged.__signature__ = shown.replace(parameters=[*shown.parameters.values(), own])  # type: ignore[attr-defined]
    logged.__annotations__ = {**function.__annotations__, "log_json": _LogJson}
    return logged
