"""Routes about people and about the tokens of their programs."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path
from fastapi.responses import Response

from omentum.app.server.context import CurrentPerson, CurrentServer
from omentum.app.server.people_models import (
    NewPersonIn,
    NewTokenIn,
    NewTokenOut,
    PeopleOut,
    PersonIn,
    PersonOut,
    TokensOut,
    told_person,
    told_token,
)
from omentum.app.server.refusals import refusals
from omentum.errors import HiddenError, MissingError
from omentum.project.accounts import add_person, change_person, make_token, revoke_token
from omentum.records.people import Role

__all__ = ["router"]

router = APIRouter(prefix="/api", tags=["people"])


def _in_a_browser(person: CurrentPerson) -> None:
    """Refuse tokens, so that one that leaked makes no other way in."""
    if person.token_sha256 is not None:
        raise HiddenError(
            "a token makes no people and no tokens; do it in the page, or with `omentum people`"
        )


InABrowser = Depends(_in_a_browser)
Number = Annotated[int, Path(ge=1, le=2**31 - 1)]
Name = Annotated[str, Path(max_length=100)]


@router.get("/people", responses=refusals())
def people(server: CurrentServer) -> PeopleOut:
    """Give all people with their roles and tokens; only an admin may ask."""
    store = server.project.store
    return PeopleOut(
        people=[told_person(one, store.tokens.of_person(one.name)) for one in store.people.all()]
    )


@router.post("/people", status_code=201, responses=refusals(409), dependencies=[InABrowser])
def new_person(server: CurrentServer, person: CurrentPerson, wanted: NewPersonIn) -> PersonOut:
    """Add a person; without a password for who comes in by a token or a proxy alone."""
    roles = [Role(one) for one in wanted.roles]
    added = add_person(server.project.store, wanted.name, roles, password=wanted.password, by=person.name)
    server.accounts.forget()
    return told_person(added, [])


@router.put("/people/{name}", responses=refusals(404, 409), dependencies=[InABrowser])
def put_person(server: CurrentServer, person: CurrentPerson, name: Name, wanted: PersonIn) -> PersonOut:
    """Change a person's roles or password, or disable the person; what is left out stays."""
    store = server.project.store
    changed = change_person(
        store,
        name,
        roles=None if wanted.roles is None else [Role(one) for one in wanted.roles],
        is_disabled=wanted.is_disabled,
        password=wanted.password,
        by=person.name,
    )
    server.accounts.forget()
    return told_person(changed, store.tokens.of_person(name))


@router.get("/tokens", responses=refusals())
def tokens(server: CurrentServer, person: CurrentPerson) -> TokensOut:
    """Give one's own tokens, without their texts."""
    return TokensOut(tokens=[told_token(one) for one in server.project.store.tokens.of_person(person.name)])


@router.post("/tokens", status_code=201, responses=refusals(404), dependencies=[InABrowser])
def new_token(server: CurrentServer, person: CurrentPerson, wanted: NewTokenIn) -> NewTokenOut:
    """Make a token for one's own program; its text is shown this once."""
    text, token = make_token(
        server.project.store, person.name, wanted.label, days=wanted.days, by=person.name
    )
    server.accounts.forget()
    return NewTokenOut(token=text, **told_token(token).model_dump())


@router.delete("/tokens/{number}", status_code=204, response_class=Response, responses=refusals(404))
def delete_token(server: CurrentServer, person: CurrentPerson, number: Number) -> Response:
    """End a token, so that it lets no one in any more: one's own, or for an admin anybody's."""
    token = server.project.store.tokens.get(number)
    if token is None or (token.person != person.name and not person.may(Role.ADMIN)):
        raise MissingError(f"you have no token {number}; GET /api/tokens gives yours")
    revoke_token(server.project.store, number, by=person.name)
    server.accounts.forget()
    return Response(status_code=204)
