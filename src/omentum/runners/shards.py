"""Divide items among programs that cannot share a ledger, by a hash of each item's key."""

import hashlib
import re
from dataclasses import dataclass
from typing import Self

from omentum.errors import ConfigError

__all__ = ["Shard"]

_HASHED_BYTES = 8


@dataclass(frozen=True, slots=True)
class Shard:
    """One of several parts of all items; every item is in one part, whichever other items there are.

    Attributes:
        number: From 1.
        count: How many parts there are.

    Example:
        >>> [key for key in ("a", "b", "c", "d") if Shard(1, 2).holds(key)]
        ['a', 'b', 'c']
    """

    number: int
    count: int

    @classmethod
    def named(cls, text: str) -> Self:
        """Read a shard such as `3/64`.

        Raises:
            ConfigError: It is none.
        """
        found = re.fullmatch(r"(\d+)/(\d+)", text.strip())
        number, count = (int(found[1]), int(found[2])) if found else (0, 0)
        if not 1 <= number <= count:
            raise ConfigError("--shard", text, "it must be NUMBER/COUNT with a number from 1, such as 3/64")
        return cls(number, count)

    @property
    def label(self) -> str:
        """Its name in files, such as `3-of-64`."""
        return f"{self.number}-of-{self.count}"

    def holds(self, key: str) -> bool:
        """Tell whether an item is in this part."""
        digest = hashlib.sha256(key.encode()).digest()[:_HASHED_BYTES]
        return int.from_bytes(digest) % self.count == self.number - 1

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"
