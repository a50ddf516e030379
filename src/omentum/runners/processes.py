"""How does work run in several processes, none of which outlives the one that began it?

In:  how many.
Out: a pool of them. They are started afresh, as a fork would share the database's connections.
"""

import multiprocessing
import os
import signal
import threading
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.connection import wait

__all__ = ["n_processors", "worker_processes"]


def worker_processes(n_workers: int) -> ProcessPoolExecutor:
    """Start processes that take work that can be pickled.

    They leave an interruption from the keyboard to the process that began them, and end when it does, even
    if it was killed: what they were writing is whole or not there, and nothing writes on behind the back of
    the next run.

    Args:
        n_workers: How many, from 1.
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
