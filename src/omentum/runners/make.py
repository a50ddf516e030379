"""Make a runner by its name."""

from omentum.choices import RUNNERS
from omentum.errors import ConfigError
from omentum.runners.in_process import InProcessRunner
from omentum.runners.processes import ProcessRunner
from omentum.runners.runner import Runner

__all__ = ["make_runner"]


def make_runner(
    name: str,
    *,
    workers: int = 1,
    address: str | None = None,
    job_seconds: float | None = None,
    job_bytes: int | None = None,
) -> Runner:
    """Make a runner.

    Args:
        name: One of `RUNNERS`.
        workers: Jobs at a time.
        address: Of a Ray cluster; `None` begins one on this machine.
        job_seconds: Longest time of a job; `None` if there is no limit.
        job_bytes: Most memory of a job; `None` if there is no limit.

    Raises:
        ConfigError: There is none of that name.
    """
    del address
    if name == "in-process":
        return InProcessRunner()
    if name == "processes":
        return ProcessRunner(workers, job_seconds=job_seconds, job_bytes=job_bytes)
    raise ConfigError("runner", name, f"known are {', '.join(RUNNERS)}")
