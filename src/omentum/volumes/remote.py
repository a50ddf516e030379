"""List and fetch files of an object store, by address, through fsspec; nothing is ever written there.

In:  an address such as `s3://bucket/folder`. Credentials are those of the store's own tools, for S3 the files
     and variables of AWS (`AWS_PROFILE`, `AWS_ENDPOINT_URL`, ...).
Out: files on this machine, whole or not at all, with the size and the checksum that the store says.
"""

import errno
import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

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
        md5: Its checksum, 32 hexadecimal digits; empty where the store says none. A store that encrypts may
            give another 32 digits, see `fetch`.
    """

    url: str
    below: PurePosixPath
    n_bytes: int
    md5: str = ""


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
        files, root = _file_system(url)
        files.invalidate_cache()
        found: dict[str, Any] = files.find(root, detail=True)
    listed = [_listed(url, root, path, about) for path, about in sorted(found.items())]
    named = [one for one in listed if one.below.name]
    if not named:
        raise DownloadError(url, "holds no file; check the address")
    return named


def _listed(url: str, root: str, path: str, about: dict[str, Any]) -> RemoteFile:
    rest = path[len(root) :].strip("/")
    checksum = _MD5.fullmatch(str(about.get("ETag", "")))
    return RemoteFile(
        url=f"{url}/{rest}" if rest else url,
        below=PurePosixPath(rest or path.rpartition("/")[2]),
        n_bytes=int(about["size"]),
        md5="" if checksum is None else checksum[1],
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
        first = _fetched(file, part)
        if file.md5 and first != file.md5 and _fetched(file, part) != first:
            raise DownloadError(file.url, "came in other bytes each time; run the same command again")


def _fetched(file: RemoteFile, part: Path) -> str:
    """Fetch a file; give the MD5 of what came."""
    files, path = _file_system(file.url)
    digest, n_bytes = hashlib.md5(usedforsecurity=False), 0
    with files.open(path, "rb", block_size=_AT_ONCE) as stream, part.open("wb") as copy:
        while chunk := stream.read(_AT_ONCE):
            digest.update(chunk)
            n_bytes += len(chunk)
            copy.write(chunk)
    if n_bytes != file.n_bytes:
        seen = f"came with {n_bytes} bytes in place of {file.n_bytes}"
        raise DownloadError(file.url, f"{seen}; run the same command again")
    return digest.hexdigest()


def _file_system(url: str) -> tuple[Any, str]:
    import fsspec

    files, path = fsspec.core.url_to_fs(url)
    return files, str(path)


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
        scheme = url.partition(":")[0]
        cure = "for S3 install it with `pip install 'omentum[s3]'`"
        raise DownloadError(url, f"cannot be reached by {scheme!r} here ({error}); {cure}") from None
    except Exception as error:  # each store has a library with errors of its own
        if isinstance(error, OSError) and error.errno in _FULL:
            raise
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DownloadError(url, f"could not be read ({said}); run the same command again") from None
