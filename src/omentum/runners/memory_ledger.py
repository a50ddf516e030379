"""Keep what is done in memory, where there is no project."""

from typing import Generic, TypeVar

from omentum.records import Failure

__all__ = ["MemoryLedger"]

Result = TypeVar("Result")


class MemoryLedger(Generic[Result]):
    """A ledger that keeps the results themselves.

    Example:
        >>> ledger = MemoryLedger[int]()
        >>> ledger.mark_done("a", 7)
        >>> ledger.done("a"), ledger.results
        (True, {'a': 7})
    """

    def __init__(self) -> None:
        self.results: dict[str, Result] = {}
        self._reasons: dict[str, str] = {}

    @property
    def failures(self) -> list[Failure]:
        """What failed, by key."""
        return [Failure(key=key, reason=reason) for key, reason in sorted(self._reasons.items())]

    def done(self, key: str) -> bool:
        """Tell whether an item is done."""
        return key in self.results

    def mark_done(self, key: str, result: Result) -> None:
        """Keep the result of an item; a failure noted before is gone."""
        self.results[key] = result
        self._reasons.pop(key, None)

    def mark_failed(self, key: str, reason: str) -> None:
        """Keep why an item failed; one that is done stays done."""
        if key not in self.results:
            self._reasons[key] = reason
