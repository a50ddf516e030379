"""Upload files to a folder of an object store, and compare what is there, by checksums.

In:  files of this machine, and an address, as `object_store` explains it.
Out: files of the store, each whole and compared with what was sent; none is removed unasked.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from omentum.errors import DownloadError, UploadError
from omentum.volumes.object_store import PART_BYTES, ObjectStore, open_store, reaching

__all__ = ["FileDigest", "RemoteFolder", "digest_of", "each_at_once"]

Item = TypeVar("Item")
Result = TypeVar("Result")

_THREADS = 8
_IN_SIGHT = 256
"""Items that are given to the threads together, so that an error leaves few behind it."""
_AT_ONCE = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDigest:
    """What a file of this machine is compared with files of a store by.

    Attributes:
        n_bytes: Its size.
        sha256: Of its bytes.
        etags: What a store that does not encrypt says of it: the MD5 of all, and that of its parts.
    """

    n_bytes: int
    sha256: str
    etags: tuple[str, str]


def digest_of(path: Path) -> FileDigest:
    """Read a file once, and make all its checksums."""
    sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    parts: list[bytes] = []
    n_bytes = 0
    with path.open("rb") as stream:
        while chunk := stream.read(PART_BYTES):
            sha256.update(chunk)
            md5.update(chunk)
            parts.append(hashlib.md5(chunk, usedforsecurity=False).digest())
            n_bytes += len(chunk)
    of_parts = hashlib.md5(b"".join(parts), usedforsecurity=False).hexdigest()
    etags = (md5.hexdigest(), f"{of_parts}-{len(parts)}")
    return FileDigest(n_bytes=n_bytes, sha256=sha256.hexdigest(), etags=etags)


def each_at_once(
    items: Sequence[Item], work: Callable[[Item], Result], on_done: Callable[[Item, Result], None]
) -> None:
    """Work on items in several threads, as each waits for the network; the first error ends it.

    Args:
        items: In their order.
        work: Called in a thread.
        on_done: Called in this one, in the order of the items.
    """
    with ThreadPoolExecutor(_THREADS) as pool:
        for first in range(0, len(items), _IN_SIGHT):
            near = items[first : first + _IN_SIGHT]
            for item, result in zip(near, pool.map(work, near), strict=True):
                on_done(item, result)


class RemoteFolder:
    """A folder of an object store, with the files that were there when it was opened.

    Args:
        url: Its address.

    Attributes:
        url: Its address.
        sizes: Sizes of its files in bytes, by their paths below it.

    Raises:
        DownloadError: It may not be read, its bucket is not there, or the store does not answer.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        with reaching(self.url):
            self._store: ObjectStore = open_store(self.url)
            if not self._store.is_there():
                raise OSError("NoSuchBucket")  # as S3 says it only once a file is put
            sizes = self._store.sizes(self._store.root)
        if self._store.root in sizes:
            raise DownloadError(self.url, "is a file; give the address of a folder")
        self.sizes = {path[len(self._store.root) :].strip("/"): n_bytes for path, n_bytes in sizes.items()}

    def address(self, below: str) -> str:
        """Give the address of a file."""
        return f"{self.url}/{below}"

    def read_text(self, below: str) -> str:
        """Read a small file; `DownloadError` if it cannot be."""
        with reaching(self.address(below)):
            stream, _ = self._store.opened(self._path(below))
            with stream:
                return bytes(stream.read()).decode("utf-8", "replace")

    def read_json(self, below: str) -> Any:
        """Read a small file of JSON; `None` if it is none. `DownloadError` if it cannot be read."""
        try:
            return json.loads(self.read_text(below))
        except ValueError:
            return None

    def sha256(self, below: str) -> str:
        """Read a file, and hash it; `DownloadError` if it cannot be read."""
        with reaching(self.address(below)):
            stream, _ = self._store.opened(self._path(below))
            with stream:
                return _hashed(stream)

    def holds(self, below: str, digest: FileDigest) -> bool:
        """Tell whether a file is there with that content; it is read only if the store's checksum is another.

        Raises:
            DownloadError: It cannot be read.
        """
        if self.sizes.get(below) != digest.n_bytes:
            return False
        with reaching(self.address(below)):
            return self._is_there(below, digest)

    def put(self, source: Path, below: str, digest: FileDigest) -> None:
        """Upload a file, and compare what is there then with what was sent.

        Raises:
            UploadError: It cannot be uploaded, or did not come as it was sent.
        """
        url = self.address(below)
        with reaching(url, to_write=True):
            self._store.put(source, self._path(below))
            if not self._is_there(below, digest):
                raise UploadError(url, "is not what was sent there; run the same command again")
        self.sizes[below] = digest.n_bytes

    def remove(self, below: str) -> None:
        """Remove a file; `UploadError` if it may not be."""
        with reaching(self.address(below), to_write=True):
            self._store.remove(self._path(below))
        self.sizes.pop(below, None)

    def _is_there(self, below: str, digest: FileDigest) -> bool:
        stream, said = self._store.opened(self._path(below))
        with stream:
            return said in digest.etags or _hashed(stream) == digest.sha256

    def _path(self, below: str) -> str:
        return f"{self._store.root.rstrip('/')}/{below}"


def _hashed(stream: Any) -> str:
    digest = hashlib.sha256()
    while chunk := stream.read(_AT_ONCE):
        digest.update(chunk)
    return digest.hexdigest()
