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
    waits_for_others: bool = True,
) -> Runner:
    """Make a runner.

    Args:
        name: One of `RUNNERS`.
        workers: Jobs at a time; a Ray cluster with GPUs has one a GPU instead.
        address: Of a Ray cluster; `None` begins one on this machine.
        job_seconds: Longest time of a job; `None` if there is no limit.
        job_bytes: Most memory of the process of a job; `None` if there is no limit.
        waits_for_others: See `Runner`.

    Raises:
        ConfigError: There is none of that name, or it cannot hold a limit here.
    """
    if name == "in-process":
        return InProcessRunner(waits_for_others=waits_for_others)
    if name == "processes":
        return ProcessRunner(
            workers, job_seconds=job_seconds, job_bytes=job_bytes, waits_for_others=waits_for_others
        )
    if name == "ray":
        from omentum.runners.ray_runner import RayRunner

        return RayRunner(
            workers,
            address=address,
            job_seconds=job_seconds,
            job_bytes=job_bytes,
            waits_for_others=waits_for_others,
        )
    raise ConfigError("runner", name, f"known are {', '.join(RUNNERS)}")
