"""Check the settings of `[run]` in `omentum.toml`: where the work of a project runs."""

from typing import Annotated

from pydantic import Field, model_validator

from omentum.choices import RUNNERS
from omentum.config import ConfigModel, one_of
from omentum.errors import ConfigError
from omentum.runners.make import make_runner
from omentum.runners.runner import Runner

__all__ = ["RunSettings"]

_GB = 1e9
_SECONDS_A_MINUTE = 60.0
_ALONE = "in-process"


class RunSettings(ConfigModel, frozen=True, title="[run] of omentum.toml"):
    """Where and how the jobs of a project run; nothing of it changes what they make.

    Raises:
        ConfigError: A setting has a value that no run can use.

    Example:
        >>> RunSettings().with_options(runner=None, workers=4).runner
        'processes'
    """

    runner: Annotated[str, one_of(RUNNERS)] = Field(
        default=_ALONE,
        description="in-process works on one case at a time; processes on several, each in a process of its "
        "own; ray on the machines of a Ray cluster. `--runner` of a command goes before this.",
    )
    workers: int = Field(
        default=1,
        ge=1,
        strict=True,
        description="How many cases are worked on at a time. `--workers` of a command goes before this.",
    )
    address: str = Field(
        default="",
        description="Of a Ray cluster, such as auto; without it Ray starts on this machine.",
    )
    job_minutes: float | None = Field(
        default=None,
        gt=0,
        strict=True,
        allow_inf_nan=False,
        description="A case that takes longer fails; without it there is no limit. Not with in-process.",
    )
    job_gb: float | None = Field(
        default=None,
        gt=0,
        strict=True,
        allow_inf_nan=False,
        description="A case that needs more memory, in GB, fails; without it there is no limit. "
        "Not with in-process.",
    )

    @model_validator(mode="after")
    def _fits_the_runner(self) -> "RunSettings":
        if self.runner != _ALONE:
            return self
        if self.workers > 1:
            raise ConfigError("workers", self.workers, "in-process has one; name the runner processes or ray")
        for name in ("job_minutes", "job_gb"):
            if getattr(self, name) is not None:
                rule = "in-process cannot end a case; name the runner processes or ray"
                raise ConfigError(name, getattr(self, name), rule)
        return self

    def with_options(self, *, runner: str | None, workers: int | None) -> "RunSettings":
        """Put what a command was told in the place of what the file says; several workers are processes.

        Raises:
            ConfigError: The options and the other settings do not go together.
        """
        if runner is None and workers is not None and workers > 1 and self.runner == _ALONE:
            runner = "processes"
        if runner == _ALONE:
            return RunSettings(runner=runner, workers=workers or 1)
        changes = {"runner": runner, "workers": workers}
        return self.changed(**{name: value for name, value in changes.items() if value is not None})

    def make(self) -> Runner:
        """Make the runner.

        Raises:
            ConfigError: It cannot run here.
        """
        return make_runner(
            self.runner,
            workers=self.workers,
            address=self.address or None,
            job_seconds=None if self.job_minutes is None else self.job_minutes * _SECONDS_A_MINUTE,
            job_bytes=None if self.job_gb is None else round(self.job_gb * _GB),
        )
