"""Records of networks, rounds and releases."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

__all__ = ["NetworkRecord", "Release", "Round"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkRecord:
    """A network that a project can use."""

    name: str
    folder: Path | None
    """Where its weights are; `None` for one shipped in the package or in the user's folder."""
    weights_sha256: str
    parent: str | None = None
    round_number: int | None = None
    """Round whose revisions it was tuned on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One turn of the loop."""

    number: int
    network: str
    """Used to predict in this round."""
    started: datetime
    finished: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """An assembled, versioned, checksummed data set."""

    version: str
    folder: Path
    n_cases: int
    manifest_sha256: str
    time: datetime
