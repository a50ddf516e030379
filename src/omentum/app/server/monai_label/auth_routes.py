"""Routes by which clients of MONAI Label log in: a name and a password become a token of one day."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.concurrency import run_in_threadpool

from omentum.app.server.context import CurrentPerson, CurrentServer
from omentum.app.server.login_routes import address_of
from omentum.app.server.monai_label.models import AuthOut, TokenOut, UserOut
from omentum.app.server.refusals import refusals
from omentum.app.server.visitors import Login
from omentum.errors import ReviewError
from omentum.project.accounts import make_token

__all__ = ["router"]

router = APIRouter(prefix="/auth", tags=["MONAI Label"])
_DAYS = 1
_LABEL = "MONAI Label login"
_BY_PROXY = (
    "the proxy says who asks, and no password is taken; make a token with `omentum people token NAME --label "
    "LABEL`, and use http://HOST/t/TOKEN as the server's address"
)


@router.get("/", responses=refusals())
async def enabled(request: Request, server: CurrentServer) -> AuthOut:
    """Say whether clients have to log in by name and password. No session is needed.

    A client whose server address holds a token has not.
    """
    has_token: bool = request.scope["omentum_has_token"]
    return AuthOut(enabled=not has_token and await server.visitors.login() is Login.PASSWORD)


@router.post("/token", responses=refusals(409, 429, 503))
async def token(
    request: Request,
    server: CurrentServer,
    username: Annotated[str, Form(max_length=200)],
    password: Annotated[str, Form(max_length=1000)],
) -> TokenOut:
    """Give a token for a name and a password, as OAuth 2 does; it ends after a day."""
    login = await server.visitors.login()
    if login is Login.LINK:
        return TokenOut(access_token=None, token_type=None)
    if login is Login.PROXY:
        raise ReviewError(_BY_PROXY)
    person = await server.logins.check(username, password, address_of(request))
    text, _ = await run_in_threadpool(
        make_token, server.project.store, person.name, _LABEL, days=_DAYS, by=person.name
    )
    server.accounts.forget()
    return TokenOut(access_token=text, token_type="bearer", expires_in=_DAYS * 86_400)


@router.get("/token/valid", responses=refusals())
def valid(person: CurrentPerson) -> UserOut:
    """Say whose token it is."""
    return UserOut(username=person.name, roles=[role.value for role in person.roles])
