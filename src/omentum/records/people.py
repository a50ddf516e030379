"""The records of the people who may come in, and of the tokens of their programs."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

__all__ = ["AccessToken", "Person", "Role", "may"]


class Role(StrEnum):
    """What a person may do; each role may also do what those before it may."""

    READER = "reader"
    """Claim tasks, look, edit and save."""
    ADJUDICATOR = "adjudicator"
    """Compare readings of other readers, and decide between them."""
    ADMIN = "admin"
    """Manage people, tokens and assignments."""


def may(roles: Iterable[Role], wanted: Role) -> bool:
    """Tell whether someone with these roles may do what a role may.

    Example:
        >>> may([Role.ADMIN], Role.READER), may([Role.READER], Role.ADJUDICATOR)
        (True, False)
    """
    order = list(Role)
    return any(order.index(role) >= order.index(wanted) for role in roles)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Someone who may come in, by pseudonym."""

    name: str
    """The pseudonym, which is also that of the reader."""
    roles: tuple[Role, ...]
    password_hash: str | None = None
    """Argon2id hash; `None` for who comes in by a token or a proxy alone."""
    is_disabled: bool = False
    time: datetime
    """When the person was added."""
    sessions_from: datetime
    """Sessions that began before this are over: the password changed then, or the person was disabled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """A person's token for a program; only its hash is kept."""

    person: str
    label: str
    """What it is for."""
    sha256: str
    """Of the token's text, as hexadecimal digits."""
    time: datetime
    until: datetime | None = None
    """When it ends; `None` where it does not."""
    revoked: datetime | None = None
    number: int | None = None
    """Given by the database."""

    def is_valid(self, now: datetime) -> bool:
        """Tell whether it still lets a program in."""
        return self.revoked is None and (self.until is None or now < self.until)
