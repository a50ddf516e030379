"""List and fetch files of an object store, by address; nothing is ever written there.

In:  an address, as `object_store` explains it: `s3://bucket/folder`, and others.
Out: files on this machine, whole or not at all, with the size and the checksum that the store says.
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from omentum.errors import DownloadError
from omentum.volumes.atomic import writing
from omentum.volumes.object_store import open_store, reaching

__all__ = ["RemoteFile", "fetch", "list_remote"]

_MD5 = re.compile(r"[0-9a-f]{32}")
_AT_ONCE = 1 << 22


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


def list_remote(url: str) -> list[RemoteFile]:
    """List the files below an address, or the one file that it is, by name.

    Raises:
        DownloadError: Nothing is there, it may not be read, or the store does not answer.
    """
    url = url.rstrip("/")
    with reaching(url):
        store = open_store(url)
        sizes = store.sizes(store.root)
    if not sizes:
        raise DownloadError(url, "holds no file; check the address")
    return [_listed(url, store.root, path, n_bytes) for path, n_bytes in sorted(sizes.items())]


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
    with reaching(file.url), writing(path) as part:
        came, said = _fetched(file, part)
        if said and came != said and _fetched(file, part)[0] != came:
            raise DownloadError(file.url, "came in other bytes each time; run the same command again")


def _fetched(file: RemoteFile, part: Path) -> tuple[str, str]:
    """Fetch a file; give the MD5 of what came, and what the store says it is, or nothing."""
    store = open_store(file.url)
    digest, n_bytes = hashlib.md5(usedforsecurity=False), 0
    stream, said = store.opened(store.root)
    with stream, part.open("wb") as copy:
        while chunk := stream.read(_AT_ONCE):
            digest.update(chunk)
            n_bytes += len(chunk)
            copy.write(chunk)
    if n_bytes != file.n_bytes:
        seen = f"came with {n_bytes} bytes in place of {file.n_bytes}"
        raise DownloadError(file.url, f"{seen}; run the same command again")
    return digest.hexdigest(), said if _MD5.fullmatch(said) else ""
