"""Run work in several processes, which end with the process that began them."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial
from multiprocessing.connection import wait
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from omentum.runners.runner import JobEnds, Runner, Todo

__all__ = ["ProcessRunner", "WorkAhead", "n_processors", "worker_processes"]

Item = TypeVar("Item")
Result = TypeVar("Result")

_LEAST_ITEMS = 64
"""Fewer are done sooner than processes have started."""
_MOST_WORKERS = 8
_N_AHEAD = 64


class ProcessRunner(Runner):
    """Does several items at a time, each in a process; items, the work and its results must be picklable.

    Args:
        n_workers: How many at a time.
    """

    def __init__(self, n_workers: int = 2) -> None:
        self._n_workers = n_workers

    def _run_all(self, todo: Todo, work: Callable[[Any], Any], ends: JobEnds) -> None:
        with worker_processes(self._n_workers) as pool:
            futures = {}
            try:
                for name, item, is_done in todo:
                    if is_done:
                        ends.end(name, None)
                    else:
                        futures[pool.submit(work, item)] = name
                for future in as_completed(futures):
                    ends.end(futures[future], future.result)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise


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
    return ProcessPoolExecutor(n_workers, mp_context=context, initializer=_begin)


def n_processors() -> int:
    """Count the processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _begin() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
