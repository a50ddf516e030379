"""Keep what is done in memory, where there is no project."""

import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from omentum.records import Failure
from omentum.records.jobs import MOST_ATTEMPTS, JobState, Left, given_up, worn_out

__all__ = ["MemoryJobs", "MemoryLedger", "MemorySharedLedger"]

Result = TypeVar("Result")


class MemoryLedger(Generic[Result]):
    """A ledger that keeps the results themselves.

    Example:
        >>> ledger = MemoryLedger[int]()
        >>> ledger.mark_done("a", 7)
        >>> ledger.done("a"), ledger.results
        (True, {'a': 7})
    """

    def __init__(self) -> None:
        self.results: dict[str, Result] = {}
        self._reasons: dict[str, str] = {}

    @property
    def failures(self) -> list[Failure]:
        """What failed, by key."""
        return [Failure(key=key, reason=reason) for key, reason in sorted(self._reasons.items())]

    def done(self, key: str) -> bool:
        """Tell whether an item is done."""
        return key in self.results

    def mark_done(self, key: str, result: Result) -> None:
        """Keep the result of an item; a failure noted before is gone."""
        self.results[key] = result
        self._reasons.pop(key, None)

    def mark_failed(self, key: str, reason: str) -> None:
        """Keep why an item failed; one that is done stays done."""
        if key not in self.results:
            self._reasons[key] = reason


@dataclass(slots=True)
class _Job:
    state: JobState = JobState.DUE
    attempts: int = 0
    worker: str | None = None
    until: float = 0.0
    """When its lease or its pause ends."""
    reason: str | None = None
    cost: tuple[float | None, int | None] = (None, None)


