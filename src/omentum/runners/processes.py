"""Run work in several processes, which end with the process that began them."""

import multiprocessing
import os
import pickle
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing.connection import wait
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from omentum.errors import ConfigError
from omentum.runners.jobs import Jobs
from omentum.runners.runner import Runner
from omentum.runners.slots import Limits, run_in_slots
from omentum.runners.steps import Steps
from omentum.runners.worker import begin_process
from omentum.runners.worker_slot import WorkerSlot

__all__ = ["ProcessRunner", "WorkAhead", "n_processors", "worker_processes"]

Item = TypeVar("Item")
Result = TypeVar("Result")

_LEAST_ITEMS = 64
"""Fewer are done sooner than processes have started."""
_MOST_WORKERS = 8
_N_AHEAD = 64


class ProcessRunner(Runner):
    """Does several items at a time, each in a process of its own, so that a process that ends fails one item.

    Items, the work and its results must be picklable. The work is loaded once in each process. Of work in
    `Steps`, each process reads and writes one item while it computes another.

    Args:
        n_workers: How many at a time.
        threads: With which each process computes; `None` shares the processors among them, or leaves it
            to `OMP_NUM_THREADS` where that is set.
        job_seconds: Longest time of a job, from when its process is free for it; `None` if there is no limit.
        job_bytes: Most memory of the process of a job; `None` if there is no limit.
        waits_for_others: See `Runner`.

    Raises:
        ConfigError: A number is below one, or there is no `/proc`, by which memory is watched.
    """

    def __init__(
        self,
        n_workers: int = 2,
        *,
        threads: int | None = None,
        job_seconds: float | None = None,
        job_bytes: int | None = None,
        waits_for_others: bool = True,
    ) -> None:
        super().__init__(waits_for_others=waits_for_others)
        if n_workers < 1:
            raise ConfigError("workers", n_workers, "it takes one at least")
        if job_bytes is not None and not Path("/proc/self/statm").exists():
            rule = "memory of a job can be watched on Linux only; leave it out here"
            raise ConfigError("job_bytes", job_bytes, rule)
        self._n_workers, self._threads = n_workers, threads
        self._limits = Limits(seconds=job_seconds, n_bytes=job_bytes)

    def _run_all(self, jobs: Jobs, work: Callable[[Any], Any]) -> None:
        pickled = pickle.dumps(work)
        n_jobs = 2 if isinstance(work, Steps) else 1
        n_threads = self._threads
        if n_threads is None and "OMP_NUM_THREADS" not in os.environ:
            n_threads = max(1, n_processors() // self._n_workers)
        slots = [WorkerSlot(pickled, n_jobs, self._limits, n_threads) for _ in range(self._n_workers)]

        def wait_for_any(seconds: float) -> None:
            wait([one for slot in slots for one in slot.waits_on], seconds)

        run_in_slots(slots, jobs, wait_for_any)


class WorkAhead(Generic[Item, Result]):
    """Works ahead on small items in processes, until the end of a `with` block.

    Large items are worked on one by one, here, when they are asked for, so that memory stays flat.

    Args:
        items: All of them, in the order in which they are asked for; these, the work and results can be
            pickled.
        work: Does one; an error is raised when the item's result is asked for.
        is_small: Tells whether an item is worked on ahead.

    Example:
        >>> with WorkAhead(["a", "bb", "ccc"], len, is_small=lambda text: True) as ahead:
        ...     [ahead.take("a"), ahead.take("ccc")]
        [1, 3]
    """

    def __init__(
        self, items: Sequence[Item], work: Callable[[Item], Result], *, is_small: Callable[[Item], bool]
    ) -> None:
        self._work = work
        self._todo = [(item, is_small(item)) for item in reversed(items)]
        self._begun: list[tuple[Item, Callable[[], Result]]] = []
        self._pool: ProcessPoolExecutor | None = None
        if sum(small for _, small in self._todo) >= _LEAST_ITEMS:
            self._pool = worker_processes(min(n_processors(), _MOST_WORKERS))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Begin nothing more, and wait for what is under way."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def take(self, item: Item) -> Result:
        """Return an item's result; items before it that were not asked for are dropped."""
        while True:
            self._begin()
            begun, finish = self._begun.pop(0)
            if begun is item:
                return finish()

    def _begin(self) -> None:
        while self._todo and len(self._begun) < _N_AHEAD:
            item, is_small = self._todo.pop()
            if is_small and self._pool is not None:
                self._begun.append((item, self._pool.submit(self._work, item).result))
            else:
                self._begun.append((item, partial(self._work, item)))


def worker_processes(n_workers: int) -> ProcessPoolExecutor:
    """Start processes for work that can be pickled.

    They are spawned, as a fork would share the database's connections. They ignore an interruption from the
    keyboard, and end when the process that began them does, even if it was killed.
    """
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(n_workers, mp_context=context, initializer=begin_process)


def n_processors() -> int:
    """Count the processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
