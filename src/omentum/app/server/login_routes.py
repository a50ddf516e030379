"""Routes by which people come in and go: login, logout, and their own passwords."""

import time

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from omentum.app.server.context import CurrentPerson, CurrentServer
from omentum.app.server.cookies import end_session_cookie, set_session_cookie
from omentum.app.server.people_models import LoginIn, LoginOut, PasswordIn
from omentum.app.server.refusals import refusals
from omentum.app.server.visitors import Login
from omentum.errors import ReviewError
from omentum.project.accounts import change_person

__all__ = ["router"]

router = APIRouter(prefix="/api", tags=["people"])
_WHY_NO_LOGIN = {
    Login.LINK: "no one logs in here, as there are no people; open the link of the terminal",
    Login.PROXY: "the proxy says who asks, and no password is taken; open the page by its address",
}


@router.get("/login", responses=refusals(503))
async def get_login(server: CurrentServer) -> LoginOut:
    """Say how people come in: by a link, by name and password, or by a proxy. No session is needed."""
    return LoginOut(mode=(await server.visitors.login()).value)


@router.post("/login", status_code=204, response_class=Response, responses=refusals(409, 429, 503))
async def log_in(request: Request, server: CurrentServer, wanted: LoginIn) -> Response:
    """Come in by name and password; the answer has the cookie of a session of 12 hours."""
    login = await server.visitors.login()
    if login is not Login.PASSWORD:
        raise ReviewError(_WHY_NO_LOGIN[login])
    begun = time.time()
    person = await server.logins.check(wanted.name, wanted.password, address_of(request))
    secret = await run_in_threadpool(server.sessions.log_in, person, begun)
    answer = Response(status_code=204)
    set_session_cookie(request, answer, secret)
    return answer


@router.post("/logout", status_code=204, response_class=Response, responses=refusals())
def log_out(request: Request, server: CurrentServer, person: CurrentPerson) -> Response:
    """End the session of this browser, here and on the server."""
    if person.session is not None:
        server.sessions.end(person.session)
    answer = Response(status_code=204)
    end_session_cookie(request, answer)
    return answer


@router.put("/password", status_code=204, response_class=Response, responses=refusals(409, 429, 503))
async def put_password(
    request: Request, server: CurrentServer, person: CurrentPerson, wanted: PasswordIn
) -> Response:
    """Change one's own password; the person's other sessions end, and this one goes on."""
    if person.login is not Login.PASSWORD or person.session is None:
        raise ReviewError("a password is changed in the page after a login; ask an admin to set a new one")
    await server.logins.check(person.name, wanted.old, address_of(request))
    changed = await run_in_threadpool(
        change_person, server.project.store, person.name, password=wanted.new, by=person.name
    )
    await run_in_threadpool(server.sessions.renew, person.session, changed)
    server.accounts.forget()
    return Response(status_code=204)


def address_of(request: Request) -> str:
    """Give the address of who asks; behind a proxy that is believed, what the proxy says."""
    return "" if request.client is None else request.client.host
