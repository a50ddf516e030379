"""Do jobs in a few threads at once; what is done to one case is done one after the other."""

import queue
import threading
import zlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Generic, TypeVar

__all__ = ["CaseLocks", "CaseThreads"]

_Job = TypeVar("_Job")
_N_LOCKS = 256


class CaseLocks:
    """A lock for each case; a few cases share one.

    Example:
        >>> locks = CaseLocks()
        >>> with locks.of("case_1"), locks.of("case_1"):
        ...     print("the same thread may take a lock again")
        the same thread may take a lock again
    """

    def __init__(self) -> None:
        self._locks = [threading.RLock() for _ in range(_N_LOCKS)]

    def of(self, case_id: str) -> AbstractContextManager[bool]:
        """Give the lock of a case."""
        return self._locks[zlib.crc32(case_id.encode()) % _N_LOCKS]


class CaseThreads(Generic[_Job]):
    """Threads that do jobs from when they are started until they are closed.

    Args:
        do: Does one job, and raises nothing.
        n: Number of threads.
        name: Of the threads, for those who look at a running program.
    """

    def __init__(self, do: Callable[[_Job], None], n: int, name: str) -> None:
        self._do = do
        self._queues = [queue.Queue[_Job | threading.Event | None]() for _ in range(n)]
        self._threads = [
            threading.Thread(target=self._work, args=(one,), name=name, daemon=True) for one in self._queues
        ]

    def start(self) -> None:
        """Begin with what was put in before."""
        for thread in self._threads:
            thread.start()

    def put(self, case_id: str, job: _Job) -> None:
        """Let a job be done, after those of the same case."""
        self._queue_of(case_id).put(job)

    def wait(self, case_id: str, seconds: float) -> bool:
        """Wait until the jobs of a case that were put in so far are done; false if that takes longer."""
        are_done = threading.Event()
        self._queue_of(case_id).put(are_done)
        return are_done.wait(seconds)

    def join(self) -> None:
        """Wait until all jobs that were put in are done."""
        for one in self._queues:
            one.join()

    def close(self) -> None:
        """End the threads, once all jobs are done."""
        for one in self._queues:
            one.put(None)
        for thread in self._threads:
            thread.join()

    def _queue_of(self, case_id: str) -> "queue.Queue[_Job | threading.Event | None]":
        return self._queues[zlib.crc32(case_id.encode()) % len(self._queues)]

    def _work(self, jobs: "queue.Queue[_Job | threading.Event | None]") -> None:
        while (job := jobs.get()) is not None:
            if isinstance(job, threading.Event):
                job.set()
            else:
                self._do(job)
            jobs.task_done()
        jobs.task_done()
