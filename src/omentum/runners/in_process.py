"""How is work done here, one item after another?

In:  as every runner (`omentum.runners.runner`).
Out: as every runner; nothing starts that could outlive this process. Of work in `Steps`, the next item is
     read and the last one written while this one is computed; one thread alone uses the ledger.
"""

import errno
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

from omentum.errors import DiskFullError, OmentumError
from omentum.records import Batch, Failure
from omentum.runners.runner import Ledger, Outcome, Progress
from omentum.runners.steps import Steps

__all__ = ["InProcessRunner"]

Item = TypeVar("Item")
Result = TypeVar("Result")
_Ends = dict[str, Outcome | Failure]
_Todo = tuple[str, Any, bool]
"""Its name, the item, and whether it is done."""
_End = Callable[[str, Callable[[], Any] | None], None]
"""Told an item's name, and how to finish it; `None` where it is skipped."""

_FULL = (errno.ENOSPC, errno.EDQUOT)
_ONE_ITEM = (OmentumError, MemoryError, OSError)
"""What fails one item alone; any other error is our bug and ends the run."""


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
        progress: Callable[[Progress], None] | None = None,
    ) -> Batch:
        """Do the work on each item that is not done, and note each as soon as it is; see `Runner.run`."""
        keys = [key(item) for item in items]
        if len(set(keys)) < len(keys):
            raise ValueError(f"items must have keys of their own, got {sorted(keys)}")
        ends: _Ends = {}

        def end(name: str, finish: Callable[[], Result] | None) -> None:
            ends[name] = Outcome.SKIPPED if finish is None else _ended(name, finish, ledger)
            if progress is not None:
                progress(_progress(name, ends, len(keys)))

        # Asked one by one, as the work on one item may last for hours.
        todo = ((name, item, ledger.done(name)) for name, item in zip(keys, items, strict=True))
        if isinstance(work, Steps):
            _run_in_steps(todo, work, end)
        else:
            for name, item, is_done in todo:
                end(name, None if is_done else partial(work, item))
        return _batch(ends)


def _run_in_steps(todo: Iterable[_Todo], steps: Steps[Any, Any, Any, Any], end: _End) -> None:
    """Bring items to their ends in order; three are in memory at most."""
    with ThreadPoolExecutor(max_workers=2) as threads:
        last: tuple[str, Callable[[], Any]] | None = None
        try:
            for name, item, reading in _reading_ahead(todo, steps, threads):
                made = None if reading is None else _outcome(partial(_computed, steps, item, reading))
                if last is not None:
                    ended, last = last, None
                    end(*ended)
                if made is None or made.exception() is not None:
                    end(name, None if made is None else made.result)
                else:
                    last = name, threads.submit(steps.write, item, made.result()).result
        finally:  # also when computing was interrupted: what is being written gets done
            if last is not None:
                end(*last)


def _reading_ahead(
    todo: Iterable[_Todo], steps: Steps[Any, Any, Any, Any], threads: Executor
) -> Iterator[tuple[str, Any, Future[Any] | None]]:
    """Give each item with what is read of it, `None` where it is done, while the next one is being read."""
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


def _outcome(function: Callable[[], Any]) -> Future[Any]:
    """Call a function now, and keep what it gives or how it fails."""
    kept: Future[Any] = Future()
    try:
        kept.set_result(function())
    except Exception as error:
        kept.set_exception(error)
    return kept


def _ended(name: str, finish: Callable[[], Result], ledger: Ledger[Result]) -> Outcome | Failure:
    """Bring one item to its end, and note it; give how it failed if it did."""
    try:
        result = finish()
    except DiskFullError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _FULL:
            raise DiskFullError(name, str(error)) from error  # no fault of the item, so not noted of it
        reason = _reason(error)
        ledger.mark_failed(name, reason)
        if not isinstance(error, _ONE_ITEM):
            error.add_note(f"while working on {name}")
            raise
        return Failure(key=name, reason=reason)
    # Outside of the `try`, as trouble with the ledger is no fault of the item either.
    ledger.mark_done(name, result)
    return Outcome.DONE


def _reason(error: Exception) -> str:
    if isinstance(error, MemoryError):
        return "it needs more memory than there is; try it again on a machine with more"
    if isinstance(error, OmentumError):
        return str(error)
    return f"{type(error).__name__}: {error}"


def _progress(name: str, ends: Mapping[str, Outcome | Failure], n_items: int) -> Progress:
    end = ends[name]
    outcome = Outcome.FAILED if isinstance(end, Failure) else end
    return Progress(key=name, outcome=outcome, n_ended=len(ends), n_items=n_items)


def _batch(ends: Mapping[str, Outcome | Failure]) -> Batch:
    return Batch(
        done=tuple(name for name, end in ends.items() if end is Outcome.DONE),
        skipped=tuple(name for name, end in ends.items() if end is Outcome.SKIPPED),
        failed=tuple(end for end in ends.values() if isinstance(end, Failure)),
    )
