"""End a command on SIGTERM and SIGHUP as on Ctrl-C: claims are given back, and nothing new is begun."""

import errno
import os
import signal
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import FrameType

__all__ = ["HUNG_UP", "TERMINATED", "EndingSignal", "HungUp", "Terminated", "ending_on_signals"]

TERMINATED = 128 + 15
"""Exit code of a command that SIGTERM ended, as shells give it."""
HUNG_UP = 128 + 1
"""Exit code of a command that SIGHUP ended."""
_OUTPUTS = (1, 2)


class Terminated(KeyboardInterrupt):
    """The system asked the program to end, as Slurm does before it takes a node back."""

    exit_code, said = TERMINATED, "terminated"


class HungUp(KeyboardInterrupt):
    """The terminal of the program was closed, or its connection was lost."""

    exit_code, said = HUNG_UP, "ended with its terminal"


_RAISED: dict[int, type[Terminated] | type[HungUp]] = {signal.SIGTERM: Terminated, signal.SIGHUP: HungUp}


@dataclass(slots=True)
class EndingSignal:
    """Which signal ended the command; `None` if none came."""

    came: type[Terminated] | type[HungUp] | None = None

    def has_terminal_gone(self) -> bool:
        """Tell whether the terminal was closed, which what is printed may find before SIGHUP comes."""
        if self.came is None and _leave_closed_terminal():
            self.came = HungUp
        return self.came is HungUp


@contextmanager
def ending_on_signals() -> Iterator[EndingSignal]:
    """Raise `Terminated` or `HungUp` in the main thread once the first signal comes; others are ignored.

    A signal that was ignored before stays so, as SIGHUP is under `nohup`. Where this is not the main thread,
    nothing changes.
    """
    seen = EndingSignal()

    def end(number: int, _frame: FrameType | None) -> None:
        if seen.came is None:
            seen.came = _RAISED[number]
            _leave_closed_terminal()
            raise seen.came

    if threading.current_thread() is not threading.main_thread():
        yield seen
        return
    heard = [number for number in _RAISED if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, end) for number in heard}
    try:
        yield seen
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _leave_closed_terminal() -> bool:
    """Let what is still printed go nowhere if the terminal is gone, as it would raise; tell whether it is."""
    is_gone = False
    for number in _OUTPUTS:
        with suppress(OSError):
            is_device = stat.S_ISCHR(os.fstat(number).st_mode)
            if is_device and _has_hung_up(number):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, number)
                os.close(nowhere)
                is_gone = True
    return is_gone


def _has_hung_up(number: int) -> bool:
    """Tell a terminal that was closed from one that is there, and from other devices."""
    try:
        os.tcgetpgrp(number)
    except OSError as error:
        return error.errno == errno.EIO
    return False
