"""Bring the items of one run to their ends: note each in the ledger and report progress."""

import errno
from collections.abc import Callable, Sequence
from typing import Any

from omentum.errors import DiskFullError, OmentumError
from omentum.records import Batch, Failure
from omentum.runners.runner import Ledger, Progress

__all__ = ["JobEnds"]

_FULL = (errno.ENOSPC, errno.EDQUOT)
_ONE_ITEM = (OmentumError, MemoryError, OSError)
"""What fails one item alone; any other error is our bug and ends the run."""


class JobEnds:
    """How the items of a run ended, as the rules of `omentum.runners.runner` say.

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
        self._done: set[str] = set()
        self._skipped: set[str] = set()
        self._failed: dict[str, Failure] = {}

    def end(self, key: str, finish: Callable[[], Any] | None) -> None:
        """End one item: call `finish` and note its result or failure; `None` skips the item."""
        if finish is None:
            self._skipped.add(key)
        else:
            self._finish(key, finish)
        if self._progress is not None:
            n_ended = len(self._done) + len(self._skipped) + len(self._failed)
            note = f"{key} failed" if key in self._failed else key
            self._progress(self._step, n_ended, len(self._keys), note)

    def batch(self) -> Batch:
        """Return what became of the items, in their order."""
        return Batch(
            done=tuple(key for key in self._keys if key in self._done),
            skipped=tuple(key for key in self._keys if key in self._skipped),
            failed=tuple(self._failed[key] for key in self._keys if key in self._failed),
        )

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


def _reason(error: Exception) -> str:
    if isinstance(error, MemoryError):
        return "it needs more memory than there is; try it again on a machine with more"
    return str(error) if isinstance(error, OmentumError) else f"{type(error).__name__}: {error}"
