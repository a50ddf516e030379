"""Check names and passwords: few at once, slowed down after failures, and failures counted in the log."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from sqlalchemy.exc import DatabaseError

from omentum.app.server.login_errors import WrongLoginError
from omentum.app.server.login_limits import LoginLimits
from omentum.errors import BusyError, ConfigError, OmentumError
from omentum.names import checked_name
from omentum.project.passwords import is_password_of
from omentum.records.audit_log import PROGRAM, LogAction
from omentum.records.people import Person
from omentum.store.store import Store

__all__ = ["Logins"]

_AT_ONCE = 2
"""Each check of a password takes 64 MB for a moment."""
_MOST_WAITING = 50
_LOG_SECONDS = 600.0


class Logins:
    """Checks passwords outside the event loop.

    Args:
        store: Of the project.
        limits: Of tries.
        clock: Gives seconds that only rise.
    """

    def __init__(
        self, store: Store, limits: LoginLimits | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store, self._limits, self._clock = store, limits or LoginLimits(clock), clock
        self._checking = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="passwords")
        self._lock, self._failed = threading.Lock(), Counter[str]()
        self._n_waiting, self._logged = 0, -_LOG_SECONDS

    async def check(self, name: str, password: str, address: str) -> Person:
        """Give the person to whom a name and a password belong.

        Args:
            name: As it was typed.
            password: As it was typed.
            address: From where it was sent.

        Raises:
            WrongLoginError: They belong to no one, or the person is disabled.
            TooManyTriesError: The name or the address has to wait.
            BusyError: Too many wait for an answer.
        """
        if self._n_waiting >= _MOST_WAITING:
            raise BusyError(f"{_MOST_WAITING} people log in at this moment, the most that may; try again")
        self._limits.begin(name, address)
        self._n_waiting += 1
        try:
            return await asyncio.wrap_future(self._checking.submit(self._checked, name, password, address))
        finally:
            self._n_waiting -= 1

    def close(self) -> None:
        """Log what was counted."""
        self._checking.shutdown()
        self._log()

    def _checked(self, name: str, password: str, address: str) -> Person:
        person = self._person(name)
        is_open = person is not None and not person.is_disabled
        known = person.password_hash if person is not None and is_open else None
        if not is_password_of(known, password) or person is None:
            self._count("" if person is None else person.name)
            raise WrongLoginError("no person has this name and password; check both, or ask an admin")
        self._limits.succeed(name, address)
        return person

    def _person(self, name: str) -> Person | None:
        with suppress(ConfigError):
            return self._store.people.get(checked_name("name", name))
        return None

    def _count(self, name: str) -> None:
        with self._lock:
            self._failed[name] += 1
            is_due = self._clock() - self._logged >= _LOG_SECONDS
        if is_due:
            with suppress(OmentumError, DatabaseError, OSError):  # the counts are kept for the next time
                self._log()

    def _log(self) -> None:
        """Write counts by person; counts that cannot be written are kept."""
        with self._lock:
            failed, self._failed, self._logged = self._failed, Counter(), self._clock()
        if not failed:
            return
        try:
            self._store.log.add(PROGRAM, LogAction.LOGINS_FAILED, _told(failed))
        except BaseException:
            with self._lock:
                self._failed.update(failed)
            raise


def _told(failed: Counter[str]) -> dict[str, object]:
    """Give counts by person; what was typed for a name that no one has may be a password, and is not told."""
    n_failed = {name: n for name, n in sorted(failed.items()) if name}
    return {"n_failed": n_failed, "n_unknown": failed[""]}
