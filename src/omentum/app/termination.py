"""End a command on SIGTERM as on Ctrl-C: what it has claimed is given back, and nothing new is begun."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

__all__ = ["TERMINATED", "SigtermSeen", "Terminated", "ending_on_sigterm"]

TERMINATED = 128 + 15
"""Exit code of a command that SIGTERM ended, as shells give it."""


class Terminated(KeyboardInterrupt):
    """The system asked the program to end, as Slurm does before it takes a node back."""


@dataclass(slots=True)
class SigtermSeen:
    """Whether SIGTERM came."""

    came: bool = False


@contextmanager
def ending_on_sigterm() -> Iterator[SigtermSeen]:
    """Raise `Terminated` in the main thread once SIGTERM comes; further ones are ignored.

    Where this is not the main thread, nothing changes.
    """
    seen = SigtermSeen()

    def end(_number: int, _frame: FrameType | None) -> None:
        if not seen.came:
            seen.came = True
            raise Terminated

    if threading.current_thread() is not threading.main_thread():
        yield seen
        return
    before = signal.signal(signal.SIGTERM, end)
    try:
        yield seen
    finally:
        signal.signal(signal.SIGTERM, before)
