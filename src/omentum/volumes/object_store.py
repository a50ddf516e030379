"""Reach an object store through the library for its kind of address; what goes wrong is one sentence.

`s3://bucket/folder` goes through pyarrow, with credentials and endpoint as AWS's own tools take them
(`AWS_PROFILE`, `AWS_ENDPOINT_URL`, ...); other stores through fsspec and its package for them.
"""

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

from omentum.errors import DownloadError, UploadError

__all__ = ["PART_BYTES", "ObjectStore", "is_address", "open_store", "reaching"]

PART_BYTES = 10 << 20
"""Size of the parts in which pyarrow uploads larger files; S3's checksum is one of the parts then."""
_PARTS_AT_ONCE = 2
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+://.", re.IGNORECASE)
_FULL = (errno.ENOSPC, errno.EDQUOT)
_REFUSED = re.compile("ACCESS_DENIED|ACCESS_KEY|SIGNATURE|TOKEN|HTTP status 40[13]|AccessDenied")
_NO_BUCKET = re.compile(r"NO_SUCH_BUCKET|NoSuchBucket")
_NO_ANSWER = re.compile(r"NETWORK_CONNECTION|curlCode", re.IGNORECASE)


class ObjectStore(Protocol):
    """What is asked of a store; paths are without the scheme."""

    root: str
    """Path of the address that it was opened with."""

    def is_there(self) -> bool:
        """Return whether the bucket of the root is there, as far as that can be known."""
        ...

    def sizes(self, root: str) -> dict[str, int]:
        """Give the size in bytes of every file below a path, or of the one that it is, by path."""
        ...

    def opened(self, path: str) -> tuple[Any, str]:
        """Open a file as a stream of bytes; give what the store says is its checksum, too, or nothing."""
        ...

    def put(self, source: Path, path: str) -> None:
        """Upload a file of this machine; whole, or it is not there."""
        ...

    def remove(self, path: str) -> None:
        """Remove a file."""
        ...


class _S3:
    """S3, and stores that speak like it."""

    def __init__(self, url: str) -> None:
        from pyarrow.fs import FileSystem

        # else even a small file takes three requests, and its checksum is one of parts
        sent_at_once = f"{url}{'&' if '?' in url else '?'}allow_delayed_open=true"
        self._files, self.root = FileSystem.from_uri(sent_at_once)

    def is_there(self) -> bool:
        """See `ObjectStore.is_there`."""
        from pyarrow.fs import FileType

        try:
            (bucket,) = self._files.get_file_info([self.root.partition("/")[0]])
        except OSError:  # who may use one folder may not ask for the bucket
            return True
        return bool(bucket.type != FileType.NotFound)

    def sizes(self, root: str) -> dict[str, int]:
        """See `ObjectStore.sizes`."""
        from pyarrow.fs import FileSelector, FileType

        (own,) = self._files.get_file_info([root])
        inside = self._files.get_file_info(FileSelector(root, recursive=True, allow_not_found=True))
        found = [own] if own.type == FileType.File else inside
        return {one.path: one.size for one in found if one.type == FileType.File}

    def opened(self, path: str) -> tuple[Any, str]:
        """See `ObjectStore.opened`."""
        stream = self._files.open_input_stream(path, compression=None)  # else `.gz` is decompressed
        said = dict(stream.metadata() or {})
        return stream, _text(said.get("ETag", said.get(b"ETag", "")))

    def put(self, source: Path, path: str) -> None:
        """See `ObjectStore.put`."""
        copy = self._files.open_output_stream(path, compression=None)
        try:
            with source.open("rb") as file:
                while chunk := file.read(_PARTS_AT_ONCE * PART_BYTES):
                    copy.write(chunk)
                    copy.flush()  # waits for the parts, which are in memory until they are sent
        except BaseException:
            with suppress(Exception):  # a stream can only be closed, and what was sent is a file then
                copy.close()
                self._files.delete_file(path)
            raise
        copy.close()

    def remove(self, path: str) -> None:
        """See `ObjectStore.remove`."""
        self._files.delete_file(path)


class _Other:
    """Whatever fsspec reaches."""

    def __init__(self, url: str) -> None:
        import fsspec

        self._files, self.root = fsspec.core.url_to_fs(url)

    def is_there(self) -> bool:
        """See `ObjectStore.is_there`; stores differ in what a bucket is, and say it when a file is put."""
        return True

    def sizes(self, root: str) -> dict[str, int]:
        """See `ObjectStore.sizes`."""
        self._files.invalidate_cache()
        return {path: int(about["size"]) for path, about in self._files.find(root, detail=True).items()}

    def opened(self, path: str) -> tuple[Any, str]:
        """See `ObjectStore.opened`."""
        return self._files.open(path, "rb"), _text(self._files.info(path).get("ETag", ""))

    def put(self, source: Path, path: str) -> None:
        """See `ObjectStore.put`."""
        self._files.makedirs(path.rpartition("/")[0], exist_ok=True)
        self._files.put_file(str(source), path)

    def remove(self, path: str) -> None:
        """See `ObjectStore.remove`."""
        self._files.rm_file(path)


def _text(value: object) -> str:
    return (value.decode("ascii", "replace") if isinstance(value, bytes) else str(value)).strip('"')


def is_address(text: str) -> bool:
    r"""Decide whether a text is an address and no path.

    Example:
        >>> [is_address(text) for text in ("s3://scans/a", "scans/a", "C:\\scans", "/scans")]
        [True, False, False, False]
    """
    return _ADDRESS.match(text) is not None


def open_store(url: str) -> ObjectStore:
    """Open the store of an address; whatever its library raises, `reaching` translates."""
    return _S3(url) if url.lower().startswith("s3://") else _Other(url)


@contextmanager
def reaching(url: str, *, to_write: bool = False) -> Iterator[None]:
    """Turn whatever a store's library raises into one sentence; a full disk is this machine's.

    Args:
        url: What the block works on.
        to_write: Whether it uploads, or changes something there.

    Raises:
        DownloadError: The block could not read.
        UploadError: It could not write.
    """
    raised = UploadError if to_write else DownloadError
    done = "written" if to_write else "read"
    try:
        yield
    except (DownloadError, UploadError):
        raise
    except FileNotFoundError:
        raise raised(url, "is not there; check the address") from None
    except PermissionError:
        raise raised(url, f"may not be {done} with your credentials; check them") from None
    except (ImportError, ValueError) as error:
        scheme, cure = url.partition(":")[0], "give s3://..., or install fsspec's package for that store"
        raise raised(url, f"cannot be reached by {scheme!r} here ({error}); {cure}") from None
    except Exception as error:  # each store has a library with errors of its own
        if isinstance(error, OSError) and error.errno in _FULL:
            raise
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise raised(url, _reason(said, done)) from None


def _reason(said: str, done: str) -> str:
    """Say what is wrong, and what to do, by what the store's library said."""
    if _REFUSED.search(said):
        return f"may not be {done} with your credentials ({said}); check them"
    if _NO_BUCKET.search(said):
        return f"could not be {done}, as there is no such bucket; check the address"
    cure = "run the same command again"
    if _NO_ANSWER.search(said):
        cure = f"check the network and AWS_ENDPOINT_URL, then {cure}"
    return f"could not be {done} ({said}); {cure}"
