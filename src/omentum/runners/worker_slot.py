"""Begin, watch and end one process of a `ProcessRunner`."""

import multiprocessing
import os
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Any

from omentum.runners.jobs import Job
from omentum.runners.measure import resident_bytes
from omentum.runners.outcomes import CallOutcome
from omentum.runners.slots import Limits, ProcessSlot
from omentum.runners.worker import serve

__all__ = ["WorkerSlot"]

_END_WITHIN_S = 10.0
_THREADS = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS",
)


class WorkerSlot(ProcessSlot):
    """One process, which is spawned, as a fork would share the database's connections.

    Args:
        work: What it does with each job, pickled.
        n_jobs: Most jobs that it has at a time.
        limits: What a job may take.
        n_threads: With which it computes; `None` leaves that to the environment.
    """

    def __init__(self, work: bytes, n_jobs: int, limits: Limits, n_threads: int | None) -> None:
        super().__init__(n_jobs, limits)
        self._work, self._n_threads = work, n_threads
        self._process: SpawnProcess | None = None
        self._connection: Connection | None = None

    @property
    def waits_on(self) -> list[Any]:
        """What becomes ready when the process has something to tell, or ends."""
        if self._process is None or self._connection is None:
            return []
        return [self._connection, self._process.sentinel]

    def close(self) -> None:
        """See `ProcessSlot.close`."""
        if self._process is not None and self._connection is not None:
            self._connection.close()
            self._process.join(_END_WITHIN_S)
        self.kill()

    def kill(self) -> None:
        """See `ProcessSlot.kill`."""
        if self._process is not None and self._connection is not None:
            self._process.kill()
            self._process.join()
            self._process.close()
            self._connection.close()
        self._process = self._connection = None

    @property
    def _is_running(self) -> bool:
        return self._process is not None

    def _start(self) -> None:
        self._connection, theirs = multiprocessing.Pipe()
        context = multiprocessing.get_context("spawn")
        self._process = context.Process(target=serve, args=(theirs, self._work))
        with _threads(self._n_threads):
            self._process.start()
        theirs.close()  # so that this end sees when the process is gone

    def _send(self, job: Job) -> None:
        assert self._connection is not None
        pickled = pickle.dumps(job)
        try:
            self._connection.send_bytes(pickled)
        except OSError:
            return  # the process has ended, which is seen when it is looked at next

    def _answers(self) -> list[tuple[str | None, CallOutcome[Any]]]:
        answers = []
        try:
            while self._connection is not None and self._connection.poll():
                answers.append(pickle.loads(self._connection.recv_bytes()))
        except (EOFError, OSError):
            pass  # the process has ended
        return answers

    def _death(self) -> str | None:
        code = None if self._process is None else self._process.exitcode
        if code is None:
            return None
        return f"signal {-code}" if code < 0 else f"exit status {code}"

    def _used_bytes(self) -> int | None:
        pid = None if self._process is None else self._process.pid
        return None if pid is None else resident_bytes(pid)


@contextmanager
def _threads(n_threads: int | None) -> Iterator[None]:
    """Let processes that are started compute with so many threads; libraries read it when they are loaded."""
    before = {name: os.environ.get(name) for name in _THREADS}
    if n_threads is not None:
        os.environ.update(dict.fromkeys(_THREADS, str(n_threads)))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
