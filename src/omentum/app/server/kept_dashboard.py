"""Keep the last dashboard for a while, as many pages may ask for it and a large project takes seconds."""

import threading
import time
from collections.abc import Callable

from omentum.app.dashboard_figures import Dashboard

__all__ = ["KeptDashboard"]

TIMES_AS_LONG = 3.0
"""A dashboard is kept so many times as long as it took to make, which takes a quarter of the time at most."""


class KeptDashboard:
    """The dashboard of an open project; it is made once for all who ask at the same time.

    Args:
        make: Makes it anew.
        clock: Seconds that only rise.
    """

    def __init__(self, make: Callable[[], Dashboard], clock: Callable[[], float] = time.monotonic) -> None:
        self._make = make
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: Dashboard | None = None
        self._until = float("-inf")

    def get(self) -> Dashboard:
        """Give the last one, or a new one where that is too old."""
        with self._lock:
            begun = self._clock()
            if self._kept is None or begun >= self._until:
                self._kept = self._make()
                ended = self._clock()
                self._until = ended + TIMES_AS_LONG * (ended - begun)
            return self._kept
