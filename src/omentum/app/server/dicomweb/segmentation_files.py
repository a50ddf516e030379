"""Keep segmentations that were made as files, in bounded space; they can be deleted at any time."""

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from omentum.volumes.atomic import sweep, writing

__all__ = ["SegmentationFiles"]

MOST_BYTES = 2 << 30


class SegmentationFiles:
    """Files by the hash of what they show; each is made once, and one at a time, which bounds the memory.

    Args:
        folder: Holds them; what a killed program left there is removed.
        most_bytes: Space for them; those that were used longest ago are removed.
    """

    def __init__(self, folder: Path, *, most_bytes: int = MOST_BYTES) -> None:
        self._folder, self._most_bytes = folder, most_bytes
        self._lock = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True)
        sweep(folder)

    def path(self, name: str, make: Callable[[Path], None]) -> Path:
        """Give a file, made now where it is not there.

        Args:
            name: Of the file.
            make: Writes it to a path.
        """
        path = self._folder / f"{name}.dcm"
        with self._lock:
            if path.is_file():
                os.utime(path)
                return path
            with writing(path) as part:
                make(part)
            self._make_room(path)
        return path

    def _make_room(self, newest: Path) -> None:
        found = [(path, path.stat()) for path in self._folder.glob("*.dcm")]
        left = sum(stat.st_size for _, stat in found)
        for path, stat in sorted(found, key=lambda one: one[1].st_mtime):
            if left <= self._most_bytes or path == newest:
                break
            left -= stat.st_size
            with suppress(OSError):  # another request reads it, where that keeps files from being removed
                path.unlink(missing_ok=True)