class MemoryJobs(Generic[Result]):
    """The jobs that shared ledgers of one process have in common, with their results.

    Args:
        clock: Gives the time in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.results: dict[str, Result] = {}
        self.lock = threading.RLock()
        self.jobs: dict[str, _Job] = {}

    @property
    def failures(self) -> list[Failure]:
        """What failed, by key."""
        with self.lock:
            failed = sorted((key, job) for key, job in self.jobs.items() if job.state is JobState.FAILED)
            return [Failure(key=key, reason=job.reason or "") for key, job in failed]

    @property
    def costs(self) -> dict[str, tuple[float | None, int | None]]:
        """Seconds and bytes of the jobs that are done."""
        with self.lock:
            return {key: job.cost for key, job in self.jobs.items() if job.state is JobState.DONE}


class MemorySharedLedger(Generic[Result]):
    """A shared ledger, as one worker sees it, that keeps the results themselves.

    Args:
        jobs: What all workers have in common.
        worker: Whose ledger it is.
        lease_s: How long the worker has what it claims, in seconds.

    Example:
        >>> jobs = MemoryJobs[int]()
        >>> one, other = MemorySharedLedger(jobs, "one"), MemorySharedLedger(jobs, "other")
        >>> one.offer(["a", "b"]), other.offer(["a", "b"])
        (None, None)
        >>> one.claim(1), other.claim(2)
        (['a'], ['b'])
    """

    is_shared = True

    def __init__(self, jobs: MemoryJobs[Result], worker: str, *, lease_s: float = 120.0) -> None:
        self._jobs, self._worker, self._lease_s = jobs, worker, lease_s
        self._offered: dict[str, None] = {}

    def done(self, key: str) -> bool:
        """Tell whether an item is done."""
        return key in self._jobs.results

    def mark_done(self, key: str, result: Result) -> None:
        """Keep the result of an item; a failure noted before is gone."""
        with self._jobs.lock:
            self._jobs.results[key] = result
            job = self._jobs.jobs.setdefault(key, _Job())
            job.state, job.reason = JobState.DONE, None

    def mark_failed(self, key: str, reason: str) -> None:
        """Keep why an item failed; one that is done stays done."""
        with self._jobs.lock:
            job = self._jobs.jobs.setdefault(key, _Job())
            if job.state is not JobState.DONE:
                job.state, job.reason = JobState.FAILED, reason

    def offer(self, keys: Sequence[str]) -> None:
        """See `SharedLedger.offer`."""
        with self._jobs.lock:
            self._offered.update(dict.fromkeys(keys))
            for key in keys:
                job = self._jobs.jobs.get(key)
                if job is None or job.state is JobState.FAILED:
                    self._jobs.jobs[key] = _Job()

    def claim(self, n: int) -> list[str]:
        """See `SharedLedger.claim`."""
        claimed: list[str] = []
        with self._jobs.lock:
            now = self._jobs.clock()
            for key, job in self._open():
                if len(claimed) == n:
                    break
                if job.until > now:
                    continue
                if job.state is JobState.CLAIMED and job.attempts >= MOST_ATTEMPTS:
                    job.state, job.reason = JobState.FAILED, given_up(job.worker)
                    continue
                job.state, job.worker, job.until = JobState.CLAIMED, self._worker, now + self._lease_s
                job.attempts += 1
                claimed.append(key)
        return claimed

    def renew(self) -> set[str]:
        """See `SharedLedger.renew`."""
        with self._jobs.lock:
            until = self._jobs.clock() + self._lease_s
            mine = dict(self._mine())
            for job in mine.values():
                job.until = until
            return set(mine)

    def give_back(self, keys: Collection[str] | None = None) -> None:
        """See `SharedLedger.give_back`."""
        with self._jobs.lock:
            for key, job in self._mine():
                if keys is None or key in keys:
                    job.state, job.until = JobState.DUE, 0.0
                    job.attempts -= 1

    def postpone(self, key: str, reason: str, pause_s: float) -> bool:
        """See `SharedLedger.postpone`."""
        with self._jobs.lock:
            job = dict(self._mine()).get(key)
            if job is None:
                return True
            if job.attempts >= MOST_ATTEMPTS:
                job.state, job.reason = JobState.FAILED, worn_out(reason)
                return False
            job.state, job.reason, job.until = JobState.DUE, reason, self._jobs.clock() + pause_s
            return True

    def left(self) -> Left:
        """See `SharedLedger.left`."""
        with self._jobs.lock:
            now = self._jobs.clock()
            open_jobs = [job for _, job in self._open()]
            at_others = [
                job for job in open_jobs if job.state is JobState.CLAIMED and job.worker != self._worker
            ]
            later = [job for job in open_jobs if job.state is JobState.DUE and job.until > now]
            waits = [job.until - now for job in (*later, *at_others) if job.until > now]
            return Left(
                now=sum(job.until <= now for job in open_jobs),
                later_s=min(waits, default=None),
                others=sum(job.until > now for job in at_others),
            )

    def ended(self) -> Mapping[str, str | None]:
        """See `SharedLedger.ended`."""
        with self._jobs.lock:
            jobs = {key: self._jobs.jobs[key] for key in self._offered}
            ends = (JobState.DONE, JobState.FAILED)
            return {key: job.reason for key, job in jobs.items() if job.state in ends}

    def note_cost(self, key: str, *, seconds: float | None, peak_bytes: int | None) -> None:
        """See `SharedLedger.note_cost`."""
        with self._jobs.lock:
            self._jobs.jobs[key].cost = seconds, peak_bytes

    def _open(self) -> Iterator[tuple[str, _Job]]:
        """Yield the offered jobs that have not ended, in the order in which they were offered."""
        for key in self._offered:
            job = self._jobs.jobs[key]
            if job.state in (JobState.DUE, JobState.CLAIMED):
                yield key, job

    def _mine(self) -> list[tuple[str, _Job]]:
        return [
            (key, job)
            for key, job in self._jobs.jobs.items()
            if job.state is JobState.CLAIMED and job.worker == self._worker
        ]
