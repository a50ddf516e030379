"""Lock files that other programs may replace or remove."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

__all__ = ["is_locked", "locked"]


@contextmanager
def locked(path: Path) -> Iterator[BinaryIO]:
    """Open a file to append to it while no other program has it locked; it is made where it is not.

    On shares without locks nothing is locked. The lock ends with the program, however that ends.
    """
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            stream = path.open("a+b")
        except FileNotFoundError:  # another program has just removed the folder
            continue
        with stream:
            with suppress(OSError):
                fcntl.flock(stream, fcntl.LOCK_EX)
            if _is_at(stream, path):
                yield stream
                return


def is_locked(path: Path) -> bool | None:
    """Tell whether a program has a file locked; `None` on a share without locks, `False` if it is gone."""
    try:
        with path.open("r+b") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    except OSError:
        return None
    return False


def _is_at(stream: BinaryIO, path: Path) -> bool:
    """Tell whether an open file has not been replaced or removed."""
    try:
        return os.path.samestat(os.fstat(stream.fileno()), path.stat())
    except FileNotFoundError:
        return False
