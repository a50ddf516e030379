"""Begin, watch and end one process of a `ProcessRunner`."""

import multiprocessing
import pickle
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from omentum.runners.fork_server import start_process
from omentum.runners.jobs import Job
from omentum.runners.measure import resident_bytes
from omentum.runners.outcomes import CallOutcome
from omentum.runners.slots import Limits, ProcessSlot
from omentum.runners.worker import serve

__all__ = ["WorkerSlot"]

_END_WITHIN_S = 10.0


class WorkerSlot(ProcessSlot):
    """One process, which is no fork of this one, as that would share the database's connections.

    Args:
        work: What it does with each job, pickled.
        n_jobs: Most jobs that it has at a time.
        limits: What a job may take.
        n_threads: With which it computes; `None` leaves that to the environment.
    """

    def __init__(self, work: bytes, n_jobs: int, limits: Limits, n_threads: int | None) -> None:
        super().__init__(n_jobs, limits)
        self._work, self._n_threads = work, n_threads
        self._process: BaseProcess | None = None
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
        self._process = start_process(serve, theirs, self._work, n_threads=self._n_threads)
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
