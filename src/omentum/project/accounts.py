"""Add people, change them, and make and revoke the tokens of their programs."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from omentum.errors import ConfigError, MissingError
from omentum.names import checked_name
from omentum.project.passwords import hashed_password
from omentum.records.audit_log import PROGRAM
from omentum.records.people import AccessToken, Person, Role
from omentum.store.store import Store

__all__ = [
    "MOST_DAYS",
    "TOKEN_BEGIN",
    "add_person",
    "change_person",
    "hashed_token",
    "known_person",
    "make_token",
    "revoke_token",
]

TOKEN_BEGIN = "omt_"
"""Every token begins with it, so that programs which look for leaked secrets find it."""
MOST_DAYS = 3650
_TOKEN_BYTES = 32
_MOST_LABEL_LETTERS = 100


def add_person(
    store: Store, name: str, roles: Sequence[Role], *, password: str | None = None, by: str = PROGRAM
) -> Person:
    """Add a person.

    Args:
        store: Of the project.
        name: The pseudonym, which is also that of the reader.
        roles: At least one.
        password: `None` for who comes in by a token or a proxy alone.
        by: Who adds the person, for the audit log.

    Raises:
        ConfigError: A name, a password or the roles that cannot be used.
        ProjectError: The first person is no admin.
        TakenError: There is a person of that name.
    """
    if checked_name("name", name).casefold() == PROGRAM:
        raise ConfigError("name", name, "the audit log calls the program itself so; give another")
    now = datetime.now(UTC)
    person = Person(
        name=name,
        roles=_checked_roles(roles),
        password_hash=None if password is None else hashed_password(name, password),
        time=now,
        sessions_from=now,
    )
    return store.people.add(person, by)


def change_person(
    store: Store,
    name: str,
    *,
    roles: Sequence[Role] | None = None,
    is_disabled: bool | None = None,
    password: str | None = None,
    by: str = PROGRAM,
) -> Person:
    """Change a person; what is `None` stays. A new password and being disabled end the person's sessions.

    Raises:
        MissingError: There is no person of that name.
        ConfigError: A password or roles that cannot be used.
        ProjectError: No admin would be left.
    """
    password_hash = None if password is None else hashed_password(name, password)
    with store.together():
        person = known_person(store, name)
        changed = replace(
            person,
            roles=person.roles if roles is None else _checked_roles(roles),
            is_disabled=person.is_disabled if is_disabled is None else is_disabled,
            password_hash=password_hash or person.password_hash,
            sessions_from=datetime.now(UTC) if is_disabled or password_hash else person.sessions_from,
        )
        return person if changed == person else store.people.change(changed, by)


def known_person(store: Store, name: str) -> Person:
    """Find a person; there being none of that name raises `MissingError`."""
    person = store.people.get(name)
    if person is None:
        raise MissingError(f"no person is called {name!r}; `omentum people list` shows them")
    return person


def make_token(
    store: Store, name: str, label: str, *, days: int | None = None, by: str = PROGRAM
) -> tuple[str, AccessToken]:
    """Make a token for a person's program.

    Args:
        store: Of the project.
        name: Of the person, whose roles the token has.
        label: What it is for.
        days: For how long; `None` without an end.
        by: Who makes it, for the audit log.

    Returns:
        The token's text, which is kept nowhere, and its record.

    Raises:
        MissingError: There is no person of that name.
        ConfigError: The label or the number of days is out of range.
    """
    if not 1 <= len(label) <= _MOST_LABEL_LETTERS or not label.isprintable():
        raise ConfigError("label", label, f"it must have 1 to {_MOST_LABEL_LETTERS} printable letters")
    if days is not None and not 1 <= days <= MOST_DAYS:
        raise ConfigError("days", days, f"it must be from 1 to {MOST_DAYS}, or left out")
    text, now = TOKEN_BEGIN + secrets.token_urlsafe(_TOKEN_BYTES), datetime.now(UTC)
    until = None if days is None else now + timedelta(days=days)
    token = AccessToken(person=name, label=label, sha256=hashed_token(text), time=now, until=until)
    return text, store.tokens.add(token, by)


def revoke_token(store: Store, number: int, *, by: str = PROGRAM) -> AccessToken:
    """End a token, so that it lets no one in any more; one that was revoked before stays as it is.

    Raises:
        MissingError: There is no token of that number.
    """
    return store.tokens.revoke(number, datetime.now(UTC), by)


def hashed_token(text: str) -> str:
    """Hash a token; it is random and long, so that a fast hash protects it."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def _checked_roles(roles: Sequence[Role]) -> tuple[Role, ...]:
    if not roles:
        raise ConfigError("roles", "[]", f"it must name at least one of {', '.join(Role)}")
    return tuple(role for role in Role if role in roles)
