"""Append records to a file of JSON lines, which a kill leaves whole but for a torn last line."""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from omentum.errors import ProjectError
from omentum.project.file_locks import locked
from omentum.volumes.atomic import writing

__all__ = ["append_line", "change_lines", "read_lines"]


def append_line(path: Path, line: Mapping[str, Any]) -> None:
    """Append one record and flush it to disk; a torn last line of an earlier program is cut off first."""
    text = json.dumps(dict(line), allow_nan=False, ensure_ascii=False) + "\n"
    with locked(path) as stream:
        whole = _whole_bytes(path)
        if whole < path.stat().st_size:  # else another program may have appended a line meanwhile
            stream.truncate(whole)
        stream.write(text.encode())
        stream.flush()
        os.fsync(stream.fileno())


def change_lines(path: Path, change: Callable[[bytes], bytes | None]) -> None:
    """Change or remove lines at once: a kill leaves all as they were, or all changed.

    What other programs append meanwhile is kept. A torn last line is removed, and so is a file that has no
    line left.

    Args:
        path: Of the file; where there is none, nothing is done.
        change: Gives what takes the place of a line, both without its end; `None` to remove it.
    """
    if not path.exists():
        return
    with locked(path):
        text = path.read_bytes()
        lines = (change(line) for line in text.split(b"\n")[:-1])
        changed = b"".join(line + b"\n" for line in lines if line is not None)
        if not changed:
            path.unlink()
        elif changed != text:
            with writing(path) as part:
                part.write_bytes(changed)


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Read the records of a file, in order; a torn last line is left out.

    Raises:
        ProjectError: There is no such file, or a line is no record.
    """
    try:
        whole = path.read_bytes()[: _whole_bytes(path)]
    except OSError as error:
        raise ProjectError(
            f"{path} cannot be read ({error.strerror}); name the journals that `--shard` wrote"
        ) from None
    records = []
    for number, text in enumerate(whole.split(b"\n")[:-1], start=1):
        try:
            record = json.loads(text)
        except ValueError:
            record = None
        if not isinstance(record, dict):
            raise ProjectError(f"line {number} of {path} is no record; remove that line and merge again")
        records.append(record)
    return records


def _whole_bytes(path: Path) -> int:
    """Count the bytes up to the end of the last whole line."""
    data = path.read_bytes()
    return data.rfind(b"\n") + 1
