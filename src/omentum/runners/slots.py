"""Keep processes busy that each work on one job, or on one and the next.

What goes wrong in a process is the fault of the job that it worked on: a process that ends, takes too long or
uses too much memory is begun anew. Where two jobs were in it, both are done again, one after the other, to
tell which did it.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from omentum.errors import JobError
from omentum.runners.jobs import Job, Jobs
from omentum.runners.outcomes import CallOutcome

__all__ = ["Limits", "ProcessSlot", "run_in_slots"]

_LOOK_EVERY_S = 0.5
_MOST_ENDS = 2
"""A job in which the process ended this often fails."""
_MOST_FALSE_STARTS = 3
_AS_LIMITED = ", the most that a job may; allow more, or leave it out"
_BYTES_PER_GB = 1e9

End = tuple[str, Callable[[], Any]]
"""A job that ended: its key, and what gives its result or raises its error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one job may take."""

    seconds: float | None = None
    """`None` if there is no limit."""
    n_bytes: int | None = None
    """Memory of its process; `None` if there is no limit."""


@dataclass(slots=True)
class _InWork:
    job: Job
    n_ends: int = 0
    """How often a process ended with it."""


@dataclass(frozen=True, slots=True)
class _Trouble:
    reason: str
    """Why the job fails whose fault it is."""
    kind: str
    """`death`, `time`, `memory` or a false start."""


class ProcessSlot(ABC):
    """One process at a time, and the jobs that it has.

    Args:
        n_jobs: Most jobs that it has at a time; of these one is computed.
        limits: What a job may take. The time of a job is counted from when those before it have ended.
    """

    def __init__(self, n_jobs: int, limits: Limits) -> None:
        self._n_jobs, self._limits = n_jobs, limits
        self._in_work: list[_InWork] = []
        self._again: list[_InWork] = []
        self._is_ready = False
        self._n_false_starts = 0
        self._since = 0.0

    @property
    def n_in_work(self) -> int:
        """Jobs that it has."""
        return len(self._in_work) + len(self._again)

    @property
    def n_free(self) -> int:
        """Jobs that it takes now."""
        is_apart = self._again or any(one.n_ends for one in self._in_work)
        return 0 if is_apart or not self._is_open() else self._n_jobs - len(self._in_work)

    def give(self, job: Job) -> None:
        """Let the process work on a job."""
        self._begin(_InWork(job))

    def ended(self) -> list[End]:
        """Give the jobs that ended since this was asked last; begin the process anew if it went wrong.

        Raises:
            JobError: The process ended before it began to work.
        """
        ends = self._received()
        trouble = self._trouble()
        if trouble is not None:
            ends += self._received()  # what was sent before
            self.kill()
            ends += self._blame(trouble)
            self._is_ready = False
        if self._again and not self._in_work and self._is_open():
            self._begin(self._again.pop(0))
        return ends

    def _is_open(self) -> bool:
        """Return whether a job can be handed over; a process that is begun for it takes it as well."""
        return True

    @abstractmethod
    def close(self) -> None:
        """End the process, which has no job, in peace."""

    @abstractmethod
    def kill(self) -> None:
        """End the process at once, whatever it does."""

    @abstractmethod
    def _start(self) -> None:
        """Start the process."""

    @abstractmethod
    def _send(self, job: Job) -> None:
        """Hand a job to the process."""

    @abstractmethod
    def _answers(self) -> list[tuple[str | None, CallOutcome[Any]]]:
        """Receive what the process has sent: outcomes by key, and one without a key once it is ready."""

    @abstractmethod
    def _death(self) -> str | None:
        """Give how the process ended; `None` if it runs."""

    @abstractmethod
    def _used_bytes(self) -> int | None:
        """Give the memory of the process; `None` if it is not known now."""

    def _begin(self, one: _InWork) -> None:
        if not self._in_work:
            self._since = time.monotonic()
        if not self._is_running:
            self._start()
        self._in_work.append(one)
        self._send(one.job)

    @property
    @abstractmethod
    def _is_running(self) -> bool:
        """Whether a process was started and not stopped."""

    def _received(self) -> list[End]:
        ends: list[End] = []
        for key, outcome in self._answers():
            self._since = time.monotonic()
            if key is None:
                outcome.get()
                self._is_ready, self._n_false_starts = True, 0
                continue
            self._in_work = [one for one in self._in_work if one.job.key != key]
            ends.append((key, outcome.get))
        return ends

    def _trouble(self) -> _Trouble | None:
        death = self._death() if self._is_running else None
        if death is not None:
            reason = f"it ended the process ({death}), also when it was tried again alone; is memory short?"
            return _Trouble(reason, "death" if self._is_ready else f"false start: {death}")
        if not self._in_work or not self._is_ready:
            return None
        seconds, n_bytes = self._limits.seconds, self._limits.n_bytes
        if seconds is not None and time.monotonic() - self._since > seconds:
            return _Trouble(f"it took more than {seconds:g} s{_AS_LIMITED}", "time")
        if n_bytes is not None and (self._used_bytes() or 0) > n_bytes:
            return _Trouble(f"it used more than {n_bytes / _BYTES_PER_GB:.1f} GB{_AS_LIMITED}", "memory")
        return None

    def _blame(self, trouble: _Trouble) -> list[End]:
        """Give the job whose fault it was, if that is known; what else was in work is done again, alone."""
        in_work, self._in_work = self._in_work, []
        if trouble.kind.startswith("false start"):
            self._n_false_starts += 1
            if self._n_false_starts >= _MOST_FALSE_STARTS:
                raise JobError(
                    f"processes end before they begin to work ({trouble.kind}); see what they print"
                )
            self._again += in_work
            return []
        if trouble.kind == "time":
            guilty, *others = in_work
            self._again += others
            return [(guilty.job.key, _raising(JobError(trouble.reason)))]
        for one in in_work:
            one.n_ends += 1
        if len(in_work) == 1 and (trouble.kind == "memory" or in_work[0].n_ends >= _MOST_ENDS):
            return [(in_work[0].job.key, _raising(JobError(trouble.reason)))]
        self._again += in_work
        return []


def run_in_slots(slots: Sequence[ProcessSlot], jobs: Jobs, wait: Callable[[float], None]) -> None:
    """Keep all slots busy until no jobs are left; after an error the processes are killed.

    Args:
        slots: The processes; they are closed in the end.
        jobs: What there is to do.
        wait: Waits until a process has something to tell, for the given seconds at most.
    """
    try:
        while _give(slots, jobs):
            wait(_LOOK_EVERY_S)
            for slot in slots:
                for key, finish in slot.ended():
                    jobs.end(key, finish)
        for slot in slots:
            slot.close()
    except BaseException:
        for slot in slots:
            slot.kill()
        raise


def _give(slots: Sequence[ProcessSlot], jobs: Jobs) -> bool:
    """Give jobs to the slots that have the least; `False` if none are left, and none is in work."""
    is_idle = not any(slot.n_in_work for slot in slots)
    n_free = sum(slot.n_free for slot in slots)
    if not n_free:  # all are busy, or none has begun yet
        return True
    taken = jobs.take(n_free, wait=is_idle)
    for job in taken:
        max(slots, key=lambda slot: (slot.n_free > 0, -slot.n_in_work)).give(job)
    return bool(taken) or not is_idle


def _raising(error: Exception) -> Callable[[], Any]:
    def finish() -> Any:
        raise error

    return finish
