"""Hash files by their bytes, also while they are copied."""

import hashlib
from pathlib import Path

from omentum.errors import UnreadableImageError
from omentum.volumes.atomic import writing

__all__ = ["copied_sha256", "file_sha256"]

_AT_ONCE = 1 << 20


def file_sha256(path: Path) -> str:
    """Hash a file's bytes; `UnreadableImageError` if there is no such file."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except FileNotFoundError:
        raise _missing(path) from None


def copied_sha256(source: Path, path: Path) -> str:
    """Copy a file's bytes, whole or not at all, and hash them in the same pass; errors as `file_sha256`."""
    digest = hashlib.sha256()
    try:
        with source.open("rb") as stream, writing(path) as part, part.open("wb") as copy:
            while chunk := stream.read(_AT_ONCE):
                digest.update(chunk)
                copy.write(chunk)
    except FileNotFoundError:
        raise _missing(source) from None
    return digest.hexdigest()


def _missing(path: Path) -> UnreadableImageError:
    cure = "bring it back, or run the step that wrote it again"
    return UnreadableImageError(path, "there is no such file", cure)
