"""Give the people and tokens of a project to requests, kept in memory for a moment."""

import asyncio
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from omentum.records.people import AccessToken, Person
from omentum.store.store import Store

__all__ = ["KEPT_SECONDS", "Accounts", "KnownAccounts"]

KEPT_SECONDS = 1.0
"""How long a change by another program may go unseen; one by the server itself is seen at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownAccounts:
    """The people and tokens as they were at a moment."""

    people: Mapping[str, Person]
    tokens: Mapping[str, AccessToken]
    """By hash."""

    def active(self, name: str) -> Person | None:
        """Find a person who is not disabled."""
        person = self.people.get(name)
        return None if person is None or person.is_disabled else person


class Accounts:
    """The people and tokens of a project; the event loop never waits for the database itself.

    Args:
        store: Of the project.
        clock: Gives seconds that only rise.
    """

    def __init__(self, store: Store, clock: Callable[[], float] = time.monotonic) -> None:
        self._store, self._clock = store, clock
        self._reading = ThreadPoolExecutor(1, thread_name_prefix="accounts")
        self._kept: KnownAccounts | None = None
        self._until, self._n_changes = 0.0, 0

    async def known(self) -> KnownAccounts:
        """Give the people and tokens, at most `KEPT_SECONDS` old.

        Raises:
            ProjectError: The database is out of reach.
        """
        kept = self._kept
        if kept is not None and self._clock() < self._until:
            return kept
        return await asyncio.wrap_future(self._reading.submit(self._read))

    def forget(self) -> None:
        """Read people and tokens anew at the next request, as they were changed."""
        self._n_changes += 1
        self._kept = None

    def _read(self) -> KnownAccounts:
        kept, begun, n_changes = self._kept, self._clock(), self._n_changes
        if kept is not None and begun < self._until:  # read while this request waited
            return kept
        people = {one.name: one for one in self._store.people.all()}
        tokens = {one.sha256: one for one in self._store.tokens.all()}
        known = KnownAccounts(people=people, tokens=tokens)
        if self._n_changes == n_changes:
            self._kept, self._until = known, begun + KEPT_SECONDS
        return known
