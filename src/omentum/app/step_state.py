"""Keep how far a step is: what is at work, what waits, what failed last, and the pace."""

import time
from collections import deque
from collections.abc import Callable

from omentum.app.pace import Pace, duration
from omentum.runners.job_events import JobEnd

__all__ = ["StepState"]

_SHOWN_FAILURES = 5
_SHOWN_AT_WORK = 4


class StepState:
    """How far one step is, as a view shows it.

    Args:
        now: Gives the time in seconds.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._began: dict[str, float] = {}
        self._pace: Pace | None = None
        self._is_of_jobs = False
        self.n_ended = 0
        self.n_total: int | None = None
        self.n_failed = 0
        self.last_failures: deque[JobEnd] = deque(maxlen=_SHOWN_FAILURES)

    def start(self, n_total: int) -> None:
        """Note that a run over so many items begins."""
        self._is_of_jobs = True
        self._began.clear()
        self.n_ended, self.n_total = 0, n_total

    def begin(self, key: str) -> None:
        """Note that the work on an item begins."""
        self._began[key] = self._now()
        self._is_of_jobs = True
        self._pace = self._pace or Pace(self._now)

    def end(self, end: JobEnd) -> None:
        """Note how an item ended; what was skipped does not count in the pace."""
        self._is_of_jobs = True
        was_begun = self._began.pop(end.key, None) is not None
        if self._pace is not None and was_begun and end.outcome != "skipped":
            self._pace.count()
        if end.outcome == "failed":
            self.n_failed += 1
            self.last_failures.append(end)

    def advance(self, n_done: int, n_total: int | None) -> None:
        """Note how many items, or other parts such as training steps, have ended."""
        if not self._is_of_jobs:
            self._pace = self._pace or Pace(self._now)
            self._pace.count(max(0, n_done - self.n_ended))
        self.n_ended, self.n_total = n_done, n_total

    @property
    def n_at_work(self) -> int:
        """Items that were begun and have not ended."""
        return len(self._began)

    @property
    def n_waiting(self) -> int:
        """Items that were not begun."""
        return max(0, (self.n_total or 0) - self.n_ended - self.n_at_work)

    def pace_in_words(self) -> str:
        """Write the pace and the time to the end; nothing before the first item is done."""
        an_hour = None if self._pace is None else self._pace.an_hour()
        if self._pace is None or an_hour is None:
            return ""
        n_left = (self.n_total or 0) - self.n_ended
        left = self._pace.seconds_left(n_left)
        said = [f"{an_hour:.{0 if an_hour >= 100 else 1}f}/h"] if self._is_of_jobs else []
        return ", ".join([*said, *([f"{duration(left)} left"] if left and left >= 1 else [])])

    def at_work_in_words(self) -> str:
        """Name what is at work, for how long, and how many wait for it; nothing if nothing is at work."""
        if not self._began:
            return ""
        longest_first = sorted(self._began.items(), key=lambda one: one[1])
        named = [f"{key} ({duration(self._now() - began)})" for key, began in longest_first[:_SHOWN_AT_WORK]]
        more = [f"{self.n_at_work - len(named)} more"] if self.n_at_work > len(named) else []
        waiting = f"; {self.n_waiting} wait" if self.n_waiting else ""
        return f"at work: {', '.join([*named, *more])}{waiting}"

    def failures_in_words(self) -> list[str]:
        """Name what failed last, with reasons, after a line that counts all."""
        if not self.n_failed:
            return []
        last = [
            f"  {one.key}: {(one.reason or '').removeprefix(f'{one.key}: ')}" for one in self.last_failures
        ]
        return [f"{self.n_failed} failed, the last:", *last]
