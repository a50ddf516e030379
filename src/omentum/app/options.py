"""Options that several commands have, and what their values mean."""

from typing import Annotated

import typer

from omentum.errors import ConfigError

__all__ = ["AsJson", "Device", "device_named", "listed"]

Device = Annotated[str, typer.Option(help="Where networks run: auto, cpu, cuda, cuda:1.")]
AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]


def device_named(name: str) -> str:
    """Choose the device; `auto` is the GPU where there is one.

    Raises:
        ConfigError: This machine has none of that name.
    """
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=name)
    except (RuntimeError, AssertionError) as error:
        raise ConfigError(
            "--device", name, f"this machine cannot use it: {str(error).splitlines()[0]}"
        ) from None
    return name


def listed(text: str) -> tuple[str, ...]:
    """Give the names in a text with commas between.

    Example:
        >>> listed("liver, spleen")
        ('liver', 'spleen')
    """
    return tuple(name.strip() for name in text.split(",") if name.strip())
