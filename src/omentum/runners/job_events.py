"""Tell what becomes of each job while a run goes on, for a view, a log, metrics or a report."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from omentum.records import Failure

__all__ = ["JobEnd", "JobWatcher", "tell_failures", "watcher_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEnd:
    """How the work on one item ended."""

    step: str
    """Name of the work, such as `predict`."""
    key: str
    outcome: Literal["done", "skipped", "failed"]
    """`skipped`: it was done before, or by another program."""
    reason: str | None = None
    """Why it failed."""
    seconds: float | None = None
    """What the work took; `None` if it was not measured."""
    peak_bytes: int | None = None
    """Most memory that its process used; `None` if it was not measured."""


@runtime_checkable
class JobWatcher(Protocol):
    """What a `Progress` may have besides, to be told of each job."""

    def run_began(self, step: str, n_total: int) -> None:
        """Take note that a run over so many items begins."""
        ...

    def job_began(self, step: str, key: str) -> None:
        """Take note that the work on an item begins."""
        ...

    def job_ended(self, end: JobEnd) -> None:
        """Take note of how an item ended; one that was skipped never began."""
        ...


def watcher_of(progress: object) -> JobWatcher | None:
    """Give what a run tells of each job: its `progress`, if that wants to know; else `None`."""
    return progress if isinstance(progress, JobWatcher) else None


def tell_failures(progress: object, step: str, failures: Iterable[Failure]) -> None:
    """Tell `progress` of items that failed before a runner got them."""
    watcher = watcher_of(progress)
    if watcher is not None:
        for one in failures:
            watcher.job_ended(JobEnd(step=step, key=one.key, outcome="failed", reason=one.reason))
