"""Hand the items of a run to its runner, as fast as it can begin them."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from omentum.runners.job_ends import JobEnds
from omentum.runners.ledger import Ledger
from omentum.runners.shared_ledger import SharedLedger

__all__ = ["Job", "Jobs", "OwnJobs", "SharedJobs"]

_LEAST_PAUSE_S = 1.0
_MOST_PAUSE_S = 5.0
_CONTEST_S = 0.1
"""Between two claims where another worker was faster."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One item to work on."""

    key: str
    item: Any


class Jobs(ABC):
    """What a run has to do; one thread alone uses it.

    Args:
        items: By key, in order.
        ends: Notes how each ended.
    """

    def __init__(self, items: Mapping[str, Any], ends: JobEnds) -> None:
        self._items, self._ends = items, ends

    @abstractmethod
    def take(self, n: int, *, wait: bool) -> list[Job]:
        """Take up to `n` jobs to begin at once.

        Args:
            n: Most that can be begun.
            wait: Wait until there is one to begin; only for a runner that has none in work. None are left
                if the answer is empty.
        """

    def end(self, key: str, finish: Callable[[], Any]) -> None:
        """See `JobEnds.end`."""
        self._ends.end(key, finish)


class OwnJobs(Jobs):
    """The jobs of one program, which the ledger is asked about one by one, when they are taken.

    Args:
        items: By key, in order.
        ends: Notes how each ended.
        ledger: What is done.
    """

    def __init__(self, items: Mapping[str, Any], ends: JobEnds, ledger: Ledger[Any]) -> None:
        super().__init__(items, ends)
        self._ledger = ledger
        self._todo = iter(items.items())

    def take(self, n: int, *, wait: bool) -> list[Job]:
        """See `Jobs.take`."""
        del wait  # no other program has any of them
        taken: list[Job] = []
        while len(taken) < n and (one := next(self._todo, None)) is not None:
            key, item = one
            if self._ledger.done(key):
                self._ends.end_elsewhere(key, None)
            else:
                self._ends.begin(key)
                taken.append(Job(key=key, item=item))
        return taken


class SharedJobs(Jobs):
    """Jobs that other programs may do as well: they are claimed when they are taken.

    Args:
        items: By key, in order.
        ends: Notes how each ended.
        ledger: Who has what.
        waits_for_others: Wait for what others have, to take over what they leave; else the run ends.
    """

    def __init__(
        self,
        items: Mapping[str, Any],
        ends: JobEnds,
        ledger: SharedLedger[Any],
        *,
        waits_for_others: bool = True,
    ) -> None:
        super().__init__(items, ends)
        self._ledger, self._waits_for_others = ledger, waits_for_others
        self._pause_s, self._ask_at = _LEAST_PAUSE_S, 0.0
        ledger.offer(list(items))
        for key in items:
            if ledger.done(key):
                ends.end_elsewhere(key, None)

    def take(self, n: int, *, wait: bool) -> list[Job]:
        """See `Jobs.take`."""
        while self._ends.n_open:
            if wait or time.monotonic() >= self._ask_at:
                claimed = self._ledger.claim(n)
                if claimed:
                    self._pause_s = _LEAST_PAUSE_S
                    return [self._begun(key) for key in claimed]
                self._ask_at = time.monotonic() + self._pause_s
            if not wait or not self._sleep():
                break
        return []

    def note_others(self) -> None:
        """Take note of the items that others brought to an end."""
        for key, reason in self._ledger.ended().items():
            if key in self._items:
                self._ends.end_elsewhere(key, reason)

    def _begun(self, key: str) -> Job:
        self._ends.begin(key)
        return Job(key=key, item=self._items[key])

    def _sleep(self) -> bool:
        """Wait until it may be worth to ask again; `False` if nothing is left to wait for."""
        left = self._ledger.left()
        if left.now:
            time.sleep(_CONTEST_S)
            return True
        if left.later_s is None or (left.others and not self._waits_for_others):
            return False
        if left.others:
            self.note_others()
        time.sleep(max(0.0, min(self._pause_s, left.later_s)))
        self._pause_s = min(2 * self._pause_s, _MOST_PAUSE_S)
        return True
