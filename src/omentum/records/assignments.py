"""The record of a rule by which tasks are dealt to a reader."""

from dataclasses import dataclass
from datetime import datetime

__all__ = ["Assignment"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """Which tasks of a round are dealt to a reader."""

    reader: str
    """Pseudonym."""
    organ: str | None = None
    """Only tasks of this organ, or of `WHOLE_CT`; of all that no rule names where `None`."""
    share: float | None = None
    """Of these tasks, in (0, 1]; an equal part of what other rules leave where `None`."""
    time: datetime
    """When the rule was made."""
    number: int | None = None
    """Given by the database."""
