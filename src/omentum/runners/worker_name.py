"""Name the program that works on jobs, so that others can tell who has what."""

import os
import secrets
import socket

__all__ = ["worker_name"]


def worker_name() -> str:
    """Make a name `HOST:PID:RANDOM` that no other worker has.

    The random part tells a program from one that had the same process number before it, and two containers
    of one host name apart.
    """
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"
