"""Do one item of work after another, in this process.

Of work in `Steps`, the next item is read and the last one written while this one is computed; one thread
alone uses the ledger.
"""

from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from omentum.runners.jobs import Job, Jobs
from omentum.runners.measure import Timed, most_memory_bytes, timed
from omentum.runners.runner import Runner
from omentum.runners.shared_ledger import Measured
from omentum.runners.steps import Steps

__all__ = ["InProcessRunner"]


class InProcessRunner(Runner):
    """Does one item after another, in this process.

    Example:
        >>> from omentum.runners.memory_ledger import MemoryLedger
        >>> ledger = MemoryLedger[int]()
        >>> InProcessRunner().run(["a", "bb"], len, key=str, ledger=ledger).done
        ('a', 'bb')
        >>> ledger.results
        {'a': 1, 'bb': 2}
    """

    def _run_all(self, jobs: Jobs, work: Callable[[Any], Any]) -> None:
        if isinstance(work, Steps):
            threads = ThreadPoolExecutor(max_workers=2)
            try:
                _run_in_steps(jobs, work, threads)
            finally:  # after an interruption what is being read is not waited for
                threads.shutdown(wait=False, cancel_futures=True)
            return
        while taken := jobs.take(1, wait=True):
            jobs.end(taken[0].key, partial(_measured, work, taken[0].item))


@dataclass(frozen=True, slots=True)
class _Reading:
    job: Job
    given: Future[Timed[Any]]


def _run_in_steps(jobs: Jobs, steps: Steps[Any, Any, Any, Any], threads: Executor) -> None:
    """Bring items to their ends in order; three are in memory at most."""
    last: tuple[str, Callable[[], Any]] | None = None
    try:
        current = _reading(jobs, steps, threads, wait=True)
        while current is not None:
            following = _reading(jobs, steps, threads, wait=False)
            made = _called(partial(_computed, steps, current))
            if last is not None:
                ended, last = last, None
                jobs.end(*ended)
            if made.exception() is not None:
                jobs.end(current.job.key, made.result)
            else:
                last = current.job.key, _writing(steps, current.job.item, made.result(), threads)
            if following is None:  # what comes next may be long in coming, so this one is ended before
                if last is not None:
                    ended, last = last, None
                    jobs.end(*ended)
                following = _reading(jobs, steps, threads, wait=True)
            current = following
    finally:  # also when computing was interrupted: what is being written gets done
        if last is not None:
            jobs.end(*last)


def _reading(
    jobs: Jobs, steps: Steps[Any, Any, Any, Any], threads: Executor, *, wait: bool
) -> _Reading | None:
    """Take the next item and begin to read it; `None` if there is none."""
    taken = jobs.take(1, wait=wait)
    return _Reading(taken[0], threads.submit(timed, steps.read, taken[0].item)) if taken else None


def _computed(steps: Steps[Any, Any, Any, Any], reading: _Reading) -> Timed[Any]:
    """Compute on an item; the time that it took to read it counts."""
    given = reading.given.result()
    made = timed(steps.compute, reading.job.item, given.value)
    return Timed(made.value, given.seconds + made.seconds)


def _writing(
    steps: Steps[Any, Any, Any, Any], item: Any, made: Timed[Any], threads: Executor
) -> Callable[[], Measured[Any]]:
    """Begin to write an item, and give what waits for that."""
    written = threads.submit(timed, steps.write, item, made.value)

    def finish() -> Measured[Any]:
        end = written.result()
        seconds = made.seconds + end.seconds
        return Measured(result=end.value, seconds=seconds, peak_bytes=most_memory_bytes())

    return finish


def _measured(work: Callable[[Any], Any], item: Any) -> Measured[Any]:
    made = timed(work, item)
    return Measured(result=made.value, seconds=made.seconds, peak_bytes=most_memory_bytes())


def _called(function: Callable[[], Any]) -> Future[Any]:
    """Call a function now, and keep its result or its error."""
    kept: Future[Any] = Future()
    try:
        kept.set_result(function())
    except Exception as error:
        kept.set_exception(error)
    return kept
