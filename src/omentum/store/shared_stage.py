"""Share the items of a stage with other programs, by claims of its ledger."""

import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import timedelta

from omentum.records.jobs import JobState, Left
from omentum.store.claims import MOST_KEYS
from omentum.store.ledger import Ledgers, StageLedger

__all__ = ["SharedStageLedger"]

_LEASE = timedelta(seconds=120)
_OPEN = (JobState.DUE, JobState.CLAIMED)


class SharedStageLedger:
    """The ledger of one stage, as one worker sees it: `SharedLedger` in a project's database.

    Where other programs offered items of the stage that this one did not, claims name the items of this one,
    in parts of `MOST_KEYS`, so that it never gets one that it knows nothing of.

    Args:
        ledger: Of all stages.
        stage: Whose items.
        worker: Whose ledger it is, as `worker_name` makes it.
        lease: How long the worker has what it claims.
    """

    is_shared = True

    def __init__(self, ledger: Ledgers, stage: str, worker: str, *, lease: timedelta = _LEASE) -> None:
        self.ledger, self.stage, self.worker = ledger, stage, worker
        self._plain, self._lease = StageLedger(ledger, stage), lease
        self._offered: dict[str, None] = {}
        self._done: set[str] = set()
        self._held: set[str] = set()
        self._is_part = False
        # Two statements of one worker on several rows could wait for one another in a circle.
        self._turn = threading.Lock()

    def done(self, key: str) -> bool:
        """Tell whether an item is done; of an offered one, whether it was by then or is by this worker."""
        return key in self._done or (key not in self._offered and self._plain.done(key))

    def mark_done(self, key: str, result: object) -> None:
        """Note that an item is done; its result is kept in another table."""
        self._plain.mark_done(key, result)
        self._done.add(key)
        self._held.discard(key)

    def mark_failed(self, key: str, reason: str) -> None:
        """Note why an item failed."""
        self._plain.mark_failed(key, reason)
        self._held.discard(key)

    def note_cost(self, key: str, *, seconds: float | None, peak_bytes: int | None) -> None:
        """See `SharedLedger.note_cost`."""
        self.ledger.note_cost(self.stage, key, seconds=seconds, peak_bytes=peak_bytes)

    def offer(self, keys: Sequence[str]) -> None:
        """See `SharedLedger.offer`."""
        states = self.ledger.offer(self.stage, keys)
        self._offered.update(dict.fromkeys(keys))
        self._done.update(key for key, state in states.items() if state is JobState.DONE)
        others = (key for key, state in states.items() if state in _OPEN and key not in self._offered)
        self._is_part = self._is_part or any(others)

    def claim(self, n: int) -> list[str]:
        """See `SharedLedger.claim`."""
        claimed: list[str] = []
        if not self._is_part:
            claimed = self._claim(n)
            foreign = [key for key in claimed if key not in self._offered]
            if not foreign:
                return claimed
            self.ledger.give_back(self.stage, self.worker, foreign)
            self._held.difference_update(foreign)
            self._is_part = True
            claimed = [key for key in claimed if key in self._offered]
        for part in self._parts():
            if len(claimed) >= n:
                break
            claimed += self._claim(n - len(claimed), part)
        return claimed

    def renew(self) -> set[str]:
        """See `SharedLedger.renew`."""
        with self._turn:
            held = sorted(self._held)
            kept: set[str] = set()
            for start in range(0, len(held), MOST_KEYS):
                part = held[start : start + MOST_KEYS]
                kept |= self.ledger.renew(self.stage, self.worker, self._lease, keys=part)
            return kept

    def give_back(self, keys: Collection[str] | None = None) -> None:
        """See `SharedLedger.give_back`."""
        with self._turn:
            self.ledger.give_back(self.stage, self.worker, keys)
            self._held.difference_update(list(self._held) if keys is None else keys)

    def postpone(self, key: str, reason: str, pause_s: float) -> bool:
        """See `SharedLedger.postpone`."""
        pause = timedelta(seconds=pause_s)
        is_later = self.ledger.postpone(self.stage, self.worker, key, reason, pause)
        self._held.discard(key)
        return is_later

    def left(self) -> Left:
        """See `SharedLedger.left`."""
        parts = self._parts() if self._is_part else [None]
        counts = [self.ledger.open_counts(self.stage, self.worker, keys=part) for part in parts]
        waits = [one.next_at - one.asked_at for one in counts if one.next_at is not None]
        return Left(
            now=sum(one.due for one in counts),
            later_s=min((wait.total_seconds() for wait in waits), default=None),
            others=sum(one.others for one in counts),
        )

    def ended(self) -> Mapping[str, str | None]:
        """See `SharedLedger.ended`."""
        rest = self.ledger.not_done(self.stage)
        self._done.update(key for key in self._offered if key not in rest)
        failed = {key: reason for key, (state, reason) in rest.items() if state is JobState.FAILED}
        return {key: failed.get(key) for key in self._offered if key not in rest or key in failed}

    def _claim(self, n: int, keys: Collection[str] | None = None) -> list[str]:
        claimed = self.ledger.claim(self.stage, self.worker, n, self._lease, keys=keys)
        self._held.update(claimed)
        return claimed

    def _parts(self) -> Iterator[list[str]]:
        """Yield the offered items that are not known to be done."""
        keys = [key for key in self._offered if key not in self._done]
        return (keys[start : start + MOST_KEYS] for start in range(0, len(keys), MOST_KEYS))
