"""Tell which programs have a project open to write to it.

Each has a file of its own in `programs/`, locked for as long as the program lives, with what it is called.
Programs that only look, and shards beside a SQLite file, have none.
"""

import json
import os
import re
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from omentum.project.file_locks import is_locked, locked
from omentum.project.paths import ProjectFolder
from omentum.runners.worker_name import has_ended, worker_name

__all__ = ["other_programs", "present"]

_WORD = re.compile(r"[a-z][a-z-]*")
_MOST_WORDS = 2
_OF_FOLDERS = ("-C", "--project")
"""Options before a command, each with a value."""


@contextmanager
def present(folder: ProjectFolder) -> Iterator[None]:
    """Let other programs know of this one until the block ends, if it may write to the project's folder."""
    path = folder.programs_dir / worker_name()
    with ExitStack() as stack:
        with suppress(OSError):
            stream = stack.enter_context(locked(path))
            stack.callback(_remove, path)
            # Not by the stream, which on a full disk would try again when it is closed, and raise.
            os.write(stream.fileno(), json.dumps({"command": _command()}).encode())
        yield


def other_programs(folder: ProjectFolder) -> list[str]:
    """Say which programs, besides this process, have the project open to write to it, sorted."""
    own = f"{socket.gethostname()}:{os.getpid()}:"
    paths = folder.programs_dir.glob("*:*:*")
    return sorted(_said(path) for path in paths if not path.name.startswith(own) and _is_alive(path))


def _is_alive(path: Path) -> bool:
    """Tell whether a program has not ended, or may not have; the file of one that has is removed."""
    is_held = is_locked(path)
    if is_held is None:
        is_held = not has_ended(path.name)
    if not is_held:
        _remove(path)
    return is_held


def _said(path: Path) -> str:
    host, pid, _ = path.name.rsplit(":", 2)
    try:
        command = json.loads(path.read_text(encoding="utf-8"))["command"]
    except (OSError, ValueError, KeyError):  # it has just begun
        command = "a program"
    return f"{command} (process {pid} on {host})"


def _command() -> str:
    """Name the command that runs, without paths and values."""
    rest = iter(sys.argv[1:])
    words: list[str] = []
    for word in rest:
        if word in _OF_FOLDERS:
            next(rest, None)
        elif len(words) == _MOST_WORDS or not _WORD.fullmatch(word):
            break
        else:
            words.append(word)
    return " ".join(["omentum", *words])


def _remove(path: Path) -> None:
    with suppress(OSError):  # the folder has files of other programs
        path.unlink(missing_ok=True)
        path.parent.rmdir()
