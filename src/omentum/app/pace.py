"""Measure how many items an hour a step does lately, and how long the rest takes."""

import time
from collections import deque
from collections.abc import Callable

__all__ = ["Pace", "duration"]

_MOST_ENDS = 30
"""The pace is that of so many counts: enough to be steady, few enough to follow a change."""

_UNITS = (("d", 86_400, "h", 3600), ("h", 3600, "min", 60), ("min", 60, "s", 1))


class Pace:
    """Counts what was done, by the clock.

    Args:
        now: Gives the time in seconds.

    Example:
        >>> times = iter([0.0, 60.0, 120.0, 120.0, 120.0])
        >>> pace = Pace(lambda: next(times))
        >>> pace.count(); pace.count(); pace.an_hour(), pace.seconds_left(5)
        (60.0, 300.0)
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._ends: deque[tuple[float, int]] = deque([(now(), 0)], maxlen=_MOST_ENDS + 1)

    def count(self, n: int = 1) -> None:
        """Count some more that were done now."""
        self._ends.append((self._now(), self._ends[-1][1] + n))

    def an_hour(self) -> float | None:
        """Return how many are done an hour; `None` before the first. It falls while nothing ends."""
        passed, n = self._now() - self._ends[0][0], self._ends[-1][1] - self._ends[0][1]
        return n / passed * 3600 if n and passed > 0 else None

    def seconds_left(self, n_left: int) -> float | None:
        """Return how long so many more take at this pace; `None` before the first was done."""
        an_hour = self.an_hour()
        return None if an_hour is None else n_left / an_hour * 3600


def duration(seconds: float) -> str:
    """Write a time for people, in two units at most.

    Example:
        >>> [duration(seconds) for seconds in (4.2, 125, 5400, 200_000)]
        ['4 s', '2 min 5 s', '1 h 30 min', '2 d 7 h']
    """
    whole = round(seconds)
    for large, in_large, small, in_small in _UNITS:
        if whole >= in_large:
            return f"{whole // in_large} {large} {whole % in_large // in_small} {small}"
    return f"{whole} s"
