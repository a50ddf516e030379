"""Hash files by their bytes, also on the way of a copy."""

import hashlib
from pathlib import Path

from omentum.errors import UnreadableImageError
from omentum.volumes.atomic import writing

__all__ = ["copied_sha256", "file_sha256"]

_AT_ONCE = 1 << 20


def file_sha256(path: Path) -> str:
    """Hash a file's bytes.

    Raises:
        UnreadableImageError: There is no such file.
    """
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except FileNotFoundError:
        raise UnreadableImageError(
            path, "there is no such file", "bring it back, or run the step that wrote it again"
        ) from None


def copied_sha256(source: Path, path: Path) -> str:
    """Copy a file's bytes, whole or not at all, and hash them on the way, so that they are read once.

    Raises:
        UnreadableImageError: There is no such file.
    """
    made = hashlib.sha256()
    try:
        with source.open("rb") as stream, writing(path) as part, part.open("wb") as copy:
            while chunk := stream.read(_AT_ONCE):
                made.update(chunk)
                copy.write(chunk)
    except FileNotFoundError:
        raise UnreadableImageError(
            source, "there is no such file", "bring it back, or run the step that wrote it again"
        ) from None
    return made.hexdigest()
