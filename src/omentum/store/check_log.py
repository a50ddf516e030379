"""Hold the audit log against itself, against the records that it is about, and against its anchors."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from omentum.records.audit_log import BEFORE_FIRST, LogAction, LogAnchor, LogEntry
from omentum.store.convert import record_of
from omentum.store.database import Database
from omentum.store.log_chain import LogProblem, ProblemKind, checked_chain
from omentum.store.logged_records import LOGGED_RECORDS, RecordState, stated, states
from omentum.store.reader_tables import LogEntryRow
from omentum.store.tables import FormerNameRow

__all__ = ["LogCheck", "check_log"]

_AT_ONCE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class LogCheck:
    """Result of a check."""

    n_entries: int
    sha256: str
    """Of the last entry."""
    n_records: int
    """Records that were held against their entries."""
    n_anchors: int
    problems: tuple[LogProblem, ...]
    """The first place first; empty where all is as it was written."""


@dataclass(slots=True)
class _Told:
    """What the log tells of one record."""

    entry: LogEntry
    text: str
    """Hash of its text now; empty for none."""


@dataclass(slots=True)
class _Pass:
    """What one pass over the log collects."""

    told: dict[tuple[str, int], _Told] = field(default_factory=dict)
    replaced: list[LogEntry] = field(default_factory=list)
    """Entries whose record's number was given again, after an erasure."""
    erased: list[tuple[int, frozenset[str]]] = field(default_factory=list)
    """Entry and names of each case that was erased."""
    earlier: LogEntry | None = None
    """The last statement of what was there before the log."""
    hashes: dict[int, str] = field(default_factory=lambda: {0: BEFORE_FIRST})
    n_entries: int = 0
    is_whole: bool = True
    """Whether the chain is unbroken so far; what comes after a break is not held against records."""

    def take(self, entry: LogEntry, wanted: frozenset[int]) -> None:
        about = entry.about
        self.n_entries = entry.number
        if entry.number in wanted:
            self.hashes[entry.number] = entry.sha256
        if entry.action in LOGGED_RECORDS and self.is_whole:
            key = (entry.action, about["number"])
            self.replaced += [self.told[key].entry] if key in self.told else []
            self.told[key] = _Told(entry, about.get("text", ""))
        elif entry.action == LogAction.REWORDED and (about["of"], about["number"]) in self.told:
            self.told[about["of"], about["number"]].text = about["text"]
        elif entry.action == LogAction.ERASED:
            self.erased.append((entry.number, frozenset([about["case"], *about["former"]])))
        if "earlier" in about:
            self.earlier = entry

    def is_erased(self, entry: LogEntry) -> bool:
        """Tell whether the case of an entry was erased after it."""
        return any(number > entry.number and entry.about["case"] in names for number, names in self.erased)


def check_log(database: Database, anchors: Sequence[LogAnchor]) -> LogCheck:
    """Check the whole log, in one consistent state of the database.

    Args:
        database: The database.
        anchors: From the database, and from releases and reports.
    """
    problems: list[LogProblem] = []
    found, wanted = _Pass(), frozenset(one.n_entries for one in anchors)
    last = BEFORE_FIRST
    with database.reading() as session:
        for entry in checked_chain(
            _entries(database, session), lambda: _entries(database, session), problems.append
        ):
            found.is_whole = not problems
            found.take(entry, wanted)
            last = entry.sha256
        problems += _record_problems(database, session, found)
    problems += _anchor_problems(found, anchors)
    return LogCheck(
        n_entries=found.n_entries,
        sha256=last,
        n_records=len(found.told),
        n_anchors=len(anchors),
        problems=tuple(sorted(problems, key=lambda one: (one.number is None, one.number or 0))),
    )


def _entries(database: Database, session: Session) -> Iterator[LogEntry]:
    asked = select(LogEntryRow).order_by(LogEntryRow.number).execution_options(yield_per=_AT_ONCE)
    for row in session.scalars(asked):
        yield record_of(LogEntry, row, database.paths)


def _record_problems(database: Database, session: Session, found: _Pass) -> Iterator[LogProblem]:
    former: dict[str, list[str]] = {}
    for name, case_id in session.execute(select(FormerNameRow.name, FormerNameRow.case_id)):
        former.setdefault(case_id, []).append(database.aliases.of(name))
    before = _before(found)
    gone = dict(found.told)
    for action, kind in LOGGED_RECORDS.items():
        for state in states(database, session, kind):
            told = gone.pop((action.value, state.number), None)
            if told is None and found.is_whole:
                yield from _without_entry(action, state, before.get(action.value, 0))
            elif told is not None:
                names = [database.aliases.of(state.case_id), *former.get(state.case_id, ())]
                yield from _differing(action, state, told, names)
    missing = [*found.replaced, *(told.entry for told in gone.values())]
    yield from (_missing(entry) for entry in missing if not found.is_erased(entry))
    yield from _earlier_problem(database, session, found.earlier, before)


def _before(found: _Pass) -> dict[str, int]:
    """Give the last number of what was there before the log, by type."""
    said: Mapping[str, Any] = {} if found.earlier is None else found.earlier.about["earlier"]
    return {action: one["last"] for action, one in said.items()}


def _without_entry(action: LogAction, state: RecordState, last_before: int) -> Iterator[LogProblem]:
    if state.number > last_before:
        said = f"{action} {state.number} is in the database, and no entry says that it was made"
        yield LogProblem(number=None, time=state.time, kind=ProblemKind.RECORD_DIFFERS, said=said)


def _differing(
    action: LogAction, state: RecordState, told: _Told, names: Iterable[str]
) -> Iterator[LogProblem]:
    about = told.entry.about
    differs = [
        what
        for what, is_same in (
            ("case", about["case"] in names),
            ("content", about["record"] == state.sha256),
            ("text", told.text == state.text),
        )
        if not is_same
    ]
    if differs:
        said = (
            f"the {' and '.join(differs)} of {action} {state.number} in the database is not what was logged"
        )
        yield _at(told.entry, said)


def _missing(entry: LogEntry) -> LogProblem:
    return _at(entry, f"{entry.action} {entry.about['number']} is gone, and its case was not erased")


def _earlier_problem(
    database: Database, session: Session, earlier: LogEntry | None, before: Mapping[str, int]
) -> Iterator[LogProblem]:
    if earlier is not None and any(before.values()):
        now = stated(database, session, before)
        changed = [action for action, one in earlier.about["earlier"].items() if one != now[action]]
        if changed:
            yield _at(earlier, f"what was there before the log has changed: {', '.join(changed)}")


def _at(entry: LogEntry, said: str) -> LogProblem:
    return LogProblem(number=entry.number, time=entry.time, kind=ProblemKind.RECORD_DIFFERS, said=said)


def _anchor_problems(found: _Pass, anchors: Iterable[LogAnchor]) -> Iterator[LogProblem]:
    for one in anchors:
        if one.n_entries > found.n_entries:
            said = (
                f"{one.place} was made when the log had {one.n_entries} entries, and it has {found.n_entries}"
            )
            number, kind = found.n_entries + 1, ProblemKind.ANCHOR_AHEAD
        elif found.hashes.get(one.n_entries) != one.sha256:
            said = f"{one.place} holds another hash of entry {one.n_entries}: the log was written anew"
            number, kind = one.n_entries, ProblemKind.CHANGED
        else:
            continue
        yield LogProblem(number=number, time=one.time, kind=kind, said=said)
