"""Keep how many tasks a reader could have: counting thousands takes longer than finding the next."""

import threading
import time
from collections.abc import Callable

from omentum.project.project import Project
from omentum.review.claims import count_free_tasks
from omentum.review.tasks import TaskFilter

__all__ = ["EXACT_BELOW", "KEPT_SECONDS", "KeptCounts"]

EXACT_BELOW = 1000
"""A smaller number is counted anew each time."""
KEPT_SECONDS = 60.0
_MOST = 1000
"""Numbers that are kept, so that memory is bounded."""

_Key = tuple[str, TaskFilter]


class KeptCounts:
    """The numbers of tasks that readers could have; may be asked from any thread.

    Args:
        project: The open project.
        clock: Seconds that only rise.
    """

    def __init__(self, project: Project, clock: Callable[[], float] = time.monotonic) -> None:
        self._project, self._clock = project, clock
        self._lock = threading.Lock()
        self._kept: dict[_Key, tuple[int, float]] = {}

    def n_free(self, reader: str, only: TaskFilter) -> int:
        """Count the tasks that a reader could have; a large number is up to a minute old."""
        key = (reader, only)
        with self._lock:
            n_free, until = self._kept.get(key, (0, 0.0))
        if n_free >= EXACT_BELOW and self._clock() < until:
            return n_free
        n_free = count_free_tasks(self._project, reader, only=only)
        with self._lock:
            if len(self._kept) >= _MOST:
                self._kept.clear()
            self._kept[key] = n_free, self._clock() + KEPT_SECONDS
        return n_free
