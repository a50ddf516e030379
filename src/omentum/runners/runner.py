"""Define what a stage asks of a runner, which does work on many items.

The rules of every runner, which `tests/conformance/test_runner.py` checks:
    - an item that is done is skipped; one that failed is tried again;
    - an `OmentumError`, too little memory and a file that cannot be read or written fail their item alone;
    - a full disk (`DiskFullError`), an interruption and any other error, which is our bug, end the run.
      What was done before is noted, so that the same call continues where it stopped.
"""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from omentum.records import Batch

__all__ = ["Ledger", "Progress", "Runner"]

Item = TypeVar("Item")
Result = TypeVar("Result")
Noted_contra = TypeVar("Noted_contra", contravariant=True)


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


class Ledger(Protocol[Noted_contra]):
    """What is done and what failed in one stage. It must outlast the program."""

    def done(self, key: str) -> bool:
        """Return whether an item is done."""
        ...

    def mark_done(self, key: str, result: Noted_contra) -> None:
        """Note that an item is done, with its result; an earlier failure is removed."""
        ...

    def mark_failed(self, key: str, reason: str) -> None:
        """Note why an item failed; an item that is done stays done."""
        ...


class Runner(Protocol):
    """Does work on many items."""

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
        ...
