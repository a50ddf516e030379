"""Name the program that works on jobs, so that others can tell who has what."""

import os
import secrets
import socket

__all__ = ["has_ended", "worker_name"]


def worker_name() -> str:
    """Make a name `HOST:PID:RANDOM` that no other worker has.

    The random part tells a program from one that had the same process number before it, and two containers
    of one host name apart.
    """
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"


def has_ended(worker: str) -> bool:
    """Tell whether a worker is known to have ended: it ran on this machine, and its process is gone.

    Example:
        >>> has_ended(worker_name())
        False
    """
    host, pid, _ = worker.rsplit(":", 2)
    if host != socket.gethostname():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:  # it is another user's
        return False
    return False
