"""Say in a sentence what a library's error says, and let it be an error about the file that was read."""

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from omentum.errors import OmentumError, UnreachableFileError, UnreadableImageError

__all__ = ["is_there", "raise_if_unreachable", "reading", "require_reachable", "said_by"]

_ADDRESS = re.compile(r" ?\(?\b0x[0-9a-fA-F]+\)?")
_SOURCE_FILE = re.compile(r"\S+\.(?:cxx|cpp|hxx|h|c):\d+:?")
_PREFIX = re.compile(r"^(?:\s*(?:itk::|ITK )?ERROR:\s*|\s*\[nrrd\]\s*|\s*\w+:\s+(?=ReadImageInformation:))+")
_FULL = (errno.ENOSPC, errno.EDQUOT)
_NAMES = ("EIO", "ESTALE", "ENOTCONN", "ETIMEDOUT", "EHOSTDOWN", "EHOSTUNREACH", "ECONNRESET", "ECONNABORTED")
_MORE_NAMES = ("ENETDOWN", "ENETUNREACH", "EREMOTEIO", "ENOLINK", "ENODEV", "ESHUTDOWN")
_UNREACHABLE = frozenset(getattr(errno, name) for name in (*_NAMES, *_MORE_NAMES) if hasattr(errno, name))
"""What a disk or a network share says that is not there for a while; never what a damaged file says."""
_CHUNK_BYTES = 1 << 20
_CURE = "export it anew from its source; where other programs can read it, report this as an error of omentum"


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Let whatever is raised about a foreign file be an `ImageError` that names the file.

    This is the one boundary to files of others: a damaged one can make libraries raise anything. The type of
    the exception is told and the exception is chained, so that an error in our own code is seen too.

    Args:
        path: The file or folder that is read.

    Raises:
        UnreachableFileError: In place of what a disk or a network share says that is not there for a while.
        UnreadableImageError: In place of every other exception, except our own, those of a full disk and of
            too little memory.

    Example:
        >>> try:
        ...     with reading(Path("a.dcm")):
        ...         raise KeyError("Rows")
        ... except UnreadableImageError as error:
        ...     print(str(error).partition(";")[0])
        a.dcm: it cannot be read (KeyError: 'Rows')
    """
    try:
        yield
    except (OmentumError, MemoryError):
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _FULL:
            raise
        raise_if_unreachable(path, error)
        kind, said = type(error).__name__, said_by(error, path)
        seen = f"it cannot be read ({kind if said == kind else f'{kind}: {said}'})"
        raise UnreadableImageError(path, seen, _CURE) from error


def raise_if_unreachable(path: Path, error: BaseException) -> None:
    """Raise `UnreachableFileError` if an error says that a disk or a network share is away.

    Example:
        >>> raise_if_unreachable(Path("ct.nii.gz"), OSError(errno.EIO, "Input/output error"))
        Traceback (most recent call last):
        omentum.errors.images.UnreachableFileError: ct.nii.gz: its disk or network share did not give it
            (Input/output error); check that it is connected, and run the same command again
    """
    if isinstance(error, OSError) and error.errno in _UNREACHABLE:
        seen = f"its disk or network share did not give it ({error.strerror or error})"
        cure = "check that it is connected, and run the same command again"
        raise UnreachableFileError(path, seen, cure) from error


def require_reachable(path: Path) -> None:
    """Read a file to its end, for libraries whose errors do not say why they could not.

    Raises:
        UnreachableFileError: Its disk or network share does not give it.
    """
    try:
        with path.open("rb") as file:
            while file.read(_CHUNK_BYTES):
                pass
    except OSError as error:
        raise_if_unreachable(path, error)


def is_there(path: Path) -> bool:
    """Return whether there is a file or folder, as `Path.exists` does.

    Raises:
        UnreachableFileError: Its disk or network share does not say, so that it may be there.
    """
    try:
        path.stat()
    except OSError as error:
        raise_if_unreachable(path, error)
        return False
    except ValueError:  # a name that no file can have
        return False
    return True


def said_by(error: BaseException, path: Path) -> str:
    """Give the last line of an error that says something, without the path, addresses and source files.

    Example:
        >>> said_by(RuntimeError("ITK ERROR: NrrdImageIO(0x55b4): trouble in /a/b.nrrd"), Path("/a/b.nrrd"))
        'NrrdImageIO: trouble in it'
    """
    text = str(error).replace(str(path), "it")
    if path.suffix:  # else its name may be a word
        text = text.replace(path.name, "it")
    text = _SOURCE_FILE.sub("", _ADDRESS.sub("", text)).replace('"it"', "it")
    lines = [_PREFIX.sub("", line).strip() for line in text.splitlines()]
    lines = [line for line in lines if line and line != "Reason: Success"]
    return lines[-1] if lines else type(error).__name__
