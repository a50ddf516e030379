"""Read bodies of requests up to their bounds, and close answers to other sites, frames and caches."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from omentum.review.edit_files import MOST_EDIT_BYTES

__all__ = [
    "CONTENT_SECURITY_POLICY",
    "MOST_JSON_BYTES",
    "Receive",
    "Scope",
    "Send",
    "TooLargeBodyError",
    "closed",
    "read_body",
    "replayed",
]

MOST_JSON_BYTES = 1 << 20
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
_UNREAD = frozenset({"/datastore/", "/datastore/image", "/session/"})
"""Images are refused here whatever they are, with the way to add them."""
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "font-src 'self' data:; connect-src 'self' data: blob:; worker-src 'self' blob:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class TooLargeBodyError(Exception):
    """A body is larger than is taken; the gate answers it."""

    def __init__(self, stated: str, most: int) -> None:
        super().__init__(f"the body has {stated} bytes, and {most} are the most; send less")


async def read_body(scope: Scope, receive: Receive) -> bytes:
    """Read a body up to its bound; nothing is read of one that says that it is larger.

    Requests without a body are not waited for: MONAI Label's client sends the length of an earlier one with
    them.

    Raises:
        TooLargeBodyError: It is larger.
    """
    if scope["method"] not in _WITH_BODY or scope["path"] in _UNREAD:
        return b""
    most = _most_bytes(scope["path"])
    lengths = [
        value.decode("latin-1") for name, value in scope["headers"] if name.lower() == b"content-length"
    ]
    stated = lengths[-1] if lengths else "0"
    if not stated.isascii() or not stated.isdigit() or int(stated) > most:
        raise TooLargeBodyError(stated, most)
    pieces, n_bytes, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            break
        pieces.append(message.get("body", b""))
        n_bytes += len(pieces[-1])
        if n_bytes > most:
            raise TooLargeBodyError(f"more than {most}", most)
        more = message.get("more_body", False)
    return b"".join(pieces)


def replayed(body: bytes, receive: Receive) -> Receive:
    """Give a body that was read to the app; then what the connection says."""
    is_given = False

    async def replay() -> Message:
        nonlocal is_given
        if is_given:
            return await receive()
        is_given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


def closed(send: Send) -> Send:
    """Add the headers that keep others out."""

    async def with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            given = {name.lower() for name, _ in message.get("headers", [])}
            added = [
                (name.encode(), value.encode())
                for name, value in _HEADERS.items()
                if name.encode() not in given
            ]
            message["headers"] = [*message.get("headers", []), *added]
        await send(message)

    return with_headers


def _most_bytes(path: str) -> int:
    is_about_a_task = path.startswith(("/api/tasks/", "/api/adjudications/"))
    is_edits = is_about_a_task and (path.endswith("/save") or "/drafts/" in path)
    return MOST_EDIT_BYTES if is_edits or path == "/datastore/label" else MOST_JSON_BYTES
