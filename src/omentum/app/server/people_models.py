"""The JSON of the routes about people: what they take and what they give."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from omentum.records.people import AccessToken, Person

__all__ = [
    "AccessTokenOut",
    "LoginIn",
    "LoginOut",
    "NewPersonIn",
    "NewTokenIn",
    "NewTokenOut",
    "PasswordIn",
    "PeopleOut",
    "PersonIn",
    "PersonOut",
    "TokensOut",
    "told_person",
    "told_token",
]

Password = Annotated[str, Field(max_length=1000)]
RoleName = Literal["reader", "adjudicator", "admin"]
Roles = Annotated[list[RoleName], Field(min_length=1, max_length=10)]


class _In(BaseModel, extra="forbid"):
    """What a page sends; keys that are not known are refused."""


class LoginIn(_In):
    """Who wants to come in."""

    name: Annotated[str, Field(max_length=200)]
    password: Password


class PasswordIn(_In):
    """A new password, and the one until now."""

    old: Password
    new: Password


class NewPersonIn(_In):
    """Who is to be added."""

    name: Annotated[str, Field(pattern="^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$")]
    roles: Roles
    password: Password | None = None


class PersonIn(_In):
    """What is to change of a person; what is left out or `null` stays."""

    roles: Roles | None = None
    is_disabled: bool | None = None
    password: Password | None = None


class NewTokenIn(_In):
    """A token for a program."""

    label: Annotated[str, Field(min_length=1, max_length=100)]
    days: Annotated[int, Field(ge=1, le=3650)] | None = None


class LoginOut(BaseModel):
    """How people come in."""

    mode: Literal["link", "password", "proxy"]


class AccessTokenOut(BaseModel):
    """A token, without its text."""

    number: int
    label: str
    since: str
    until: str | None
    revoked: str | None


class NewTokenOut(AccessTokenOut):
    """A token that was just made; its text is shown this once."""

    token: str


class TokensOut(BaseModel):
    """The tokens of who asks."""

    tokens: list[AccessTokenOut]


class PersonOut(BaseModel):
    """A person who may come in."""

    name: str
    roles: list[RoleName]
    is_disabled: bool
    has_password: bool
    since: str
    tokens: list[AccessTokenOut]


class PeopleOut(BaseModel):
    """All people of the project."""

    people: list[PersonOut]


def told_token(token: AccessToken) -> AccessTokenOut:
    """Tell of a token."""
    return AccessTokenOut(
        number=token.number or 0,
        label=token.label,
        since=token.time.isoformat(),
        until=None if token.until is None else token.until.isoformat(),
        revoked=None if token.revoked is None else token.revoked.isoformat(),
    )


def told_person(person: Person, tokens: list[AccessToken]) -> PersonOut:
    """Tell of a person."""
    return PersonOut(
        name=person.name,
        roles=[role.value for role in person.roles],
        is_disabled=person.is_disabled,
        has_password=person.password_hash is not None,
        since=person.time.isoformat(),
        tokens=[told_token(one) for one in tokens],
    )
