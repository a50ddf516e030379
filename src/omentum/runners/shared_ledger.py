"""Define the ledger by which any number of programs share the items of a stage.

Each item is a job. A program offers its items, claims a few at a time and renews its leases while it works;
what lapses is claimed by others. `omentum.store.shared_stage` keeps it in a project's database,
`MemoryJobs` in memory; `tests/conformance/test_shared_ledger.py` has the rules.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeGuard, TypeVar

from omentum.records.jobs import Left
from omentum.runners.ledger import Ledger

__all__ = ["Measured", "SharedLedger", "is_shared"]

Result = TypeVar("Result")
Noted_contra = TypeVar("Noted_contra", contravariant=True)


class SharedLedger(Ledger[Noted_contra], Protocol[Noted_contra]):
    """The jobs of one stage, as one worker sees them; each method may be called from any thread.

    What the worker does to jobs that it no longer has, as its lease ended, changes nothing, except that
    `mark_done` and `mark_failed` are always kept: the work on an item gives the same by any worker.
    """

    @property
    def is_shared(self) -> bool:
        """Whether jobs can be claimed from it; `False` for a ledger of one program."""
        ...

    def offer(self, keys: Sequence[str]) -> None:
        """Let everybody claim these, in this order; afterwards this worker claims of these alone.

        Those that failed are due again, and their attempts are counted anew. Those that are due, claimed or
        done stay as they are. Afterwards `done` needs no look at the database.
        """
        ...

    def claim(self, n: int) -> list[str]:
        """Claim up to `n` jobs, for as long as the lease lasts; none if nothing can be claimed now.

        No other worker gets them until the lease ends. A job that was begun `MOST_ATTEMPTS` times and whose
        lease ended each time fails instead.
        """
        ...

    def renew(self) -> set[str]:
        """Extend the leases of all that this worker has; give the keys that it still has."""
        ...

    def give_back(self, keys: Collection[str] | None = None) -> None:
        """Let others claim what this worker has, all if none are named; the attempt does not count."""
        ...

    def postpone(self, key: str, reason: str, pause_s: float) -> bool:
        """Let anyone claim a job again after a pause.

        Returns:
            Whether it will be tried again; `False` if this was the last attempt, so that it failed.
        """
        ...

    def left(self) -> Left:
        """Count what is left of the jobs that were offered; those of this worker do not count."""
        ...

    def ended(self) -> Mapping[str, str | None]:
        """Read which of the jobs that were offered have ended, and why each failed; `None` if it is done."""
        ...

    def note_cost(self, key: str, *, seconds: float | None, peak_bytes: int | None) -> None:
        """Note what the work on a job took; called after `mark_done`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured(Generic[Result]):
    """The result of a job, and what the work on it took."""

    result: Result
    seconds: float
    peak_bytes: int | None
    """Most memory that its process used; `None` if the system does not tell."""


def is_shared(ledger: Ledger[Noted_contra]) -> TypeGuard[SharedLedger[Noted_contra]]:
    """Tell whether jobs can be claimed from a ledger."""
    return bool(getattr(ledger, "is_shared", False))
