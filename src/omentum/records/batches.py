"""Records of a stage that ran over many items."""

from dataclasses import dataclass

__all__ = ["Batch", "Failure"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One item that a stage could not do, and why."""

    key: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What became of the items that a stage was given."""

    done: tuple[str, ...]
    skipped: tuple[str, ...]
    """Done by an earlier run."""
    failed: tuple[Failure, ...]
