"""Options that several commands have, and how their values are read."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from omentum.errors import ConfigError

if TYPE_CHECKING:
    from omentum.project.project import Project

__all__ = [
    "AcceptValues",
    "AsJson",
    "By",
    "Device",
    "HuOffset",
    "ResampleSlices",
    "ResampleTilt",
    "Why",
    "device_named",
    "listed",
    "minutes_named",
    "project_of",
]

Device = Annotated[str, typer.Option(help="Where networks run: auto, cpu, cuda, cuda:1.")]
ResampleTilt = Annotated[
    bool, typer.Option("--resample-tilt", help="Put tilted DICOM series on an upright grid.")
]
ResampleSlices = Annotated[
    bool, typer.Option("--resample-slices", help="Interpolate DICOM slices at uneven distances.")
]
HuOffset = Annotated[
    float, typer.Option(help="Added to every value of the CTs: -1024 where HU + 1024 was stored.")
]
AcceptValues = Annotated[
    bool, typer.Option("--accept-values", help="Take CTs whose values cannot be Hounsfield units.")
]
AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]
By = Annotated[str, typer.Option(help="Pseudonym of the person who decides.")]
Why = Annotated[str, typer.Option(help="The reason; it is kept.")]


@contextmanager
def project_of(context: typer.Context, *, looking: bool = False) -> Iterator["Project"]:
    """Open the project that the command is about; `looking` for reading only."""
    from omentum.project.project import opened

    with opened(context.obj, looking=looking) as project:
        yield project


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
    """Split a text at commas.

    Example:
        >>> listed("liver, spleen")
        ('liver', 'spleen')
    """
    return tuple(name.strip() for name in text.split(",") if name.strip())


_UNITS = {"h": 60.0, "min": 1.0, "m": 1.0, "": 1.0}
_TIME = re.compile(r"(\d+(?:\.\d*)?|\.\d+)\s*(h|min|m|)", re.IGNORECASE)


def minutes_named(option: str, text: str) -> float:
    """Read a time such as `20h`, `1.5h`, `90min`, `45m` or `45`, in minutes.

    Raises:
        ConfigError: It is no time, or 0.

    Example:
        >>> minutes_named("--budget", "1.5h")
        90.0
    """
    found = _TIME.fullmatch(text.strip())
    minutes = float(found[1]) * _UNITS[found[2].lower()] if found else 0.0
    if not 0.0 < minutes < float("inf"):
        raise ConfigError(option, text, "it must be a time above 0, such as 20h, 90min or, in minutes, 45")
    return minutes
