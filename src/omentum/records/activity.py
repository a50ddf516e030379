"""Record of what a reader did in a task, as the review page reports it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

__all__ = ["Activity"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """A sign that a reader was at work on a task; append-only."""

    task_number: int
    case_id: str
    organ: str
    """The organ, or `WHOLE_CT`."""
    reader: str
    """Pseudonym."""
    seconds: float
    """Time at work since the reader's sign before, on whichever task; 0 after a break."""
    actions: Mapping[str, int]
    """How often each tool was used since then."""
    time: datetime
    """By the clock of the database."""
    number: int
    """Given by the database; rises with each sign."""
