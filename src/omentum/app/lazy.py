"""Load the module of a command only when the command is asked for, with the options that many have."""

from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from omentum.app.common_options import with_log_options, with_run_options

__all__ = ["Entry", "command_group", "lazy_group"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One command or group of commands.

    Attributes:
        name: What users type.
        where: Module in `omentum.app` that has it; after a colon, its name there if it has another.
        summary: One line of help; the first sentence of the command's own.
        is_run: Whether it works on many cases, so that a report and metrics of it make sense.
    """

    name: str
    where: str
    summary: str
    is_run: bool = False

    def load(self) -> Any:
        """Import the module, and build the command."""
        module, _, attribute = self.where.partition(":")
        found = getattr(import_module(f"omentum.app.{module}"), attribute or self.name)
        if not isinstance(found, typer.Typer):
            alone = typer.Typer(rich_markup_mode=None, add_completion=False)
            whole = with_run_options(found) if self.is_run else found
            alone.command(self.name)(with_log_options(whole))
            return get_command(alone)
        for command in found.registered_commands:
            if command.callback is not None:
                command.callback = with_log_options(command.callback)
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
