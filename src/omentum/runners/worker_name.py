"""Name the program that works on jobs, so that others can tell who has what."""

import os
import secrets
import socket
from pathlib import Path

__all__ = ["has_ended", "worker_name"]


def worker_name() -> str:
    """Make a name `HOST:PID:RANDOM-SPACE` that no other worker has.

    The random part tells a program from one that had the same process number before it; the space of
    process numbers, which Linux tells, two containers of one host name apart.
    """
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}-{_number_space()}"


def has_ended(worker: str) -> bool:
    """Tell whether a worker is known to have ended: it ran on this machine, and its process is gone.

    Example:
        >>> has_ended(worker_name())
        False
    """
    host, pid, rest = worker.rsplit(":", 2)
    if host != socket.gethostname() or rest.partition("-")[2] != _number_space():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:  # it is another user's
        return False
    return False


def _number_space() -> str:
    """Tell which space of process numbers this program sees; containers have spaces of their own."""
    try:
        return f"{Path('/proc/self/ns/pid').stat().st_ino:x}"
    except OSError:  # not on Linux
        return "0"
