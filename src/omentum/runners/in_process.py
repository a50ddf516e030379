"""Do one item of work after another, in this process.

Of work in `Steps`, the next item is read and the last one written while this one is computed; one thread
alone uses the ledger.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

from omentum.records import Batch
from omentum.runners.job_ends import JobEnds
from omentum.runners.runner import Ledger, Progress
from omentum.runners.steps import Steps

__all__ = ["InProcessRunner"]

Item = TypeVar("Item")
Result = TypeVar("Result")
_Todo = tuple[str, Any, bool]
"""Its key, the item, and whether it is done."""


class InProcessRunner:
    """Does one item after another, in this process.

    Example:
        >>> from omentum.runners.memory_ledger import MemoryLedger
        >>> ledger = MemoryLedger[int]()
        >>> InProcessRunner().run(["a", "bb"], len, key=str, ledger=ledger).done
        ('a', 'bb')
        >>> ledger.results
        {'a': 1, 'bb': 2}
    """

    def run(
        self,
        items: Sequence[Item],
        work: Callable[[Item], Result],
        *,
        key: Callable[[Item], str],
        ledger: Ledger[Result],
        step: str = "",
        progress: Progress | None = None,
    ) -> Batch:
        """Do the work on each item that is not done, and note each as soon as it is; see `Runner.run`."""
        keys = [key(item) for item in items]
        ends = JobEnds(keys, ledger, step, progress)
        # Asked one by one, as the work on one item may last for hours.
        todo = ((name, item, ledger.done(name)) for name, item in zip(keys, items, strict=True))
        if isinstance(work, Steps):
            _run_in_steps(todo, work, ends)
        else:
            for name, item, is_done in todo:
                ends.end(name, None if is_done else partial(work, item))
        return ends.batch()


def _run_in_steps(todo: Iterable[_Todo], steps: Steps[Any, Any, Any, Any], ends: JobEnds) -> None:
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
    todo: Iterable[_Todo], steps: Steps[Any, Any, Any, Any], threads: Executor
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
