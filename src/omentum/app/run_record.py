"""Define the report of a run, as `--report` writes it; docs/run-report.md explains each key.

A key never changes its meaning or goes away under one number of `schema_version`; new keys may come.
"""

from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["SCHEMA_VERSION", "CaseOutcome", "Machine", "NetworkUsed", "RunReport", "Totals"]

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Where a command ran."""

    os: str
    cpu: str
    n_processors: int
    """That the command could use."""
    memory_bytes: int | None
    gpus: tuple[str, ...]
    """Empty also if the command did not load PyTorch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkUsed:
    """A network and the hash of its weights."""

    name: str
    weights_sha256: str | None
    """`None` for masks that another program made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseOutcome:
    """What became of a case in one step."""

    step: str
    case: str
    outcome: Literal["done", "skipped", "failed"]
    reason: str | None
    """Why it failed."""
    seconds: float | None
    peak_bytes: int | None
    """Most memory that the process used that worked on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """All cases of all steps together."""

    done: int
    skipped: int
    failed: int
    seconds_of_work: float
    """Sum over cases; more than the run took if several were at work at a time."""
    median_seconds: float | None
    """Of a case that was done."""
    peak_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """What a command did, with what, and how long it took."""

    schema_version: int
    command: tuple[str, ...]
    """Its words, without passwords of databases."""
    started: str
    """ISO 8601, UTC."""
    ended: str
    seconds: float
    exit_code: int
    """0 done, 1 some cases failed, 2 refused, 129, 130 or 143 interrupted; any other is an error of ours."""
    error: str | None
    """Why the command did not come to its end."""
    software: dict[str, str]
    """Versions by name."""
    machine: Machine
    settings: dict[str, Any]
    networks: tuple[NetworkUsed, ...]
    results: dict[str, Any]
    """What the command made: a release with its hash, a network."""
    cases: tuple[CaseOutcome, ...]
    totals: Totals
