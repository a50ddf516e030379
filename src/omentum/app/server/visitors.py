"""Who asks: a reader in a browser, or a person's program, with the roles that the person has."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from omentum.app.server.access import Access
from omentum.app.server.accounts import Accounts, KnownAccounts
from omentum.app.server.login_errors import StrangerError
from omentum.app.server.requests import Asked
from omentum.app.server.sessions import Session, Sessions
from omentum.errors import AccessError
from omentum.project.accounts import hashed_token
from omentum.records.people import Person, Role, may

__all__ = ["Login", "Visitor", "Visitors"]


class Login(StrEnum):
    """How people come in."""

    LINK = "link"
    """By the link of the terminal; there are no people, and who has the link may do everything."""
    PASSWORD = "password"
    """By name and password."""
    PROXY = "proxy"
    """By a proxy that knows who asks."""


_CURES = {
    Login.LINK: "press Enter in the terminal of `omentum review serve`, and open the link that it shows",
    Login.PASSWORD: "log in with your name and password",
    Login.PROXY: "open the page by the address of the proxy, which knows who you are",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Who asks, and what they may do."""

    name: str
    """Pseudonym of the person, which is also that of the reader."""
    roles: tuple[Role, ...]
    login: Login
    session: Session | None = None
    """Of the browser; `None` for a program with a token and behind a proxy."""
    token_sha256: str | None = None
    """Hash of a program's token."""

    def may(self, role: Role) -> bool:
        """Tell whether the visitor may do what a role may."""
        return may(self.roles, role)


class Visitors:
    """Finds out who sent a request.

    Args:
        accounts: Of the project.
        sessions: Of the browsers that were let in.
        access: How the server is reached.
    """

    def __init__(self, accounts: Accounts, sessions: Sessions, access: Access) -> None:
        self._accounts, self._sessions, self._access = accounts, sessions, access

    async def login(self) -> Login:
        """Tell how people come in at this moment."""
        return self._login(await self._accounts.known())

    async def find(self, asked: Asked) -> Visitor:
        """Find out who sent a request; a token counts before all else that is sent.

        Raises:
            AccessError: Who asks may not come in.
            StrangerError: A token that is none, or a name that no proxy sent.
        """
        known = await self._accounts.known()
        login = self._login(known)
        if asked.token is not None:
            return _of_token(known, login, hashed_token(asked.token))
        if login is Login.PROXY:
            return self._of_proxy(known, asked)
        session = self._sessions.find(asked.cookie)
        visitor = None if session is None else _of_session(known, login, session)
        if visitor is None:
            raise AccessError(f"there is no session, or its time is over; {_CURES[login]}")
        return visitor

    async def is_still_in(self, visitor: Visitor) -> bool:
        """Tell whether who came in before would be let in now."""
        known = await self._accounts.known()
        if visitor.token_sha256 is not None:
            return _person_of_token(known, visitor.token_sha256) is not None
        if visitor.session is None:
            return known.active(visitor.name) is not None
        session = self._sessions.again(visitor.session)
        return session is not None and _of_session(known, self._login(known), session) is not None

    def _login(self, known: KnownAccounts) -> Login:
        if not known.people:
            return Login.LINK
        return Login.PROXY if self._access.user_header else Login.PASSWORD

    def _of_proxy(self, known: KnownAccounts, asked: Asked) -> Visitor:
        header = self._access.user_header
        if not asked.is_by_proxy:
            raise StrangerError(f"{asked.peer!r} is no proxy named with --proxy; {_CURES[Login.PROXY]}")
        if len(asked.user_names) != 1 or not asked.user_names[0].strip():
            raise AccessError(f"the header {header!r} does not name one person; {_CURES[Login.PROXY]}")
        person = known.active(asked.user_names[0].strip())
        if person is None:
            raise AccessError(f"no person has the name in the header {header!r}; ask an admin to add it")
        return Visitor(name=person.name, roles=person.roles, login=Login.PROXY)


def _of_session(known: KnownAccounts, login: Login, session: Session) -> Visitor | None:
    if login is Login.LINK:
        if session.is_login:
            return None
        return Visitor(name=session.reader, roles=tuple(Role), login=login, session=session)
    person = known.active(session.reader) if session.is_login else None
    if person is None or session.since < person.sessions_from.timestamp():
        return None
    return Visitor(name=person.name, roles=person.roles, login=login, session=session)


def _of_token(known: KnownAccounts, login: Login, sha256: str) -> Visitor:
    person = _person_of_token(known, sha256)
    if person is None:
        cure = "make another with `omentum people token NAME --label LABEL`"
        raise StrangerError(f"the token is none, has ended or was revoked, or its person is disabled; {cure}")
    return Visitor(name=person.name, roles=person.roles, login=login, token_sha256=sha256)


def _person_of_token(known: KnownAccounts, sha256: str) -> Person | None:
    token = known.tokens.get(sha256)
    is_valid = token is not None and token.is_valid(datetime.now(UTC))
    return known.active(token.person) if token is not None and is_valid else None
