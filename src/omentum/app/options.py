"""Options that several commands have, and how their values are read."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from omentum.choices import RUNNERS
from omentum.errors import ConfigError

if TYPE_CHECKING:
    from omentum.project.project import Project
    from omentum.runners.runner import Runner

__all__ = [
    "AcceptValues",
    "AsJson",
    "By",
    "Device",
    "HuOffset",
    "ResampleSlices",
    "ResampleTilt",
    "RunnerName",
    "Why",
    "Workers",
    "device_named",
    "listed",
    "minutes_named",
    "project_of",
    "runner_named",
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
RunnerName = Annotated[
    str | None,
    typer.Option(
        "--runner", help=f"Where the work runs: {', '.join(RUNNERS)}. Default: that of the settings."
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(
        "--workers",
        min=1,
        help="Cases at a time, each in a process of its own. Default: that of the settings.",
    ),
]
Why = Annotated[str, typer.Option(help="The reason; it is kept.")]


@contextmanager
def project_of(
    context: typer.Context,
    *,
    looking: bool = False,
    shard: str = "",
    runner: str | None = None,
    workers: int | None = None,
) -> Iterator["Project"]:
    """Open the project that the command is about.

    Args:
        context: Of the command.
        looking: For reading only.
        shard: What `--shard` says.
        runner: What `--runner` says.
        workers: What `--workers` says.
    """
    from omentum.app.run_facts import note_project
    from omentum.project.paths import open_project
    from omentum.project.project import opened
    from omentum.runners.shards import Shard

    _, settings = open_project(context.obj)
    chosen = settings.run.with_options(runner=runner, workers=workers).make()
    part = Shard.named(shard) if shard else None
    with opened(context.obj, chosen, looking=looking, shard=part) as project:
        try:
            yield project
        finally:
            note_project(project)


def runner_named(runner: str | None, workers: int | None) -> "Runner":
    """Make the runner of work that is about no project.

    Raises:
        ConfigError: There is none of that name, or it has one worker only.
    """
    from omentum.project.run_settings import RunSettings

    return RunSettings().with_options(runner=runner, workers=workers).make()


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
