"""Records of the audit log: its entries, and the places outside that hold its length and hash."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, StrEnum
from typing import Any

__all__ = ["BEFORE_FIRST", "PROGRAM", "LogAction", "LogAnchor", "LogEntry", "canonical_json", "plain_json"]

PROGRAM = "omentum"
"""The actor of what the program does, or of a command that asks for no name."""
BEFORE_FIRST = "0" * 64
"""What the first entry has as the hash of the entry before it."""
_LARGEST = 2**53 - 1
"""The largest whole number that all programs read exactly from JSON."""


class LogAction(StrEnum):
    """What was done."""

    BEGUN = "begun"
    """The log began; the entry says how many records were there before."""
    REVISION = "revision"
    DECISION = "decision"
    CONFIRMATION = "confirmation"
    NOTE = "note"
    NOTE_WITHDRAWN = "note-withdrawn"
    REWORDED = "reworded"
    """The text of a record changed: a comment was added, or a case's name in it was replaced."""
    REQUESTED = "requested"
    READINGS_WANTED = "readings-wanted"
    SKIPPED = "skipped"
    ASSIGNED = "assigned"
    UNASSIGNED = "unassigned"
    PERSON_ADDED = "person-added"
    PERSON_CHANGED = "person-changed"
    PASSWORD_CHANGED = "password-changed"
    TOKEN_MADE = "token-made"
    TOKEN_REVOKED = "token-revoked"
    LOGINS_FAILED = "logins-failed"
    """Counted over a while, and not one entry a try."""
    CATCH_PLANTED = "catch-planted"
    CATCH_READ = "catch-read"
    AUDIT_DRAWN = "audit-drawn"
    ROUND_BEGUN = "round-begun"
    ROUND_ENDED = "round-ended"
    PROMOTION = "promotion"
    NETWORK_ADDED = "network-added"
    RELEASED = "released"
    SETTINGS = "settings"
    HELD_OUT = "held-out"
    EXCLUDED = "excluded"
    INCLUDED = "included"
    RENAMED = "renamed"
    ERASED = "erased"
    TOMBSTONE_FORGOTTEN = "tombstone-forgotten"
    RESTORED = "restored"
    """A backup took the place of all that the database held, and of its log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """One line of the audit log; the hash of each covers the one before, so that none changes unseen."""

    number: int
    """From 1, without gaps."""
    time: datetime
    actor: str
    """Pseudonym of a person, or `PROGRAM`."""
    action: str
    """One of `LogAction`; a newer version may have others."""
    about: Mapping[str, Any]
    """What JSON holds; numbers with a fraction are texts. A case is named by a pseudonym."""
    previous_sha256: str
    sha256: str

    @property
    def hashed(self) -> dict[str, Any]:
        """All that the hash covers, as JSON."""
        return {
            "about": self.about,
            "action": self.action,
            "actor": self.actor,
            "number": self.number,
            "previous_sha256": self.previous_sha256,
            "time": self.time.astimezone(UTC).isoformat(timespec="microseconds"),
        }

    def computed_sha256(self) -> str:
        """Compute the hash that the entry must have."""
        return hashlib.sha256(canonical_json(self.hashed).encode("ascii")).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class LogAnchor:
    """A place outside the database where length and hash of the log were written."""

    n_entries: int
    sha256: str
    """Of the last entry; `BEFORE_FIRST` where there was none."""
    place: str
    """For people: a release, or the report of a round."""
    time: datetime
    number: int | None = None
    """Given by the database."""


def canonical_json(value: Any) -> str:
    r"""Write JSON in the one form that is hashed: keys sorted, no spaces, in ASCII.

    `jq -acS` writes the same.

    Example:
        >>> canonical_json({"organ": "liver", "case": "é"})
        '{"case":"\\u00e9","organ":"liver"}'
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def plain_json(value: Any) -> Any:
    """Give a value in types that every program writes alike: times, fractions and large numbers become texts.

    Example:
        >>> plain_json({"share": 0.25, "n": 3, "organs": ("liver",)})
        {'share': '0.25', 'n': 3, 'organs': ['liver']}
    """
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): plain_json(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain_json(one) for one in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, float):
        return repr(float(value))
    is_large = isinstance(value, int) and abs(value) > _LARGEST
    return str(value) if is_large else value
