"""Let requests in: the right host, a session, the page's own origin, a body that is not too large.

It is plain ASGI, before anything of a request is parsed. Every answer gets the headers that keep other sites,
frames and caches out.
"""

import json
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import urlsplit

from omentum.app.server.roles import least_role, methods_of
from omentum.app.server.sessions import Sessions
from omentum.app.server.visitors import Login, Visitor
from omentum.records.people import Role
from omentum.review.edit_files import MOST_EDIT_BYTES

__all__ = ["CONTENT_SECURITY_POLICY", "MOST_JSON_BYTES", "Gate", "cookie_name"]

MOST_JSON_BYTES = 1 << 20
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
_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class _RefusedError(Exception):
    """A request that is not let in; never leaves this module."""

    def __init__(self, status: int, kind: str, said: str) -> None:
        super().__init__(said)
        self.status, self.kind, self.said = status, kind, said


class Gate:
    """The outermost layer of the server.

    Args:
        app: What is behind it.
        sessions: Of the browsers that were let in.
        cookie: Name of the session's cookie.
    """

    def __init__(self, app: App, sessions: Sessions, cookie: str) -> None:
        self._app, self._sessions, self._cookie = app, sessions, cookie

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # a WebSocket: none is offered
            await send({"type": "websocket.close", "code": 1008})
            return
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]
        }
        try:
            self._check(scope, headers)
            body = await _body(scope, headers, receive)
        except _RefusedError as refused:
            await _refuse(scope, refused, _closed(send))
            return
        await self._app(scope, _replayed(body, receive), _closed(send))

    def _check(self, scope: Scope, headers: dict[str, str]) -> None:
        _check_host(headers.get("host", ""))
        if scope["method"] not in _SAFE:
            _check_origin(headers)
        session = self._sessions.find(_cookie(headers.get("cookie", ""), self._cookie))
        visitor = None
        if session is not None:
            visitor = Visitor(name=session.reader, roles=tuple(Role), login=Login.LINK, session=session)
        _check_role(scope["method"], scope["path"], visitor)
        scope["omentum_visitor"] = visitor


def cookie_name(port: int) -> str:
    """Name the session's cookie; browsers give cookies to every port of a host."""
    return f"omentum-{port}"


def _check_host(host: str) -> None:
    """Refuse names that another site could have pointed at this machine."""
    try:
        name = urlsplit(f"//{host}").hostname
    except ValueError:
        name = None
    if name not in _HOSTS or "@" in host:
        said = f"the Host {host!r} is not this server's; open it as 127.0.0.1 or localhost"
        raise _RefusedError(421, "foreign-host", said)


def _check_origin(headers: dict[str, str]) -> None:
    """Refuse what another site's page asks a browser to send."""
    origin, host = headers.get("origin", ""), headers.get("host", "")
    if origin not in (f"http://{host}", f"https://{host}"):
        said = f"the Origin {origin!r} is not the page's own; load the page again"
        raise _RefusedError(403, "foreign-origin", said)


def _check_role(method: str, path: str, visitor: Visitor | None) -> None:
    """Refuse what the visitor may not ask, and every route that `ROLES` does not name."""
    with suppress(LookupError):
        role = least_role(method, path)
        if role is None or (visitor is not None and visitor.may(role)):
            return
        if visitor is not None:
            had = ", ".join(visitor.roles) or "none"
            said = (
                f"{method} {path} needs the role {role}, and {visitor.name!r} has {had}; ask an admin for it"
            )
            raise _RefusedError(403, "role", said)
    if visitor is None:
        said = "there is no session, or its time is over"
        cure = "press Enter in the terminal of `omentum review serve`, and open the link that it shows"
        raise _RefusedError(401, "no-session", f"{said}; {cure}")
    methods = ", ".join(methods_of(path))
    if methods:
        said = f"{method} {path}: it can be asked with {methods}; see /api/openapi.json"
        raise _RefusedError(405, "method", said)
    raise _RefusedError(404, "unknown", f"{method} {path}: there is no such route; see /api/openapi.json")


def _cookie(header: str, name: str) -> str:
    try:
        found = SimpleCookie(header).get(name)
    except CookieError:
        return ""
    return "" if found is None else found.value


async def _body(scope: Scope, headers: dict[str, str], receive: Receive) -> bytes:
    """Read a body up to its bound; nothing is read of one that says that it is larger."""
    most = _most_bytes(scope["path"])
    stated = headers.get("content-length", "0")
    if not stated.isascii() or not stated.isdigit() or int(stated) > most:
        raise _too_large(stated, most)
    pieces, n_bytes, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            break
        pieces.append(message.get("body", b""))
        n_bytes += len(pieces[-1])
        if n_bytes > most:
            raise _too_large(f"more than {most}", most)
        more = message.get("more_body", False)
    return b"".join(pieces)


def _most_bytes(path: str) -> int:
    is_edits = path.startswith("/api/tasks/") and (path.endswith("/save") or "/drafts/" in path)
    return MOST_EDIT_BYTES if is_edits else MOST_JSON_BYTES


def _too_large(stated: str, most: int) -> _RefusedError:
    return _RefusedError(413, "too-large", f"the body has {stated} bytes, and {most} are the most; send less")


def _replayed(body: bytes, receive: Receive) -> Receive:
    """Give a body that was read to the app; then what the connection says."""
    is_given = False

    async def replay() -> Message:
        nonlocal is_given
        if is_given:
            return await receive()
        is_given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


def _closed(send: Send) -> Send:
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


async def _refuse(scope: Scope, refused: _RefusedError, send: Send) -> None:
    is_page = not scope["path"].startswith("/api/")
    content = refused.said if is_page else json.dumps({"detail": refused.said, "kind": refused.kind})
    kind = b"text/plain; charset=utf-8" if is_page else b"application/json"
    body = content.encode()
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
