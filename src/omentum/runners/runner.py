"""What does a stage ask of whatever runs its work?

In:  items, what to do with one, and a ledger of what is done.
Out: `records.Batch`: what is done, what was done before, what failed and why.

The rules of every runner, which `tests/conformance/test_runner.py` holds each to:
    - an item that is done is skipped; one that failed is tried again;
    - what a user can put right (`OmentumError`), memory that ran out and a file that could not be
      read or written fail their item alone;
    - a full disk ends the run (`DiskFullError`), as does an interruption; and so does any other
      error, our bug, once it is noted. Whatever was done before that is noted, so that the same
      call goes on where it stopped.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, TypeVar

from omentum.records import Batch

__all__ = ["Ledger", "Outcome", "Progress", "Runner"]

Item = TypeVar("Item")
Result = TypeVar("Result")
Noted_contra = TypeVar("Noted_contra", contravariant=True)


class Outcome(StrEnum):
    """What became of an item."""

    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a run is, after one item more."""

    key: str
    """Of the item that came to an end."""
    outcome: Outcome
    n_ended: int
    """Items that came to an end so far, this one too."""
    n_items: int


class Ledger(Protocol[Noted_contra]):
    """What is done and what failed, in one stage. What is noted must last when the program does not."""

    def done(self, key: str) -> bool:
        """Tell whether an item is done."""
        ...

    def mark_done(self, key: str, result: Noted_contra) -> None:
        """Note that an item is done, and what came of it; a failure noted before is gone."""
        ...

    def mark_failed(self, key: str, reason: str) -> None:
        """Note why an item failed; one that is done stays done."""
        ...


class Runner(Protocol):
    """Whatever does work on many items."""

    def run(
        self,
        items: Sequence[Item],
        work: Callable[[Item], Result],
        *,
        key: Callable[[Item], str],
        ledger: Ledger[Result],
        progress: Callable[[Progress], None] | None = None,
    ) -> Batch:
        """Do the work on each item that is not done, and note each as soon as it is.

        Args:
            items: What to work on.
            work: Does one item and has all its files in place when it returns. As it may be killed
                before that is noted, it must give the same when it is called again.
            key: Names an item; no two have the same name.
            ledger: What is done.
            progress: Is told of each item once it has come to an end.

        Returns:
            The keys in the order of the items, whichever ended first.

        Raises:
            DiskFullError: There is no space left to write to.
            ValueError: Two items have the same key.
        """
        ...
