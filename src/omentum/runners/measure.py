"""Measure what the work on an item takes."""

import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, ParamSpec, TypeVar

__all__ = ["PeakMemory", "Timed", "most_memory_bytes", "resident_bytes", "timed"]

Given = ParamSpec("Given")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Timed(Generic[Result]):
    """What a function gave, and how long it took in seconds."""

    value: Result
    seconds: float


def timed(function: Callable[Given, Result], *args: Given.args, **kwargs: Given.kwargs) -> Timed[Result]:
    """Call a function and measure the time.

    Example:
        >>> timed(len, "abc").value
        3
    """
    start = time.perf_counter()
    value = function(*args, **kwargs)
    return Timed(value, time.perf_counter() - start)


def most_memory_bytes() -> int | None:
    """Read the most memory that this process used at a time; `None` where the system does not tell."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    sizes = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(sizes[0]) * 1024 if sizes else None


def resident_bytes(process_id: int) -> int | None:
    """Read the memory that a process uses now; `None` if it has ended or the system does not tell."""
    try:
        n_pages = int(Path(f"/proc/{process_id}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return None
    return n_pages * os.sysconf("SC_PAGE_SIZE")


class PeakMemory:
    """The most memory that this process used during each job; its jobs may overlap.

    The system counts it since the process began; the count is set back when a job begins. Where that is not
    allowed, a job's peak is at most what is told. This is for processes that do nothing but work on jobs.
    """

    def __init__(self) -> None:
        self._peaks: dict[str, int] = {}
        self._lock = threading.Lock()

    def begin(self, key: str) -> None:
        """Count from now on for a job."""
        with self._lock:
            self._look()
            with suppress(OSError):
                Path("/proc/self/clear_refs").write_text("5")
            self._peaks[key] = 0

    def end(self, key: str) -> int | None:
        """Give the most bytes since the job began; `None` where the system does not tell."""
        with self._lock:
            self._look()
            return self._peaks.pop(key, None) or None

    def _look(self) -> None:
        seen = most_memory_bytes() or 0
        for key, peak in self._peaks.items():
            self._peaks[key] = max(peak, seen)
