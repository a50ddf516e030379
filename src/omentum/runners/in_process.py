"""How is work done here, one item after another?

In:  as every runner (`omentum.runners.runner`).
Out: as every runner; nothing starts that could outlive this process.
"""

import errno
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from omentum.errors import DiskFullError, OmentumError
from omentum.records import Batch, Failure
from omentum.runners.runner import Ledger, Outcome, Progress

__all__ = ["InProcessRunner"]

Item = TypeVar("Item")
Result = TypeVar("Result")

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
        ends: dict[str, Outcome | Failure] = {}
        for name, item in zip(keys, items, strict=True):
            ends[name] = _ended(name, item, work, ledger)
            if progress is not None:
                progress(_progress(name, ends, len(keys)))
        return _batch(ends)


def _ended(
    name: str, item: Item, work: Callable[[Item], Result], ledger: Ledger[Result]
) -> Outcome | Failure:
    """Bring one item to its end, and note it; give how it failed if it did."""
    if ledger.done(name):
        return Outcome.SKIPPED
    try:
        result = work(item)
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
