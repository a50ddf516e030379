"""Let requests in: the right host, someone who may ask this, the page's own origin, a body not too large.

It is plain ASGI, before anything of a request is parsed. Every answer gets the headers that keep other sites,
frames and caches out.
"""

import json
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from omentum.app.server.access import Access
from omentum.app.server.bodies import (
    CONTENT_SECURITY_POLICY,
    MOST_JSON_BYTES,
    Receive,
    Scope,
    Send,
    TooLargeBodyError,
    closed,
    read_body,
    replayed,
)
from omentum.app.server.login_errors import StrangerError
from omentum.app.server.requests import Asked, read_request
from omentum.app.server.roles import is_public, least_role, methods_of
from omentum.app.server.visitors import Visitor, Visitors
from omentum.errors import AccessError, OmentumError

__all__ = ["CONTENT_SECURITY_POLICY", "MOST_JSON_BYTES", "Gate", "cookie_name"]

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_WITHOUT_COOKIE = frozenset({"/auth/token"})
"""Programs log in here without a browser; no cookie is read or set, and no other site can read the answer."""

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
        visitors: Finds out who asks.
        access: How the server is reached.
        cookie: Name of the session's cookie.
    """

    def __init__(self, app: App, visitors: Visitors, access: Access, cookie: str) -> None:
        self._app, self._visitors, self._access, self._cookie = app, visitors, access, cookie

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # a WebSocket: none is offered
            await send({"type": "websocket.close", "code": 1008})
            return
        try:
            await self._check(scope)
            body = await _body(scope, receive)
        except _RefusedError as refused:
            await _refuse(scope, refused, closed(send))
            return
        await self._app(scope, replayed(body, receive), closed(send))

    async def _check(self, scope: Scope) -> None:
        asked = read_request(scope, self._access, self._cookie)
        _check_peer(asked, self._access)
        _check_host(asked.host, self._access)
        scope["omentum_has_token"] = asked.token is not None
        method, path = scope["method"], scope["path"]
        if method not in _SAFE and path not in _WITHOUT_COOKIE and not _comes_by_token(method, path, asked):
            _check_origin(asked)
        scope["omentum_visitor"] = await self._let_in(method, path, asked)

    async def _let_in(self, method: str, path: str, asked: Asked) -> Visitor | None:
        """Give who asks; `None` for a public route, no matter who asks."""
        try:
            role = least_role(method, path)
        except LookupError:
            await self._visitor(asked)
            raise _no_route(method, path) from None
        if role is None:
            return None
        visitor = await self._visitor(asked)
        if not visitor.may(role):
            said = (
                f"{method} {path} needs the role {role}, and {visitor.name!r} has {', '.join(visitor.roles)}"
            )
            raise _RefusedError(403, "role", f"{said}; ask an admin for it")
        return visitor

    async def _visitor(self, asked: Asked) -> Visitor:
        try:
            return await self._visitors.find(asked)
        except StrangerError as error:
            raise _RefusedError(401, "stranger", str(error)) from None
        except AccessError as error:
            raise _RefusedError(401, "no-session", str(error)) from None
        except OmentumError as error:  # the database is out of reach
            raise _RefusedError(503, "busy", str(error)) from None


def cookie_name(port: int) -> str:
    """Name the session's cookie; browsers give cookies to every port of a host."""
    return f"omentum-{port}"


def _comes_by_token(method: str, path: str, asked: Asked) -> bool:
    """Tell whether a token alone lets a request in; on a public route no one looks whether it is valid."""
    return asked.token is not None and not is_public(method, path)


def _check_peer(asked: Asked, access: Access) -> None:
    """Refuse other machines where passwords would cross the network in the clear."""
    if access.takes_proxies_alone and not asked.is_by_proxy and not _is_here(asked.peer):
        said = f"{asked.peer!r} is no proxy named with --proxy; open the page by the address of the proxy"
        raise _RefusedError(403, "foreign-peer", said)


def _check_host(host: str, access: Access) -> None:
    """Refuse names that another site could have pointed at this machine."""
    try:
        name = urlsplit(f"//{host}").hostname
    except ValueError:
        name = None
    if name not in access.host_names or "@" in host:
        names = "127.0.0.1 or localhost" if access.is_here_alone else " or ".join(sorted(access.host_names))
        said = f"the Host {host!r} is not this server's; open it as {names}, or add it with --host-name"
        raise _RefusedError(421, "foreign-host", said)


def _check_origin(asked: Asked) -> None:
    """Refuse what another site's page asks a browser to send."""
    schemes = ("https",) if asked.scheme == "https" else ("http", "https")
    if asked.origin not in [f"{scheme}://{asked.host}" for scheme in schemes]:
        said = f"the Origin {asked.origin!r} is not the page's own; load the page again"
        raise _RefusedError(403, "foreign-origin", said)


def _is_here(peer: str) -> bool:
    return peer.startswith("127.") or peer in ("::1", "::ffff:127.0.0.1")


def _no_route(method: str, path: str) -> _RefusedError:
    methods = ", ".join(methods_of(path))
    if methods:
        said = f"{method} {path}: it can be asked with {methods}; see /api/openapi.json"
        return _RefusedError(405, "method", said)
    return _RefusedError(404, "unknown", f"{method} {path}: there is no such route; see /api/openapi.json")


async def _body(scope: Scope, receive: Receive) -> bytes:
    try:
        return await read_body(scope, receive)
    except TooLargeBodyError as error:
        raise _RefusedError(413, "too-large", str(error)) from None


async def _refuse(scope: Scope, refused: _RefusedError, send: Send) -> None:
    is_page = not scope["path"].startswith("/api/") and is_public(scope["method"], scope["path"])
    content = refused.said if is_page else json.dumps({"detail": refused.said, "kind": refused.kind})
    kind = b"text/plain; charset=utf-8" if is_page else b"application/json"
    body = content.encode()
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
