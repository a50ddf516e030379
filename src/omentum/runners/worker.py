"""Work on jobs in a process of a `ProcessRunner`, as they come through a pipe.

Of work in `Steps`, one item is read and another written by threads, while a third is computed.
"""

import multiprocessing
import os
import pickle
import queue
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from typing import Any

from omentum.runners.jobs import Job
from omentum.runners.measure import PeakMemory
from omentum.runners.outcomes import CallOutcome, outcome_of
from omentum.runners.shared_ledger import Measured
from omentum.runners.steps import Steps

__all__ = ["begin_process", "serve"]


def begin_process() -> None:
    """Ignore the keyboard and a closed terminal, and end when the process that began this one does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def serve(connection: Connection, work: bytes) -> None:
    """Work on jobs until the other end of the pipe is closed.

    Args:
        connection: Jobs come from it, pickled; outcomes of `Measured` by key go back, and before them one
            without a key, which tells whether the work could be loaded.
        work: What is done with each job, pickled.
    """
    begin_process()
    signal.signal(signal.SIGTERM, lambda *_: None)  # it may be sent to all; the process that began this acts
    answers = _Answers(connection)
    loaded = outcome_of(pickle.loads, work)
    answers.send(None, CallOutcome(None, loaded.error, loaded.seconds))
    if loaded.error is None:
        _run(connection, loaded.get(), answers)


class _Answers:
    """Sends outcomes, from any thread."""

    def __init__(self, connection: Connection) -> None:
        self._connection, self._lock = connection, threading.Lock()

    def send(self, key: str | None, outcome: CallOutcome[Any]) -> None:
        pickled = outcome_of(pickle.dumps, (key, outcome))
        if pickled.error is not None:  # what cannot be pickled cannot be answered
            pickled = outcome_of(pickle.dumps, (key, CallOutcome(None, pickled.error, 0.0)))
        with self._lock, suppress(ConnectionError):  # the program has ended; soon this process does, too
            self._connection.send_bytes(pickled.get())


def _run(connection: Connection, work: Callable[[Any], Any], answers: _Answers) -> None:
    memory = PeakMemory()
    if isinstance(work, Steps):
        _run_in_steps(connection, work, answers, memory)
        return
    while (job := _next(connection)) is not None:
        memory.begin(job.key)
        answers.send(job.key, measured(outcome_of(work, job.item), memory.end(job.key)))


def measured(outcome: CallOutcome[Any], peak_bytes: int | None) -> CallOutcome[Any]:
    """Put what the work on a job took beside its result."""
    if outcome.error is not None:
        return outcome
    result = Measured(result=outcome.value, seconds=outcome.seconds, peak_bytes=peak_bytes)
    return CallOutcome(result, None, outcome.seconds)


def _next(connection: Connection) -> Job | None:
    try:
        job = pickle.loads(connection.recv_bytes())
    except (EOFError, ConnectionError):
        return None
    assert isinstance(job, Job)
    return job


_Reading = tuple[Job, Future[CallOutcome[Any]]]


def _run_in_steps(
    connection: Connection, steps: Steps[Any, Any, Any, Any], answers: _Answers, memory: PeakMemory
) -> None:
    reader, writer = ThreadPoolExecutor(1), ThreadPoolExecutor(1)
    came: queue.SimpleQueue[_Reading | None] = queue.SimpleQueue()

    def receive() -> None:
        while (job := _next(connection)) is not None:
            memory.begin(job.key)
            came.put((job, reader.submit(outcome_of, steps.read, job.item)))
        came.put(None)

    def write(job: Job, made: CallOutcome[Any]) -> None:
        ended = then(made, steps.write, job.item)
        answers.send(job.key, measured(ended, memory.end(job.key)))

    threading.Thread(target=receive, daemon=True).start()
    while (one := came.get()) is not None:
        job, reading = one
        writer.submit(write, job, then(reading.result(), steps.compute, job.item))
    writer.shutdown()


def then(before: CallOutcome[Any], function: Callable[[Any, Any], Any], item: Any) -> CallOutcome[Any]:
    """Go on with what a step gave, if it was no error; the time of both counts."""
    if before.error is not None:
        return before
    after = outcome_of(function, item, before.value)
    return CallOutcome(after.value, after.error, before.seconds + after.seconds)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
