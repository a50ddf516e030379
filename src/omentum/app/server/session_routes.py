"""Routes of sessions and events: how a browser comes in, who reads there, what it is told."""

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse

from omentum import __version__
from omentum.app.server.context import CurrentPerson, CurrentServer, ServerState
from omentum.app.server.models import SessionOut
from omentum.app.server.refusals import refusals
from omentum.app.server.request_models import SessionIn
from omentum.app.server.sessions import SESSION_SECONDS
from omentum.app.server.told import told_organs
from omentum.errors import AccessError, HiddenError
from omentum.records.case_notes import NoteKind
from omentum.review.claims import HALF_AN_HOUR

__all__ = ["router"]

router = APIRouter()
_ENTERED = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="0; url=/"><title>Omentum</title>
<link rel="icon" href="data:,">
<p><a href="/">Go on to the review page</a></p></html>
"""


@router.get("/enter", include_in_schema=False)
def enter(
    request: Request, server: CurrentServer, token: Annotated[str, Query(max_length=200)] = ""
) -> Response:
    """Exchange the token of a link for a cookie, and go on without the token in the address."""
    try:
        secret = server.sessions.exchange(token)
    except AccessError as error:
        return Response(str(error), 401, media_type="text/plain; charset=utf-8")
    answer = RedirectResponse("/entered", 303)
    cookie: str = request.app.state.cookie
    answer.set_cookie(
        cookie, secret, max_age=int(SESSION_SECONDS), httponly=True, samesite="strict", path="/"
    )
    return answer


@router.get("/entered", include_in_schema=False)
def entered() -> HTMLResponse:
    """Go on to the page: a cookie of the same site is not sent where another program opened the link."""
    return HTMLResponse(_ENTERED)


@router.get("/api/session", tags=["session"], responses=refusals())
def get_session(server: CurrentServer, person: CurrentPerson) -> SessionOut:
    """Say who reads, in which project, and give the organs with their colours."""
    return _told(server, person.name)


@router.put("/api/session", tags=["session"], responses=refusals())
def put_session(server: CurrentServer, person: CurrentPerson, wanted: SessionIn) -> SessionOut:
    """Let another person read in this browser."""
    if person.session is None:
        raise HiddenError(f"{person.name!r} asks with a token, whose reader cannot change; log in as another")
    return _told(server, server.sessions.rename(person.session, wanted.reader).reader)


@router.get(
    "/api/events",
    tags=["session"],
    response_class=StreamingResponse,
    responses={
        200: {"description": "Server-sent events.", "content": {"text/event-stream": {}}},
        **refusals(503),
    },
)
async def events(
    server: CurrentServer, last_event_id: Annotated[str, Header(max_length=20)] = ""
) -> StreamingResponse:
    """Stream what happens to tasks, saves, drafts and notes."""
    last = int(last_event_id) if last_event_id.isascii() and last_event_id.isdigit() else None
    return StreamingResponse(server.events.listen(last), media_type="text/event-stream")


def _told(server: ServerState, reader: str) -> SessionOut:
    current = server.project.store.rounds.current()
    return SessionOut(
        reader=reader,
        project=server.project.folder.root.absolute().name,
        round=current.number,
        network=current.network,
        networks=list(server.project.networks),
        version=__version__,
        is_demo=server.is_demo,
        lease_minutes=HALF_AN_HOUR.total_seconds() / 60,
        last_event=server.events.last,
        flags=[kind.value for kind in NoteKind if kind.is_flag],
        organs=told_organs(),
    )
