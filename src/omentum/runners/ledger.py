"""Define what a runner asks of the ledger of a stage."""

from typing import Protocol, TypeVar

__all__ = ["Ledger"]

Noted_contra = TypeVar("Noted_contra", contravariant=True)


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
