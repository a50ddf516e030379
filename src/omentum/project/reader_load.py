"""Count what each reader has done, has and is waited for in the current round, beside the rules."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from omentum.project.dealing import shares_of
from omentum.project.project import Project
from omentum.records.assignments import Assignment
from omentum.store.leases import Slot
from omentum.store.tasks import pool_of

__all__ = ["ReaderLoad", "reader_loads"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderLoad:
    """The load of one reader by one rule, or without any."""

    reader: str
    n_done: int
    """Tasks of the round that the reader has handed in."""
    n_now: int
    """Tasks that the reader has."""
    n_waiting: int
    """Tasks that are reserved for the reader, and that the reader does not have yet."""
    minutes: float
    """Of what was handed in in the round."""
    rule: Assignment | None = None
    share_by_rule: float | None = None
    """Which share of its tasks the rule gives the reader."""
    share_dealt: float | None = None
    """Which share of them the reader has had, has, or has waiting."""


def reader_loads(project: Project) -> list[ReaderLoad]:
    """Give the load of every reader of the round, by name; a reader with several rules has several rows."""
    store, number = project.store, project.store.rounds.current().number
    organs = {str(one.number): one.organ for one in store.tasks.of_round(number)}
    slots = [one for one in store.leases.slots(pool_of(number)) if one.key in organs]
    rules, minutes = store.assignments.all(), _minutes(project, number)
    readers = {one.reader for one in rules} | {owner for one in slots if (owner := _owner(one))}
    found: list[ReaderLoad] = []
    for reader in sorted(readers | minutes.keys()):
        own = [one for one in slots if _owner(one) == reader]
        own_rules: list[Assignment | None] = [one for one in rules if one.reader == reader]
        found += [
            ReaderLoad(
                reader=reader,
                n_done=sum(one.is_ended for one in own),
                n_now=sum(one.is_out and not one.is_ended for one in own),
                n_waiting=sum(not one.is_out for one in own),
                minutes=minutes.get(reader, 0.0),
                rule=rule,
                share_by_rule=None if rule is None else _by_rule(rule, rules),
                share_dealt=None if rule is None else _dealt(rule, rules, slots, organs),
            )
            for rule in own_rules or [None]
        ]
    return found


def _by_rule(rule: Assignment, rules: Iterable[Assignment]) -> float:
    return shares_of([one for one in rules if one.organ == rule.organ])[rule.reader]


def _dealt(
    rule: Assignment, rules: Iterable[Assignment], slots: Sequence[Slot], organs: Mapping[str, str]
) -> float | None:
    """Give the reader's share of the tasks that a rule is about; `None` where there are none."""
    named = {one.organ for one in rules}
    meant = [
        one
        for one in slots
        if organs[one.key] == rule.organ or (rule.organ is None and organs[one.key] not in named)
    ]
    return sum(_owner(one) == rule.reader for one in meant) / len(meant) if meant else None


def _owner(slot: Slot) -> str | None:
    return slot.holder if slot.is_out else slot.reserved_for


def _minutes(project: Project, number: int) -> Counter[str]:
    minutes: Counter[str] = Counter()
    for one in project.store.revisions.of_round(number):
        minutes[one.reader] += one.minutes or 0.0  # type: ignore[assignment]  # a Counter adds fractions too
    trials = {one.number for one in project.store.catch_trials.of_round(number)}
    for reading in project.store.catch_readings.all():
        if reading.trial_number in trials:
            minutes[reading.reader] += reading.minutes or 0.0  # type: ignore[assignment]
    return minutes
