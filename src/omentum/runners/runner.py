"""Define what a stage asks of a runner, which does work on many items.

The rules of every runner, which `tests/conformance/test_runner.py` checks:
    - an item that is done is skipped; one that failed is tried again;
    - an `OmentumError`, too little memory and a file that cannot be read or written fail their item alone;
    - a full disk (`DiskFullError`), an interruption and any other error, which is our bug, end the run.
      What was done before is noted, so that the same call continues where it stopped.
"""

import errno
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, TypeVar

from omentum.errors import DiskFullError, OmentumError
from omentum.records import Batch, Failure
from omentum.runners.job_events import JobEnd, watcher_of
from omentum.runners.ledger import Ledger

__all__ = ["JobEnds", "Progress", "Runner", "Todo"]

Item = TypeVar("Item")
Result = TypeVar("Result")
Todo = Iterable[tuple[str, Any, bool]]
"""Items by key, each with whether it is done."""

_FULL = (errno.ENOSPC, errno.EDQUOT)
_ONE_ITEM = (OmentumError, MemoryError, OSError)
"""What fails one item alone; any other error is our bug and ends the run."""


class Progress(Protocol):
    """Receives how far a step is; a progress bar, a log, or a test."""

    def __call__(self, step: str, n_done: int, n_total: int | None, note: str = "", /) -> None:
        """Take note.

        Args:
            step: Name of the step that is under way, such as `predict`.
            n_done: Items, training steps or bytes that are done.
            n_total: How many there are; `None` if unknown, 0 for a message that is about no step.
            note: What was done last, such as the name of a case.
        """
        ...


class JobEnds:
    """How the items of a run ended, as the rules above say.

    Args:
        keys: Of all items, in order.
        ledger: What is done.
        step: Name of the work, for `progress`.
        progress: Called for each item that ended.

    Raises:
        ValueError: Two items have the same key.
    """

    def __init__(
        self, keys: Sequence[str], ledger: Ledger[Any], step: str, progress: Progress | None
    ) -> None:
        if len(set(keys)) < len(keys):
            raise ValueError(f"items must have keys of their own, got {sorted(keys)}")
        self._keys, self._ledger, self._step, self._progress = keys, ledger, step, progress
        self._watcher = watcher_of(progress)
        self._done: set[str] = set()
        self._skipped: set[str] = set()
        self._failed: dict[str, Failure] = {}

    def end(self, key: str, finish: Callable[[], Any] | None) -> None:
        """End one item: call `finish` and note its result or failure; `None` skips the item."""
        if finish is None:
            self._skipped.add(key)
        else:
            self._finish(key, finish)
        if self._watcher is not None:
            self._watcher.job_ended(self._ended(key))
        if self._progress is not None:
            n_ended = len(self._done) + len(self._skipped) + len(self._failed)
            note = f"{key} failed" if key in self._failed else key
            self._progress(self._step, n_ended, len(self._keys), note)

    def is_done(self, key: str) -> bool:
        """Return whether an item is done already; if not, its work begins now, and `progress` is told."""
        is_done = self._ledger.done(key)
        if not is_done and self._watcher is not None:
            self._watcher.job_began(self._step, key)
        return is_done

    def batch(self) -> Batch:
        """Return what became of the items, in their order."""
        return Batch(
            done=tuple(key for key in self._keys if key in self._done),
            skipped=tuple(key for key in self._keys if key in self._skipped),
            failed=tuple(self._failed[key] for key in self._keys if key in self._failed),
        )

    def _ended(self, key: str) -> JobEnd:
        if key in self._failed:
            return JobEnd(step=self._step, key=key, outcome="failed", reason=self._failed[key].reason)
        return JobEnd(step=self._step, key=key, outcome="done" if key in self._done else "skipped")

    def _finish(self, key: str, finish: Callable[[], Any]) -> None:
        try:
            result = finish()
        except DiskFullError:
            raise
        except Exception as error:
            if isinstance(error, OSError) and error.errno in _FULL:
                raise DiskFullError(key, str(error)) from error  # no fault of the item, so not noted of it
            self._failed[key] = Failure(key=key, reason=_reason(error))
            self._ledger.mark_failed(key, _reason(error))
            if not isinstance(error, _ONE_ITEM):
                error.add_note(f"while working on {key}")
                raise
            return
        # Outside of the `try`, as trouble with the ledger is no fault of the item either.
        self._ledger.mark_done(key, result)
        self._done.add(key)


class Runner(ABC):
    """Does work on many items; a subclass says in `_run_all` when and where."""

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
        """Do the work on each item that is not done, and note each as soon as it is.

        Args:
            items: What to work on.
            work: Does one item and has all its files in place when it returns. As it may be killed
                before that is noted, it must give the same when it is called again.
            key: Names an item; no two have the same name.
            ledger: What is done.
            step: Name of the work, for `progress`.
            progress: Called with the key of each item that ended; ` failed` follows the key if it did.

        Returns:
            The keys in the order of the items, whichever ended first.

        Raises:
            DiskFullError: There is no space left to write to.
            ValueError: Two items have the same key.
        """
        keys = [key(item) for item in items]
        ends = JobEnds(keys, ledger, step, progress)
        # Asked one by one, as the work on one item may last for hours.
        todo = ((name, item, ends.is_done(name)) for name, item in zip(keys, items, strict=True))
        self._run_all(todo, work, ends)
        return ends.batch()

    @abstractmethod
    def _run_all(self, todo: Todo, work: Callable[[Any], Any], ends: JobEnds) -> None:
        """Do the work on each item that is not done, and bring each to its end.

        Args:
            todo: In order; the ledger is asked about an item when it is taken.
            work: Does one item.
            ends: Notes how each ended, whichever was first; `None` for one that is done.
        """


def _reason(error: Exception) -> str:
    if isinstance(error, MemoryError):
        return "it needs more memory than there is; try it again on a machine with more"
    return str(error) if isinstance(error, OmentumError) else f"{type(error).__name__}: {error}"
