"""Let a browser in by a link that works once or by a login, and know it again by a cookie.

Tokens are kept as hashes alone. Sessions are kept in a file that only the user may read, so that a page
goes on after a restart of the server.
"""

import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from omentum.errors import AccessError
from omentum.names import checked_name
from omentum.records.people import Person
from omentum.volumes.atomic import writing

__all__ = ["LINK_SECONDS", "SESSION_SECONDS", "Session", "Sessions"]

LINK_SECONDS = 600.0
SESSION_SECONDS = 12 * 3600.0
_MOST_LINKS = 20
_TOKEN_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One browser that was let in."""

    key: str
    """Hash of its cookie."""
    reader: str
    """Pseudonym of who reads there."""
    until: float
    """End, in seconds since 1970."""
    since: float = 0.0
    """Begin, in seconds since 1970."""
    is_login: bool = False
    """Whether the reader is a person who logged in, and not anyone who had the link."""


class Sessions:
    """The links that can still be used, and the browsers that were let in.

    Args:
        path: File that keeps the sessions.
        reader: Pseudonym that a new session begins with.
        clock: Gives seconds since 1970.
    """

    def __init__(self, path: Path, reader: str, clock: Callable[[], float] = time.time) -> None:
        self._path, self._reader, self._clock = path, checked_name("reader", reader), clock
        self._lock = threading.Lock()
        self._links: dict[str, float] = {}
        self._sessions = {one.key: one for one in _read(path) if one.until > clock()}

    def new_link_token(self) -> str:
        """Make a token that can be exchanged once, within `LINK_SECONDS`."""
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        with self._lock:
            while len(self._links) >= _MOST_LINKS:
                del self._links[next(iter(self._links))]
            self._links[_hashed(token)] = self._clock() + LINK_SECONDS
        return token

    def exchange(self, token: str) -> str:
        """Use up a token; give the secret of a new session, for its cookie.

        Raises:
            AccessError: The token is none, was used, or is too old.
        """
        if not token:
            raise _refused("has no token")
        with self._lock:
            until = self._links.pop(_hashed(token), None)
            if until is None:
                raise _refused("was used before, or is of another server")
            if until <= self._clock():
                raise _refused("is too old")
        return self._begin(self._reader, self._clock(), is_login=False)

    def log_in(self, person: Person, since: float) -> str:
        """Begin the session of a person whose password was right.

        Args:
            person: As it was when the password was checked.
            since: Before that, in seconds since 1970; a change of the person afterwards ends the session.

        Returns:
            The secret of the session, for its cookie.
        """
        since = max(since, person.sessions_from.timestamp())  # clocks of several machines differ
        return self._begin(person.name, since, is_login=True)

    def find(self, secret: str) -> Session | None:
        """Find the session of a cookie; `None` where there is none, or its time is over."""
        session = self._sessions.get(_hashed(secret)) if secret else None
        return session if session is not None and session.until > self._clock() else None

    def again(self, session: Session) -> Session | None:
        """Find a session as it is now; `None` where it has ended."""
        now = self._sessions.get(session.key)
        return now if now is not None and now.until > self._clock() else None

    def renew(self, session: Session, person: Person) -> None:
        """Let a session go on that is older than the person's new password."""
        with self._lock:
            self._keep(replace(session, since=max(self._clock(), person.sessions_from.timestamp())))

    def end(self, session: Session) -> None:
        """Forget a session: its cookie lets no one in any more."""
        with self._lock:
            self._keep(replace(session, until=0.0))

    def rename(self, session: Session, reader: str) -> Session:
        """Let another person read in a browser.

        Raises:
            ConfigError: The pseudonym cannot be one.
        """
        renamed = replace(session, reader=checked_name("reader", reader))
        with self._lock:
            self._keep(renamed)
        return renamed

    def _begin(self, reader: str, since: float, *, is_login: bool) -> str:
        secret, until = secrets.token_urlsafe(_TOKEN_BYTES), self._clock() + SESSION_SECONDS
        session = Session(key=_hashed(secret), reader=reader, until=until, since=since, is_login=is_login)
        with self._lock:
            self._keep(session)
        return secret

    def _keep(self, session: Session) -> None:
        now, all_sessions = self._clock(), {**self._sessions, session.key: session}
        self._sessions = {key: one for key, one in all_sessions.items() if one.until > now}
        content = json.dumps([asdict(one) for one in self._sessions.values()])
        with writing(self._path) as part:
            part.touch(mode=0o600)
            part.write_text(content, encoding="utf-8")


def _refused(seen: str) -> AccessError:
    """Say what is wrong with a link, never its token."""
    cure = "press Enter in the terminal of `omentum review serve` for a new one"
    return AccessError(f"this link {seen}; {cure}")


def _hashed(secret: str) -> str:
    """Hash a random secret; looking up the hash takes no time that depends on the secret's letters."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


def _read(path: Path) -> list[Session]:
    with suppress(OSError, ValueError, TypeError):
        rows = json.loads(path.read_text(encoding="utf-8"))
        return [Session(**row) for row in rows]
    return []
