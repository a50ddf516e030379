"""Find the first place where the chain of the audit log is broken, and say how."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from omentum.records.audit_log import BEFORE_FIRST, LogEntry

__all__ = ["LogProblem", "ProblemKind", "checked_chain"]


class ProblemKind(StrEnum):
    """What is wrong with the log at some place."""

    CHANGED = "changed"
    REMOVED = "removed"
    REORDERED = "reordered"
    ADDED = "added"
    RECORD_DIFFERS = "record differs"
    ANCHOR_AHEAD = "anchor ahead of log"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogProblem:
    """One place where the log is not as it was written."""

    number: int | None
    """Of the entry; `None` where the log lacks one."""
    time: datetime | None
    """When the entry, the record or the anchor says that it was written."""
    kind: ProblemKind
    said: str
    """In a sentence, for people."""


def checked_chain(
    entries: Iterable[LogEntry],
    again: Callable[[], Iterable[LogEntry]],
    on_problem: Callable[[LogProblem], None],
) -> Iterator[LogEntry]:
    """Pass entries on, and report the first place where the chain is broken.

    Args:
        entries: In order of their numbers.
        again: Gives them once more, to tell apart how the chain was broken.
        on_problem: Called once at most.
    """
    before, is_broken = None, False
    for entry in entries:
        if not is_broken:
            problem = _problem(before, entry, again)
            is_broken = problem is not None
            if problem is not None:
                on_problem(problem)
        yield entry
        before = entry
    if before is None:
        said = "the log is empty, and every log has at least the entry with which it began"
        on_problem(LogProblem(number=1, time=None, kind=ProblemKind.REMOVED, said=said))


def _problem(
    before: LogEntry | None, entry: LogEntry, again: Callable[[], Iterable[LogEntry]]
) -> LogProblem | None:
    expected = 1 if before is None else before.number + 1
    if entry.number != expected:
        gone = (
            f"entry {expected} is"
            if entry.number == expected + 1
            else f"entries {expected} to {entry.number - 1} are"
        )
        return _at(entry, ProblemKind.REMOVED, f"{gone} missing before entry {entry.number}", number=expected)
    if entry.computed_sha256() != entry.sha256:
        return _not_its_hash(entry, list(again()))
    if entry.previous_sha256 != (BEFORE_FIRST if before is None else before.sha256):
        named = "the beginning" if before is None else f"entry {before.number}"
        said = f"{named} is not what entry {entry.number} was written after"
        return _at(before or entry, ProblemKind.CHANGED, said)
    return None


def _not_its_hash(entry: LogEntry, entries: list[LogEntry]) -> LogProblem:
    """Tell a changed entry from one that had another number."""
    at = entry.number
    was = next((k for k in range(1, len(entries) + 2) if _fits(entry, k)), None)
    if was is None:
        return _at(entry, ProblemKind.CHANGED, f"entry {at} was changed: its content has another hash")
    if was < at:
        return _at(entry, ProblemKind.ADDED, f"entry {at} was entry {was}: one was added before it")
    if any(_fits(other, at) for other in entries[at:]):
        return _at(entry, ProblemKind.REORDERED, f"entry {at} was entry {was}: they are in another order")
    return _at(entry, ProblemKind.REMOVED, f"entry {at} was entry {was}: one before it was removed")


def _fits(entry: LogEntry, number: int) -> bool:
    return replace(entry, number=number).computed_sha256() == entry.sha256


def _at(entry: LogEntry, kind: ProblemKind, said: str, *, number: int | None = None) -> LogProblem:
    return LogProblem(number=number or entry.number, time=entry.time, kind=kind, said=said)
