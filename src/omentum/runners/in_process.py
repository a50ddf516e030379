"""Do one item of work after another, in this process.

Of work in `Steps`, the next item is read and the last one written while this one is computed; one thread
alone uses the ledger.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from functools import partial
from typing import Any

from omentum.runners.runner import JobEnds, Runner, Todo
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

    def _run_all(self, todo: Todo, work: Callable[[Any], Any], ends: JobEnds) -> None:
        if isinstance(work, Steps):
            _run_in_steps(todo, work, ends)
        else:
            for name, item, is_done in todo:
                ends.end(name, None if is_done else partial(work, item))


def _run_in_steps(todo: Todo, steps: Steps[Any, Any, Any, Any], ends: JobEnds) -> None:
    """Bring items to their ends in order; three are in memory at most."""
    with ThreadPoolExecutor(max_workers=2) as threads:
        last: tuple[str, Callable[[], Any]] | None = None
        try:
            for name, item, reading in _reading_ahead(todo, steps, threads):
                made = None if reading is None else _called(partial(_computed, steps, item, reading))
                if last is not None:
                    ended, last = last, None
                    ends.end(*ended)
                if made is None or made.exception() is not None:
                    ends.end(name, None if made is None else made.result)
                else:
                    last = name, threads.submit(steps.write, item, made.result()).result
        finally:  # also when computing was interrupted: what is being written gets done
            if last is not None:
                ends.end(*last)


def _reading_ahead(
    todo: Todo, steps: Steps[Any, Any, Any, Any], threads: Executor
) -> Iterator[tuple[str, Any, Future[Any] | None]]:
    """Yield each item with its reading, `None` where it is done, while the next one is being read."""
    reading = (
        (name, item, None if is_done else threads.submit(steps.read, item)) for name, item, is_done in todo
    )
    current = next(reading, None)
    while current is not None:
        following = next(reading, None)
        yield current
        current = following


def _computed(steps: Steps[Any, Any, Any, Any], item: Any, reading: Future[Any]) -> Any:
    return steps.compute(item, reading.result())


def _called(function: Callable[[], Any]) -> Future[Any]:
    """Call a function now, and keep its result or its error."""
    kept: Future[Any] = Future()
    try:
        kept.set_result(function())
    except Exception as error:
        kept.set_exception(error)
    return kept
