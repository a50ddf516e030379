"""Slow down anyone who tries passwords: waits that grow, for each name and for each address."""

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

from omentum.app.server.login_errors import TooManyTriesError

__all__ = ["LoginLimits"]

_FREE_OF_NAME, _FREE_OF_ADDRESS = 5, 20
"""Tries without a wait; an address may be that of many readers."""
_MOST_SECONDS_OF_NAME, _MOST_SECONDS_OF_ADDRESS = 60.0, 900.0
"""A name waits less, as anybody can make it wait."""
_FORGOTTEN_SECONDS = 3600.0
_MOST_KEPT = 10_000


@dataclass(slots=True)
class _Tries:
    n: int = 0
    last: float = 0.0


class _Waits:
    """Failed tries by a key; of too many keys the oldest are forgotten."""

    def __init__(self, n_free: int, most_seconds: float) -> None:
        self._n_free, self._most_seconds = n_free, most_seconds
        self._tries: OrderedDict[str, _Tries] = OrderedDict()

    def seconds_left(self, key: str, now: float) -> float:
        tries = self._tries.get(key)
        if tries is None or tries.n < self._n_free:
            return 0.0
        wait = min(2.0 ** min(tries.n - self._n_free, 30), self._most_seconds)
        return tries.last + wait - now

    def count(self, key: str, now: float) -> None:
        tries = self._tries.pop(key, _Tries())
        n_before = 0 if now - tries.last > _FORGOTTEN_SECONDS else tries.n
        self._tries[key] = _Tries(n_before + 1, now)
        while len(self._tries) > _MOST_KEPT:
            self._tries.popitem(last=False)

    def forgive(self, key: str, n: int) -> None:
        tries = self._tries.get(key)
        if tries is not None:
            tries.n = max(0, tries.n - n)

    def n_of(self, key: str) -> int:
        tries = self._tries.get(key)
        return 0 if tries is None else tries.n


class LoginLimits:
    """Counts tries of passwords by name and by address.

    Args:
        clock: Gives seconds that only rise.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._names = _Waits(_FREE_OF_NAME, _MOST_SECONDS_OF_NAME)
        self._addresses = _Waits(_FREE_OF_ADDRESS, _MOST_SECONDS_OF_ADDRESS)

    def begin(self, name: str, address: str) -> None:
        """Count a try as failed before it is made, so that many at once are all counted.

        Raises:
            TooManyTriesError: The name or the address has to wait; the try is not counted.
        """
        name, network, now = name.casefold(), _network(address), self._clock()
        with self._lock:
            left = max(self._names.seconds_left(name, now), self._addresses.seconds_left(network, now))
            if left > 0:
                raise TooManyTriesError(math.ceil(left))
            self._names.count(name, now)
            self._addresses.count(network, now)

    def succeed(self, name: str, address: str) -> None:
        """Clear a name, and take its tries off the address; those of other names stay."""
        name, network = name.casefold(), _network(address)
        with self._lock:
            n_tries = self._names.n_of(name)
            self._names.forgive(name, n_tries)
            self._addresses.forgive(network, n_tries)


def _network(address: str) -> str:
    """Give an address, and of IPv6 the first 64 bits, of which one machine may have all that follow.

    All that are no address count as one, so that no one gets a new count by another text.
    """
    try:
        known = ip_address(address)
    except ValueError:
        return ""
    if not isinstance(known, IPv6Address):
        return str(known)
    return str(known.ipv4_mapped or f"{known.packed[:8].hex()}/64")
