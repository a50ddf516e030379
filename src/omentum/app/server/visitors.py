"""Who asks: a reader in a browser, or a person's program, with the roles that the person has."""

from dataclasses import dataclass
from enum import StrEnum

from omentum.app.server.sessions import Session
from omentum.records.people import Role, may

__all__ = ["Login", "Visitor"]


class Login(StrEnum):
    """How people come in."""

    LINK = "link"
    """By the link of the terminal; there are no people, and who has the link may do everything."""
    PASSWORD = "password"
    """By name and password."""
    PROXY = "proxy"
    """By a proxy that knows who asks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Who asks, and what they may do."""

    name: str
    """Pseudonym of the person, which is also that of the reader."""
    roles: tuple[Role, ...]
    login: Login
    session: Session | None = None
    """Of the browser; `None` for a program with a token and behind a proxy."""

    def may(self, role: Role) -> bool:
        """Tell whether the visitor may do what a role may."""
        return may(self.roles, role)
