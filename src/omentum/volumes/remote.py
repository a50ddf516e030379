"""List and fetch files of an object store, by address; nothing is ever written there.

In:  an address: `s3://bucket/folder`, through pyarrow, with credentials and endpoint as AWS's own tools take
     them (`AWS_PROFILE`, `AWS_ENDPOINT_URL`, ...); other stores through fsspec and its package for them.
Out: files on this machine, whole or not at all, with the size and the checksum that the store says.
"""

import errno
import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from omentum.errors import DownloadError
from omentum.volumes.atomic import writing

__all__ = ["RemoteFile", "fetch", "is_address", "list_remote"]

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+://.", re.IGNORECASE)
_MD5 = re.compile(r'"?([0-9a-f]{32})"?')
_AT_ONCE = 1 << 22
_FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteFile:
    """One file of an object store.

    Attributes:
        url: Its address.
        below: Its path below the address that was listed.
        n_bytes: Its size.
    """

    url: str
    below: PurePosixPath
    n_bytes: int


class _Store(Protocol):
    """What is asked of a store; paths are without the scheme."""

    def sizes(self, root: str) -> dict[str, int]:
        """Give the size of every file below a path, or of the one that it is, by path."""
        ...

    def opened(self, path: str) -> tuple[Any, str]:
        """Open a file as a stream of bytes; give what may be its MD5, too, or nothing."""
        ...


class _S3:
    """S3, and stores that speak like it."""

    def __init__(self, url: str) -> None:
        from pyarrow.fs import FileSystem

        self._files, self.root = FileSystem.from_uri(url)

    def sizes(self, root: str) -> dict[str, int]:
        """See `_Store.sizes`."""
        from pyarrow.fs import FileSelector, FileType

        (own,) = self._files.get_file_info([root])
        inside = self._files.get_file_info(FileSelector(root, recursive=True, allow_not_found=True))
        found = [own] if own.type == FileType.File else inside
        return {one.path: one.size for one in found if one.type == FileType.File}

    def opened(self, path: str) -> tuple[Any, str]:
        """See `_Store.opened`."""
        stream = self._files.open_input_stream(path, compression=None)  # else `.gz` is decompressed
        said = dict(stream.metadata() or {})
        return stream, _text(said.get("ETag", said.get(b"ETag", "")))


class _Other:
    """Whatever fsspec reaches."""

    def __init__(self, url: str) -> None:
        import fsspec

        self._files, self.root = fsspec.core.url_to_fs(url)

    def sizes(self, root: str) -> dict[str, int]:
        """See `_Store.sizes`."""
        self._files.invalidate_cache()
        return {path: int(about["size"]) for path, about in self._files.find(root, detail=True).items()}

    def opened(self, path: str) -> tuple[Any, str]:
        """See `_Store.opened`."""
        return self._files.open(path, "rb"), _text(self._files.info(path).get("ETag", ""))


def _text(value: object) -> str:
    return value.decode("ascii", "replace") if isinstance(value, bytes) else str(value)


def is_address(text: str) -> bool:
    r"""Decide whether a text is an address and no path.

    Example:
        >>> [is_address(text) for text in ("s3://scans/a", "scans/a", "C:\\scans", "/scans")]
        [True, False, False, False]
    """
    return _ADDRESS.match(text) is not None


def list_remote(url: str) -> list[RemoteFile]:
    """List the files below an address, or the one file that it is, by name.

    Raises:
        DownloadError: Nothing is there, it may not be read, or the store does not answer.
    """
    url = url.rstrip("/")
    with _reaching(url):
        store, root = _store_of(url)
        sizes = store.sizes(root)
    if not sizes:
        raise DownloadError(url, "holds no file; check the address")
    return [_listed(url, root, path, n_bytes) for path, n_bytes in sorted(sizes.items())]


def _listed(url: str, root: str, path: str, n_bytes: int) -> RemoteFile:
    rest = path[len(root) :].strip("/")
    return RemoteFile(
        url=f"{url}/{rest}" if rest else url,
        below=PurePosixPath(rest or path.rpartition("/")[2]),
        n_bytes=n_bytes,
    )


def fetch(file: RemoteFile, path: Path) -> None:
    """Fetch a file, whole or not at all; one that is there in its size already stays.

    Where the checksum differs, the file is fetched once more. If both times give the same bytes, the store's
    digits are no checksum of them, as with some encryptions, and the file is taken.

    Raises:
        DownloadError: It is gone, or has changed since it was listed; or the store does not answer, or twice
            gave other bytes.
    """
    if path.is_file() and path.stat().st_size == file.n_bytes:
        return
    with _reaching(file.url), writing(path) as part:
        came, said = _fetched(file, part)
        if said and came != said and _fetched(file, part)[0] != came:
            raise DownloadError(file.url, "came in other bytes each time; run the same command again")


def _fetched(file: RemoteFile, part: Path) -> tuple[str, str]:
    """Fetch a file; give the MD5 of what came, and what the store says it is, or nothing."""
    store, path = _store_of(file.url)
    digest, n_bytes = hashlib.md5(usedforsecurity=False), 0
    stream, said = store.opened(path)
    with stream, part.open("wb") as copy:
        while chunk := stream.read(_AT_ONCE):
            digest.update(chunk)
            n_bytes += len(chunk)
            copy.write(chunk)
    if n_bytes != file.n_bytes:
        seen = f"came with {n_bytes} bytes in place of {file.n_bytes}"
        raise DownloadError(file.url, f"{seen}; run the same command again")
    checksum = _MD5.fullmatch(said)
    return digest.hexdigest(), "" if checksum is None else checksum[1]


def _store_of(url: str) -> tuple[_Store, str]:
    store = _S3(url) if url.lower().startswith("s3://") else _Other(url)
    return store, str(store.root)


@contextmanager
def _reaching(url: str) -> Iterator[None]:
    """Turn whatever a store's library raises into one sentence; a full disk is this machine's."""
    try:
        yield
    except DownloadError:
        raise
    except FileNotFoundError:
        raise DownloadError(url, "is not there; check the address") from None
    except PermissionError:
        raise DownloadError(url, "may not be read with your credentials; check them") from None
    except (ImportError, ValueError) as error:
        scheme, cure = url.partition(":")[0], "give s3://..., or install fsspec's package for that store"
        raise DownloadError(url, f"cannot be reached by {scheme!r} here ({error}); {cure}") from None
    except Exception as error:  # each store has a library with errors of its own
        if isinstance(error, OSError) and error.errno in _FULL:
            raise
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DownloadError(url, f"could not be read ({said}); run the same command again") from None
