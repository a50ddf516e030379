"""Turn errors that a user can put right into answers of one form."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from omentum.app.server.login_errors import TooManyTriesError, WrongLoginError
from omentum.errors import (
    AccessError,
    BusyError,
    ClaimedError,
    ConfigError,
    EditsError,
    HiddenError,
    MissingError,
    OmentumError,
    StaleBaseError,
    TakenError,
    TooLargeError,
    UnknownCaseError,
    UnknownOrganError,
)
from omentum.review.stale_base import StaleMask

__all__ = ["Refusal", "StaleRefusal", "add_refusals", "refusals"]

_KINDS: tuple[tuple[type[OmentumError], int, str], ...] = (
    (StaleBaseError, 409, "stale-base"),
    (ClaimedError, 409, "claimed"),
    (TooLargeError, 413, "too-large"),
    (EditsError, 422, "invalid"),
    (HiddenError, 403, "hidden"),
    (MissingError, 404, "unknown"),
    (UnknownCaseError, 404, "unknown"),
    (UnknownOrganError, 404, "unknown"),
    (ConfigError, 422, "invalid"),
    (TakenError, 409, "taken"),
    (WrongLoginError, 401, "wrong-login"),
    (AccessError, 401, "no-session"),
    (TooManyTriesError, 429, "too-many"),
    (BusyError, 503, "busy"),
    (OmentumError, 409, "refused"),
)
_HTTP_KINDS = {404: "unknown", 405: "method", 415: "content-type"}
_SAID = {
    400: "The body cannot be read.",
    401: "Who asks may not come in.",
    403: "Another site's page asks, a role is missing, or the task may not show this to its reader.",
    404: "There is no such thing.",
    406: "The client accepts no form in which it is given.",
    409: "It cannot be done now.",
    413: "The body is larger than is taken.",
    415: "The body has another content type.",
    421: "The Host is another name.",
    422: "A value is out of its range.",
    429: "Passwords were tried too often; `Retry-After` says for how long nothing is tried.",
    503: "The server has as much to do as it takes.",
}


class Refusal(BaseModel):
    """Why a request is refused, and what to do."""

    detail: str
    kind: str


class StaleOrgan(BaseModel):
    """An organ of which another mask is there by now."""

    organ: str
    base: str | None
    now: str | None
    source: str | None
    revision: int | None
    by: str | None
    time: str | None


class StaleRefusal(Refusal):
    """Edits that began with masks that are no longer there."""

    draft: str | None = None
    """The draft in which they are kept."""
    stale: list[StaleOrgan] = []


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Document the refusals of a route; those that any route may give are added."""
    every = sorted({400, 401, 403, 413, 421, 422, *statuses})
    return {
        status: {"model": StaleRefusal if status == 409 else Refusal, "description": _SAID[status]}
        for status in every
    }


def add_refusals(app: FastAPI) -> None:
    """Answer errors of the service, of requests and of the disk."""
    app.add_exception_handler(OmentumError, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(OSError, _disk)


def _refused(_: Request, error: Exception) -> JSONResponse:
    status, kind = next((status, kind) for known, status, kind in _KINDS if isinstance(error, known))
    told: dict[str, Any] = {"detail": str(error), "kind": kind}
    if isinstance(error, StaleBaseError):
        told |= {"draft": error.draft, "stale": _stale(error.stale)}
    wait = {"Retry-After": str(error.wait_seconds)} if isinstance(error, TooManyTriesError) else None
    return JSONResponse(told, status, headers=wait)


def _stale(stale: Mapping[str, StaleMask]) -> list[dict[str, Any]]:
    return [
        StaleOrgan(
            organ=name,
            base=one.base_sha256,
            now=one.now.sha256,
            source=None if one.now.source is None else one.now.source.value,
            revision=None if one.revision is None else one.revision.number,
            by=None if one.revision is None else one.revision.reader,
            time=None if one.revision is None else one.revision.time.isoformat(),
        ).model_dump()
        for name, one in stale.items()
    ]


def _invalid(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    return JSONResponse({"detail": f"{place}: {first['msg']}", "kind": "invalid"}, 422)


def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    kind = _HTTP_KINDS.get(error.status_code, "refused")
    said = f"{request.method} {request.url.path}: {error.detail}; see /api/openapi.json"
    return JSONResponse({"detail": said, "kind": kind}, error.status_code, headers=error.headers)


def _disk(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, OSError)
    said = f"a file cannot be read or written ({error.strerror or error}); check the disk and try again"
    return JSONResponse({"detail": said, "kind": "busy"}, 503)
