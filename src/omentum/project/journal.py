"""Append records to a file of JSON lines, which a kill leaves whole but for a torn last line."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from omentum.errors import ProjectError

__all__ = ["append_line", "read_lines"]


def append_line(path: Path, line: Mapping[str, Any]) -> None:
    """Append one record and flush it to disk; a torn last line of an earlier program is cut off first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(dict(line), allow_nan=False, ensure_ascii=False) + "\n"
    with path.open("a+b") as stream:
        whole = _whole_bytes(path)
        if whole < path.stat().st_size:  # else another program may have appended a line meanwhile
            stream.truncate(whole)
        stream.write(text.encode())
        stream.flush()
        os.fsync(stream.fileno())


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
