"""Keep drafts and saves of readers as files in the folder of their case, whole or not at all.

A file says by itself whose it is, so that none is lost where the program is killed: a draft is what a reader
has drawn so far, a save is what was handed in and is not in the record yet.
"""

import hashlib
import json
import os
import re
import secrets
import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from omentum.errors import ConfigError, MissingError, ReviewError
from omentum.project.paths import ProjectFolder
from omentum.volumes.atomic import writing

__all__ = ["MOST_DRAFTS", "DraftFiles", "KeptFile", "Kind", "Why", "new_name", "saves_left"]

MOST_DRAFTS = 20
"""Of one task and reader."""
_MAGIC = b"OMK1"
_START = struct.Struct("<4sI")
_NAME = re.compile(r"[a-z0-9-]{1,40}")
_DIGITS = 16

Why = Literal["autosave", "stale-base", "failed"]
Kind = Literal["draft", "save", "accept", "absent", "adjudicate"]
"""`adjudicate` is a mask that decides between readings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptFile:
    """A draft or a save."""

    path: Path
    name: str
    kind: Kind
    task_number: int
    reader: str
    time: datetime
    told: dict[str, Any]
    """What else is kept with it."""
    n_bytes: int
    """Of its content."""

    def content(self) -> bytes:
        """Read what the page sent; a file that is gone raises `MissingError`."""
        try:
            with self.path.open("rb") as file:
                _, length = _START.unpack(file.read(_START.size))
                file.seek(length, os.SEEK_CUR)
                return file.read()
        except (OSError, struct.error):
            raise MissingError(f"the draft {self.name} is gone; another page may have saved it") from None


@dataclass(frozen=True, slots=True)
class DraftFiles:
    """The drafts and saves of one task and reader."""

    folder: ProjectFolder
    case_id: str
    task_number: int
    reader: str

    @property
    def _dir(self) -> Path:
        return self.folder.case_dir(self.case_id) / "drafts"

    @property
    def _stem(self) -> str:
        return f"task-{self.task_number}.{hashlib.sha256(self.reader.encode()).hexdigest()[:_DIGITS]}"

    def all(self) -> list[KeptFile]:
        """Give the drafts, the newest first."""
        found = [kept for name in self._names() if (kept := _read(self._dir / name))]
        return sorted(found, key=lambda one: one.time, reverse=True)

    def count(self) -> int:
        """Count the drafts without opening one."""
        return len(self._names())

    def get(self, name: str) -> KeptFile:
        """Find a draft; there being none of that name raises `MissingError`."""
        kept = _read(self._path(name, "draft"))
        if kept is None:
            raise MissingError(f"task {self.task_number} has no draft {name} of {self.reader}")
        return kept

    def put(self, name: str, content: bytes, **told: Any) -> KeptFile:
        """Keep a draft under a name; it replaces the one of that name.

        Raises:
            ReviewError: The task has too many drafts already.
            ConfigError: The name cannot be one.
        """
        path = self._path(name, "draft")
        if not path.exists() and self.count() >= MOST_DRAFTS:
            raise ReviewError(
                f"task {self.task_number} has {MOST_DRAFTS} drafts of {self.reader}, the most that are kept; "
                "save or remove some"
            )
        return self._write(path, name, "draft", content, told)

    def rescue(self, content: bytes, why: Why, **told: Any) -> KeptFile:
        """Keep what could not be saved, however many drafts there are."""
        name = new_name(why)
        return self._write(self._path(name, "draft"), name, "draft", content, {"why": why, **told})

    def put_save(self, name: str, kind: Kind, content: bytes, **told: Any) -> KeptFile:
        """Keep a save, until it is in the record."""
        return self._write(self._path(name, "save"), name, kind, content, told)

    def remove(self, name: str) -> None:
        """Remove a draft; there being none changes nothing."""
        self._path(name, "draft").unlink(missing_ok=True)

    def _names(self) -> list[str]:
        """Give the names of the drafts' files; a queue asks for those of many tasks."""
        stem = f"{self._stem}."
        with suppress(FileNotFoundError), os.scandir(self._dir) as files:
            return [one.name for one in files if one.name.startswith(stem) and one.name.endswith(".draft")]
        return []

    def _path(self, name: str, ending: str) -> Path:
        if not _NAME.fullmatch(name):
            raise ConfigError("draft", name, "it must be 1 to 40 of a-z, 0-9 and '-'")
        return self._dir / f"{self._stem}.{name}.{ending}"

    def _write(self, path: Path, name: str, kind: Kind, content: bytes, told: dict[str, Any]) -> KeptFile:
        now = datetime.now(UTC)
        said = {
            "name": name,
            "kind": kind,
            "task": self.task_number,
            "reader": self.reader,
            "time": now.isoformat(),
            "told": told,
        }
        head = json.dumps(said, allow_nan=False).encode()
        with writing(path) as part, part.open("wb") as file:
            file.write(_START.pack(_MAGIC, len(head)) + head)
            file.write(content)
        return KeptFile(
            path=path,
            name=name,
            kind=kind,
            task_number=self.task_number,
            reader=self.reader,
            time=now,
            told=told,
            n_bytes=len(content),
        )


def new_name(prefix: str) -> str:
    """Make a name that no other draft or save has."""
    return f"{prefix}-{secrets.token_hex(4)}"


def saves_left(folder: ProjectFolder) -> list[KeptFile]:
    """Find the saves of all cases that are not in the record yet, in the order in which they came."""
    found = [kept for path in _save_paths(folder.cases_dir) if (kept := _read(path))]
    return sorted(found, key=lambda one: one.time)


def _save_paths(cases_dir: Path) -> Iterator[Path]:
    if not cases_dir.is_dir():
        return
    with os.scandir(cases_dir) as cases:
        folders = [Path(case.path) / "drafts" for case in cases if case.is_dir()]
    for drafts in folders:
        if drafts.is_dir():
            yield from drafts.glob("*.save")


def _read(path: Path) -> KeptFile | None:
    """Read whose file it is; `None` where it is gone or is no such file."""
    try:
        with path.open("rb") as file:
            magic, length = _START.unpack(file.read(_START.size))
            said = json.loads(file.read(length))
        if magic != _MAGIC:
            return None
        return KeptFile(
            path=path,
            name=str(said["name"]),
            kind=said["kind"],
            task_number=int(said["task"]),
            reader=str(said["reader"]),
            time=datetime.fromisoformat(said["time"]),
            told=said["told"],
            n_bytes=path.stat().st_size - _START.size - length,
        )
    except (OSError, struct.error, ValueError, KeyError, TypeError):
        return None
