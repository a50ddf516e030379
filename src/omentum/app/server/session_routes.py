"""Routes of sessions and events: how a browser comes in, who reads there, what it is told."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse

from omentum import __version__
from omentum.app.server.context import CurrentPerson, CurrentServer, ServerState
from omentum.app.server.cookies import set_session_cookie
from omentum.app.server.models import SessionOut
from omentum.app.server.refusals import refusals
from omentum.app.server.request_models import SessionIn
from omentum.app.server.told import told_organs
from omentum.app.server.visitors import Login, Visitor, Visitors
from omentum.errors import AccessError, ReviewError
from omentum.records.case_notes import NoteKind
from omentum.review.claims import HALF_AN_HOUR

__all__ = ["router", "while_in"]

router = APIRouter()
_NO_LINKS = "the links of this server are of no use any more, as people log in; open its page at /"
_ENTERED = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="0; url=/"><title>Omentum</title>
<link rel="icon" href="data:,">
<p><a href="/">Go on to the review page</a></p></html>
"""


@router.get("/enter", include_in_schema=False)
async def enter(
    request: Request, server: CurrentServer, token: Annotated[str, Query(max_length=200)] = ""
) -> Response:
    """Exchange the token of a link for a cookie, and go on without the token in the address."""
    if await server.visitors.login() is not Login.LINK:
        return Response(_NO_LINKS, 401, media_type="text/plain; charset=utf-8")
    try:
        secret = server.sessions.exchange(token)
    except AccessError as error:
        return Response(str(error), 401, media_type="text/plain; charset=utf-8")
    answer = RedirectResponse("/entered", 303)
    set_session_cookie(request, answer, secret)
    return answer


@router.get("/entered", include_in_schema=False)
def entered() -> HTMLResponse:
    """Go on to the page: a cookie of the same site is not sent where another program opened the link."""
    return HTMLResponse(_ENTERED)


@router.get("/api/session", tags=["session"], responses=refusals())
def get_session(server: CurrentServer, person: CurrentPerson) -> SessionOut:
    """Say who reads, in which project, and give the organs with their colours."""
    return _told(server, person)


@router.put("/api/session", tags=["session"], responses=refusals(409))
def put_session(server: CurrentServer, person: CurrentPerson, wanted: SessionIn) -> SessionOut:
    """Let another person read in this browser, where no one logs in."""
    if person.login is not Login.LINK or person.session is None:
        raise ReviewError(f"the reader is {person.name!r}, who logged in; log out, and in as another person")
    renamed = server.sessions.rename(person.session, wanted.reader)
    return _told(server, replace(person, name=renamed.reader))


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
    server: CurrentServer,
    person: CurrentPerson,
    last_event_id: Annotated[str, Header(max_length=20)] = "",
) -> StreamingResponse:
    """Stream what happens to tasks, saves, drafts and notes."""
    last = int(last_event_id) if last_event_id.isascii() and last_event_id.isdigit() else None
    reader = None if person.login is Login.LINK else person.name  # by the link one may take another name
    stream = while_in(server.events.listen(last, reader), server.visitors, person)
    return StreamingResponse(stream, media_type="text/event-stream")


async def while_in(
    events: AsyncGenerator[bytes], visitors: Visitors, visitor: Visitor
) -> AsyncGenerator[bytes]:
    """End a stream with the session or the token of its visitor, at the next event or sign of life."""
    async with aclosing(events):
        async for event in events:
            if not await visitors.is_still_in(visitor):
                return
            yield event


def _told(server: ServerState, person: Visitor) -> SessionOut:
    current = server.project.store.rounds.current()
    return SessionOut(
        reader=person.name,
        roles=[role.value for role in person.roles],
        login=person.login.value,
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
