"""Read who sent a request and how: through a proxy, with a token, or with a cookie."""

import re
from collections.abc import MutableMapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from ipaddress import ip_address
from typing import Any

from omentum.app.server.access import Access
from omentum.project.accounts import TOKEN_BEGIN

__all__ = ["Asked", "read_request"]

_TOKEN_PATH = re.compile(r"/t/(?P<token>[^/]*)(?P<rest>/.*)?", re.DOTALL)
_BEARER = re.compile(rf"bearer +(?P<token>{TOKEN_BEGIN}\S+) *", re.IGNORECASE)
_WITH_PORT = re.compile(r"\[(?P<v6>[^\]]+)\](:[0-9]+)?|(?P<v4>[0-9.]+):[0-9]+")
"""How some proxies write addresses into `X-Forwarded-For`."""

Scope = MutableMapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a request says of where it comes from; nothing of it is checked yet but the peer."""

    peer: str
    """Address of the machine at the other end of the connection."""
    is_by_proxy: bool
    """Whether the peer is a proxy that is believed."""
    host: str
    scheme: str
    origin: str
    token: str | None
    """Of a program; `None` where none is sent."""
    cookie: str
    user_names: tuple[str, ...]
    """Values of the header in which a proxy names who asks."""


def read_request(scope: Scope, access: Access, cookie: str) -> Asked:
    """Read a request; change its scope to what a believed proxy says, and take a token out of its path.

    Args:
        scope: Of the request.
        access: Of the server.
        cookie: Name of the session's cookie.
    """
    headers = _headers(scope)
    peer = str(scope["client"][0]) if scope.get("client") else ""
    is_by_proxy = access.is_proxy(peer)
    if is_by_proxy:
        _believe(scope, headers, access)
    in_path = _token_of_path(scope)
    bearer = _BEARER.fullmatch(_last(headers, "authorization"))
    return Asked(
        peer=peer,
        is_by_proxy=is_by_proxy,
        host=_last(headers, "host"),
        scheme=str(scope.get("scheme", "http")),
        origin=_last(headers, "origin"),
        token=in_path if in_path is not None else (bearer["token"] if bearer else None),
        cookie=_cookie(_last(headers, "cookie"), cookie),
        user_names=tuple(headers.get(access.user_header, ())) if access.user_header else (),
    )


def _headers(scope: Scope) -> dict[str, list[str]]:
    headers: dict[str, list[str]] = {}
    for name, value in scope["headers"]:
        headers.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    return headers


def _last(headers: dict[str, list[str]], name: str) -> str:
    return headers.get(name, [""])[-1].strip()


def _believe(scope: Scope, headers: dict[str, list[str]], access: Access) -> None:
    """Take address, scheme and host of the browser from the headers of a proxy.

    What is no address leaves that of the peer; what stands before it in the header may be the browser's own.
    """
    said = [one.strip() for value in headers.get("x-forwarded-for", []) for one in value.split(",")]
    known = (_address(one) for one in reversed(said) if one)
    browser = next((one for one in known if one is None or not access.is_proxy(one)), None)
    if browser is not None:
        scope["client"] = (browser, 0)
    scheme = _last(headers, "x-forwarded-proto").rpartition(",")[2].strip().lower()
    if scheme in ("http", "https"):
        scope["scheme"] = scheme
    host = _last(headers, "x-forwarded-host").rpartition(",")[2].strip()
    if host:
        headers["host"] = [host]
        others = [(name, value) for name, value in scope["headers"] if name.lower() != b"host"]
        scope["headers"] = [*others, (b"host", host.encode("latin-1"))]


def _address(said: str) -> str | None:
    """Give an address without port and brackets; `None` for what is none."""
    found = _WITH_PORT.fullmatch(said)
    try:
        return str(ip_address(said if found is None else found["v6"] or found["v4"]))
    except ValueError:
        return None


def _token_of_path(scope: Scope) -> str | None:
    """Take `/t/TOKEN` off the path, so that no route, log or error text ever has it."""
    found = _TOKEN_PATH.fullmatch(scope["path"])
    if found is None:
        return None
    scope["path"] = found["rest"] or "/"
    scope["raw_path"] = scope["path"].encode("utf-8", "surrogateescape")
    return found["token"]


def _cookie(header: str, name: str) -> str:
    try:
        found = SimpleCookie(header).get(name)
    except CookieError:
        return ""
    return "" if found is None else found.value
