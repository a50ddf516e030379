"""Write files atomically: whole or not at all.

The name of a temporary file says which process wrote it, so that `sweep` finds what a killed writer left.
"""

import json
import os
import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

__all__ = ["copy", "flushed_together", "move_folder", "sweep", "write_json", "write_text", "writing"]

_WAITING: ContextVar[list[Path] | None] = ContextVar("files that wait to be flushed", default=None)

_MARK = f".omentum-part~{socket.gethostname()}~"
"""Ends in a letter that host names cannot have, so that `node-1` does not match files of `node-1-2`."""


@contextmanager
def writing(path: Path) -> Iterator[Path]:
    """Yield a temporary path in the same folder; rename it to `path` if the block succeeds.

    The temporary name keeps the ending of `path`, for libraries that choose a format by it. Missing folders
    are made.

    Example:
        >>> import tempfile
        >>> target = Path(tempfile.mkdtemp()) / "a.txt"
        >>> with writing(target) as part:
        ...     _ = part.write_text("whole")
        >>> target.read_text()
        'whole'
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.parent / f"{_MARK}{os.getpid()}~{threading.get_ident()}~{path.name}"
    try:
        yield part
        waiting = _WAITING.get()
        if waiting is None:
            _flush(part)
        part.replace(path)
        if waiting is None:
            _flush(path.parent)
        else:
            waiting.append(path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def flushed_together() -> Iterator[None]:
    """Flush all files of this block at its end, which takes a tenth of the time.

    A power failure before that may leave some of them empty. So use it for files that count only once
    another file exists, which is written after the block.
    """
    waiting: list[Path] = []
    token = _WAITING.set(waiting)
    try:
        yield
        for path in [*waiting, *sorted({path.parent for path in waiting})]:
            _flush(path)
    finally:
        _WAITING.reset(token)


def write_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all."""
    with writing(path) as part:
        part.write_text(text, encoding="utf-8")


def write_json(path: Path, content: Any) -> None:
    """Write JSON for people and programs, whole or not at all; NaN is refused (`ValueError`)."""
    write_text(path, json.dumps(content, indent=1, allow_nan=False, ensure_ascii=False) + "\n")


def copy(source: Path, path: Path) -> None:
    """Copy a file's bytes, whole or not at all; never a link, so that our copy cannot change."""
    with writing(path) as part:
        shutil.copyfile(source, part)


def move_folder(part: Path, folder: Path) -> None:
    """Rename a finished folder to a path that is free or an empty folder, and flush that."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    part.replace(folder)
    _flush(folder.parent)


def sweep(folder: Path) -> list[Path]:
    """Remove temporary files of dead writers on this machine below a folder; return their paths."""
    left = [part for part in folder.rglob(f"{_MARK}*") if not _is_alive(_pid(part))]
    for part in left:
        part.unlink(missing_ok=True)
    return left


def _pid(part: Path) -> int:
    return int(part.name.removeprefix(_MARK).partition("~")[0])


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _flush(path: Path) -> None:
    """Flush a file, or a folder's entries, to disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
