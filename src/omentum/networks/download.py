"""Download a file, and resume where an earlier download broke off."""

import fcntl
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from omentum import __version__
from omentum.errors import ConfigError, DownloadError
from omentum.volumes.atomic import write_text

__all__ = ["checked_url", "download", "exclusive", "remove_download"]

_WAITS_S = (0.0, 1.0, 2.0, 4.0)
"""Before each try."""
_TIMEOUT_S = 30.0
"""Without any data."""
_CHUNK_BYTES = 1 << 18
_BUSY = {408, 429, 500, 502, 503, 504}
"""Answers after which another try makes sense."""
_RANGE_REFUSED = 416
_PAGE_STARTS = (b"<!doctype", b"<html", b"<head", b"<?xml")


class _EndedError(Exception):
    """This try failed; another may succeed."""


class _UnreachableError(_EndedError):
    """There was no answer."""


def checked_url(url: str) -> str:
    """Give an address back if it is one that `download` takes.

    Raises:
        ConfigError: It is not.

    Example:
        >>> checked_url("https://example.org/unet.pth")
        'https://example.org/unet.pth'
    """
    try:
        parts = urlsplit(url)
        fits = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.username is None
        fits = fits and (parts.port is None or parts.port > 0)
    except ValueError:
        fits = False
    if not fits or not re.fullmatch(r"[!-~]+", url):
        rule = "it is the address of a file: http:// or https://, a host without a user's name, no spaces"
        raise ConfigError("--url", url, rule)
    return url


@contextmanager
def exclusive(lock: Path) -> Iterator[None]:
    """Lock a block against other processes of this user; `DownloadError` if one is in it."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            rule = "is being pulled by another process; wait until that one is done"
            raise DownloadError(lock.stem, rule) from None
        except OSError:
            pass  # a file system that has no locks
        try:
            yield
        finally:
            lock.unlink(missing_ok=True)


def remove_download(path: Path) -> None:
    """Remove a download, complete or not, and its note."""
    _note(path).unlink(missing_ok=True)
    path.unlink(missing_ok=True)


def download(url: str, path: Path, on_progress: Callable[[int, int | None], None]) -> None:
    """Download a file, from where an earlier call for the same address and path stopped.

    A part is continued only if the server confirms that the file has not changed.

    Args:
        url: Its address, see `checked_url`.
        path: Where it is written.
        on_progress: Gets the bytes so far, and the total if the server tells it.

    Raises:
        DownloadError: There is no answer or no such file, the server sent a web page instead, or the
            connection ended repeatedly.
    """
    reason = ""
    for n_tries, wait_s in enumerate(_WAITS_S):
        time.sleep(wait_s)
        try:
            return _go_on(url, path, on_progress)
        except _EndedError as ended:
            reason = str(ended)
            if isinstance(ended, _UnreachableError) and not n_tries:
                raise DownloadError(url, f"could not be reached ({reason})") from None
    raise DownloadError(
        url, f"was tried {len(_WAITS_S)} times ({reason}); the same command goes on from there"
    )


def _go_on(url: str, path: Path, on_progress: Callable[[int, int | None], None]) -> None:
    version = _note(path).read_text("utf-8") if _note(path).is_file() else None
    n_have = path.stat().st_size if version and path.is_file() else 0
    headers = {"Range": f"bytes={n_have}-", "If-Range": version} if version and n_have else {}
    with _opened(url, headers) as answer:
        if answer.status == _RANGE_REFUSED and answer.headers.get("Content-Range") == f"bytes */{n_have}":
            return  # the file is complete
        if answer.status == 200:
            _begin(url, path, answer)
            n_have = 0
        elif not (headers and _continues(answer, n_have, version)):
            remove_download(path)
            raise _EndedError(f"it answered {answer.status} to what was asked")
        n_total = None if answer.length is None else n_have + answer.length
        if not _copy(answer, path, n_total, on_progress):
            remove_download(path)
            raise _page(url)


def _opened(url: str, headers: Mapping[str, str]) -> Any:
    """Ask for a file or the rest of it; 200, 206 and 416 are answers, all others are errors."""
    request = Request(url, headers={"User-Agent": f"omentum/{__version__}", **headers})
    try:
        return urlopen(request, timeout=_TIMEOUT_S)
    except HTTPError as answer:
        if answer.code == _RANGE_REFUSED and headers:
            return answer
        answer.close()
        said = f"answered {answer.code} {answer.reason}"
        if answer.code in _BUSY:
            raise _EndedError(f"it {said}") from None
        raise DownloadError(url, said) from None
    except URLError as error:
        raise _UnreachableError(getattr(error.reason, "strerror", None) or error.reason) from None
    except (OSError, HTTPException, ValueError) as error:
        raise _EndedError(f"no answer: {error}") from None


def _begin(url: str, path: Path, answer: Any) -> None:
    """Start a file from its first byte; write the note once the old part is removed."""
    remove_download(path)
    if answer.headers.get_content_type() == "text/html":
        raise _page(url)
    if version := _version(answer):
        write_text(_note(path), version)


def _continues(answer: Any, n_have: int, version: str | None) -> bool:
    starts = re.match(r"bytes (\d+)-", answer.headers.get("Content-Range", ""))
    same = _version(answer) in (None, version)
    return answer.status == 206 and same and starts is not None and int(starts[1]) == n_have


def _copy(
    answer: Any, path: Path, n_total: int | None, on_progress: Callable[[int, int | None], None]
) -> bool:
    """Append the data; give False if it is a web page."""
    with path.open("ab") as file:
        on_progress(file.tell(), n_total)
        while chunk := _read(answer):
            if not file.tell() and chunk.lstrip()[:16].lower().startswith(_PAGE_STARTS):
                return False
            file.write(chunk)
            on_progress(file.tell(), n_total)
        n_have = file.tell()
    if n_total is not None and n_have < n_total:
        raise _EndedError(f"the connection ended after {n_have} of {n_total} bytes")
    return True


def _read(answer: Any) -> bytes:
    try:
        chunk: bytes = answer.read(_CHUNK_BYTES)
    except (OSError, HTTPException) as error:
        raise _EndedError(f"the connection ended: {error}") from None
    return chunk


def _page(url: str) -> DownloadError:
    return DownloadError(url, "gave a web page, not the file; it may ask to sign in or to agree to terms")


def _note(path: Path) -> Path:
    return path.with_name(f"{path.name}.version")


def _version(answer: Any) -> str | None:
    """Give the server's version of the file; a weak ETag does not identify its bytes."""
    tag: str | None = answer.headers.get("ETag")
    modified: str | None = answer.headers.get("Last-Modified")
    return tag if tag and tag.startswith('"') else modified
