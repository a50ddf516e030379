"""Keep segmentations that were made as files, in bounded space; they can be deleted at any time."""

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from omentum.errors import BusyError
from omentum.volumes.atomic import sweep, writing

__all__ = ["SegmentationFiles"]

MOST_BYTES = 2 << 30
MOST_WAITING = 8


class SegmentationFiles:
    """Files by the hash of what they show; each is made once, and one at a time, which bounds the memory.

    Args:
        folder: Holds them; what a killed program left there is removed.
        most_bytes: Space for them; those that were used longest ago are removed.
        most_waiting: Requests that may wait until a file is made, with the one that makes it.
    """

    def __init__(
        self, folder: Path, *, most_bytes: int = MOST_BYTES, most_waiting: int = MOST_WAITING
    ) -> None:
        self._folder, self._most_bytes = folder, most_bytes
        self._lock = threading.Lock()
        self._places = threading.BoundedSemaphore(most_waiting)
        folder.mkdir(parents=True, exist_ok=True)
        sweep(folder)

    def path(self, name: str, make: Callable[[Path], None]) -> Path:
        """Give a file, made now where it is not there.

        Args:
            name: Of the file.
            make: Writes it to a path.

        Raises:
            BusyError: As many wait as may; more would keep the server from answering others.
        """
        path = self._folder / f"{name}.dcm"
        if self._is_kept(path):
            return path
        if not self._places.acquire(blocking=False):
            raise BusyError("as many segmentations are being made as may be; try again in a minute")
        try:
            with self._lock:
                if not self._is_kept(path):
                    with writing(path) as part:
                        make(part)
                    self._make_room(path)
        finally:
            self._places.release()
        return path

    def _is_kept(self, path: Path) -> bool:
        with suppress(FileNotFoundError):
            os.utime(path)
            return True
        return False

    def _make_room(self, newest: Path) -> None:
        found = [(path, path.stat()) for path in self._folder.glob("*.dcm")]
        left = sum(stat.st_size for _, stat in found)
        for path, stat in sorted(found, key=lambda one: one[1].st_mtime):
            if left <= self._most_bytes or path == newest:
                break
            left -= stat.st_size
            with suppress(OSError):  # another request reads it, where that keeps files from being removed
                path.unlink(missing_ok=True)
