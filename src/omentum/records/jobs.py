"""Records of jobs: items of a stage that any number of programs share."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

__all__ = ["MOST_ATTEMPTS", "JobRecord", "JobState", "JobSummary", "Left", "OpenJobs", "given_up", "worn_out"]

MOST_ATTEMPTS = 3
"""A job that was begun this often and never ended is not begun again."""


class JobState(StrEnum):
    """What became of a job so far."""

    DUE = "due"
    """It can be claimed, at once or after a pause."""
    CLAIMED = "claimed"
    """A worker has it until its lease ends."""
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRecord:
    """One item of a stage, and how far it is."""

    stage: str
    key: str
    state: JobState
    attempts: int
    """How often it was begun since it was offered."""
    worker: str | None
    """Who has it, or had it last."""
    until: datetime | None
    """When the lease ends, by the database's clock; `None` if no worker has it."""
    started: datetime | None
    """When it was last claimed."""
    seconds: float | None
    """How long the work took."""
    peak_bytes: int | None
    """Most memory that the work used."""
    reason: str | None
    """Why it failed; of a job that is due, why it was postponed."""
    time: datetime
    """When its state changed last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenJobs:
    """How many jobs of a stage have not ended, as one worker sees them."""

    due: int
    """Can be claimed now; those whose lease ended count."""
    later: int
    """Can be claimed after a pause."""
    mine: int
    """This worker has them."""
    others: int
    """Other workers have them."""
    next_at: datetime | None
    """When the next of those that are later or at others can be claimed; `None` if there are none."""
    asked_at: datetime
    """When this was counted, by the database's clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What is left to do of the jobs that a runner offered."""

    now: int
    """Can be claimed now."""
    later_s: float | None
    """Seconds until the next pause or lease of another ends; `None` if there is neither."""
    others: int
    """Other workers have them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSummary:
    """How many jobs of a stage are in each state, and what the work on those that are done took."""

    due: int
    claimed: int
    done: int
    failed: int
    total_s: float | None
    """Seconds of all; `None` if none was measured."""
    median_s: float | None
    """Seconds of the job in the middle."""
    peak_bytes: int | None
    """Most memory that one used."""


def given_up(worker: str | None) -> str:
    """Give the reason of a job whose worker ended each time, before the job did."""
    return (
        f"its worker ended {MOST_ATTEMPTS} times while it was under way (last: {worker or 'unknown'}); "
        "check the memory and time limits of the machine, then run the stage again"
    )


def worn_out(reason: str) -> str:
    """Give the reason of a job that failed at every attempt."""
    return f"{reason} ({MOST_ATTEMPTS} attempts)"
