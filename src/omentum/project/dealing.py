"""Deal the open tasks of a round to readers by their rules, and reserve them.

Tasks are dealt by rank, each to the reader who is furthest behind. What a reader has or had in the round
counts, so that shares hold over the round and not over what is left of it.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from omentum.project.project import Project
from omentum.records import Task, TaskState
from omentum.records.assignments import Assignment
from omentum.store.leases import Slot
from omentum.store.tasks import pool_of

__all__ = ["Dealer", "deal_tasks", "shares_of"]

_WANTED = (TaskState.QUEUED, TaskState.CLAIMED, TaskState.SUBMITTED)


def deal_tasks(project: Project) -> int:
    """Deal the tasks of the current round anew that no reader has or had; give how many are dealt.

    Without rules every task is anyone's again. Tasks that a person assigned stay with their reader. A reader
    does not get a task twice, nor one whose claim that reader let end, nor, where readings are independent,
    one of an organ that the reader revised before.
    """
    store = project.store
    rules, pool = store.assignments.all(), pool_of(store.rounds.current().number)
    slots = store.leases.slots(pool)
    if not rules:
        if any(one.is_dealt for one in slots):
            store.leases.deal(pool, {})
        return 0
    disabled = {one.name for one in store.people.all() if one.is_disabled}
    dealer = Dealer([one for one in rules if one.reader not in disabled])
    tasks = store.tasks.of_round(store.rounds.current().number)
    drawn_by = store.revisions.readers_by_organ() if any(one.is_independent for one in tasks) else {}
    dealt = _dealt(tasks, slots, dealer, drawn_by)
    store.leases.deal(pool, dealt)
    return len(dealt)


@dataclass(slots=True)
class Dealer:
    """Chooses who gets the next task, and remembers who got how many."""

    rules: Sequence[Assignment]
    _counts: dict[tuple[str | None, str | None], int] = field(default_factory=dict)
    """Tasks by the organ of the rule and the reader; reader `None` are those that no reader gets."""

    def note(self, organ: str, reader: str) -> None:
        """Count a task that a reader has already."""
        for group in (organ, None):
            if reader in self._shares(group):
                self._add(group, reader)
                return

    def next_reader(self, organ: str, without: Collection[str] = ()) -> str | None:
        """Give who gets the next task of an organ; `None` where anyone may have it.

        Rules that name the organ go before those that name none, which deal what those leave.

        Args:
            organ: The organ, or `WHOLE_CT`.
            without: Readers who cannot have this one.
        """
        for group in (organ, None):
            reader = self._furthest_behind(group, without)
            if reader is not None:
                return reader
        return None

    def _furthest_behind(self, group: str | None, without: Collection[str]) -> str | None:
        shares: dict[str | None, float] = {}
        shares.update(self._shares(group))
        if not shares:
            return None
        left = 1.0 - sum(shares.values())
        if left > 1e-9:
            shares[None] = left
        n = sum(self._counts.get((group, reader), 0) for reader in shares) + 1
        behind = {
            reader: share * n - self._counts.get((group, reader), 0)
            for reader, share in shares.items()
            if reader not in without
        }
        if not behind:
            return None
        chosen = min(behind, key=lambda reader: (-round(behind[reader], 9), reader is None, reader or ""))
        self._add(group, chosen)
        return chosen

    def _shares(self, group: str | None) -> Mapping[str, float]:
        return shares_of([one for one in self.rules if one.organ == group])

    def _add(self, group: str | None, reader: str | None) -> None:
        self._counts[group, reader] = self._counts.get((group, reader), 0) + 1


def shares_of(rules: Iterable[Assignment]) -> dict[str, float]:
    """Give the share of each reader by rules about the same tasks; those without one divide what is left.

    Example:
        >>> from datetime import UTC, datetime
        >>> of = lambda reader, share: Assignment(reader=reader, share=share, time=datetime.now(UTC))
        >>> shares_of([of("anna", 0.5), of("ben", None), of("carl", None)])
        {'anna': 0.5, 'ben': 0.25, 'carl': 0.25}
    """
    rules = list(rules)
    left = max(0.0, 1.0 - sum(one.share or 0.0 for one in rules))
    n_open = sum(one.share is None for one in rules)
    return {one.reader: left / n_open if one.share is None else one.share for one in rules}


def _dealt(
    tasks: Sequence[Task],
    slots: Iterable[Slot],
    dealer: Dealer,
    drawn_by: Mapping[tuple[str, str], Collection[str]],
) -> dict[tuple[str, int], str]:
    """Deal the slots that no one has or had, by rank of their tasks."""
    by_key: dict[str, list[Slot]] = {}
    for slot in slots:
        by_key.setdefault(slot.key, []).append(slot)
    in_order = [(task, by_key.get(str(task.number), [])) for task in sorted(tasks, key=lambda one: one.rank)]
    for task, own in in_order:  # what is given already counts before anything is dealt
        for owner in filter(None, map(_owner, own)):
            dealer.note(task.organ, owner)
    dealt: dict[tuple[str, int], str] = {}
    for task, own in in_order:
        if task.state in _WANTED:
            drawn = drawn_by.get(task.key, ()) if task.is_independent else ()
            dealt |= _of_task(task, own, dealer, drawn)
    return dealt


def _of_task(
    task: Task, slots: Sequence[Slot], dealer: Dealer, drawn_by: Collection[str]
) -> dict[tuple[str, int], str]:
    """Deal the free slots of a task, each to another reader."""
    without = {*drawn_by, *filter(None, (one.holder for one in slots)), *filter(None, map(_owner, slots))}
    dealt: dict[tuple[str, int], str] = {}
    for slot in slots:
        reader = None if _owner(slot) else dealer.next_reader(task.organ, without)
        if reader is not None:
            dealt[slot.key, slot.slot] = reader
            without.add(reader)
    return dealt


def _owner(slot: Slot) -> str | None:
    """Give who has or had a slot, or for whom a person reserved it; `None` where it is to be dealt."""
    if slot.is_out:
        return slot.holder
    return None if slot.is_dealt else slot.reserved_for
