"""Note how each item of a run ended, in the ledger and for what watches the run."""

import errno
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Literal

from omentum.errors import DiskFullError, OmentumError
from omentum.records import Batch, Failure
from omentum.records.jobs import worn_out
from omentum.runners.job_events import JobEnd, watcher_of
from omentum.runners.ledger import Ledger
from omentum.runners.progress import Progress
from omentum.runners.shared_ledger import Measured, is_shared

__all__ = ["JobEnds"]

Outcome = Literal["done", "skipped", "failed"]

_FULL = (errno.ENOSPC, errno.EDQUOT)
_ONE_ITEM = (OmentumError, MemoryError, OSError)
"""What fails one item alone; any other error is our bug and ends the run."""
_PAUSES_S = (1.0, 5.0)
"""Before an item is tried again of which a file or memory was short; the last one counts from then on."""


class JobEnds:
    """How the items of a run ended, by the rules of `omentum.runners.runner`.

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
        if self._watcher is not None:
            self._watcher.run_began(step, len(keys))
        self._ended: dict[str, JobEnd] = {}
        self._n_pauses = Counter[str]()

    def begin(self, key: str) -> None:
        """Tell `progress` that the work on an item begins."""
        if self._watcher is not None:
            self._watcher.job_began(self._step, key)

    def end(self, key: str, finish: Callable[[], Any]) -> None:
        """End one item: call `finish` and note its result, `Measured` or not, or its failure."""
        try:
            result = finish()
        except DiskFullError:
            raise
        except Exception as error:
            if isinstance(error, OSError) and error.errno in _FULL:
                raise DiskFullError(key, str(error)) from error  # no fault of the item, so not noted of it
            self._end_badly(key, error)
            return
        # Outside of the `try`, as trouble with the ledger is no fault of the item either.
        took = result if isinstance(result, Measured) else None
        self._ledger.mark_done(key, result if took is None else took.result)
        if took is None:
            self._note(key, "done")
            return
        if is_shared(self._ledger):
            self._ledger.note_cost(key, seconds=took.seconds, peak_bytes=took.peak_bytes)
        self._note(key, "done", took=took)

    def end_elsewhere(self, key: str, reason: str | None) -> None:
        """Take note of an item that this run did not work on: done if `reason` is `None`, else failed."""
        if key not in self._ended:
            self._note(key, "skipped" if reason is None else "failed", reason)

    @property
    def n_open(self) -> int:
        """Items that have not ended."""
        return len(self._keys) - len(self._ended)

    def batch(self) -> Batch:
        """Return what became of the items, in their order."""
        ends = [self._ended[key] for key in self._keys if key in self._ended]
        return Batch(
            done=tuple(end.key for end in ends if end.outcome == "done"),
            skipped=tuple(end.key for end in ends if end.outcome == "skipped"),
            failed=tuple(
                Failure(key=end.key, reason=end.reason or "") for end in ends if end.outcome == "failed"
            ),
        )

    def _end_badly(self, key: str, error: Exception) -> None:
        reason = _reason(error)
        if _may_pass(error) and is_shared(self._ledger):
            pause_s = _PAUSES_S[min(self._n_pauses[key], len(_PAUSES_S) - 1)]
            self._n_pauses[key] += 1
            if not self._ledger.postpone(key, reason, pause_s):
                self._note(key, "failed", worn_out(reason))
            return
        self._ledger.mark_failed(key, reason)
        self._note(key, "failed", reason)
        if not isinstance(error, _ONE_ITEM):
            error.add_note(f"while working on {key}")
            raise error

    def _note(
        self, key: str, outcome: Outcome, reason: str | None = None, *, took: Measured[Any] | None = None
    ) -> None:
        end = JobEnd(
            step=self._step,
            key=key,
            outcome=outcome,
            reason=reason,
            seconds=None if took is None else took.seconds,
            peak_bytes=None if took is None else took.peak_bytes,
        )
        self._ended[key] = end
        if self._watcher is not None:
            self._watcher.job_ended(end)
        if self._progress is not None:
            note = f"{key} failed" if outcome == "failed" else key
            self._progress(self._step, len(self._ended), len(self._keys), note)


def _may_pass(error: Exception) -> bool:
    if isinstance(error, OmentumError):
        return error.may_pass
    return isinstance(error, (OSError, MemoryError))


def _reason(error: Exception) -> str:
    if isinstance(error, MemoryError):
        return "it needs more memory than there is; try it again on a machine with more"
    return str(error) if isinstance(error, OmentumError) else f"{type(error).__name__}: {error}"
