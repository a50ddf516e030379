"""Exclude, rename and erase cases; a change that was interrupted is completed when the project opens next.

One transaction changes every table and notes what is left to do; then the files follow, and the note is
removed. Each step may be done twice.
"""

import json
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omentum.errors import ProjectError
from omentum.names import checked_new_case_id, pseudonym
from omentum.project.case_files import erase_files, move_files, releases_with
from omentum.project.paths import ProjectFolder, read_secret
from omentum.records import Task, TaskState, Tombstone
from omentum.store.mentions import Mentions
from omentum.store.store import Store
from omentum.store.tasks import pool_of

if TYPE_CHECKING:
    from omentum.project.project import Project

__all__ = [
    "Erased",
    "erase_case",
    "exclude_case",
    "finish_case_changes",
    "include_case",
    "rename_case",
    "unfinished_changes",
]

_RENAMED, _ERASED, _SCRUB = "case renamed: ", "case erased: ", "case rows to scrub"
"""Facts that stand while a change is not complete."""
_SAYS_EXCLUDED, _BEFORE = "case excluded: ", " | before that: "


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """Result of erasing a case."""

    tombstone: Tombstone
    networks: tuple[str, ...]
    """Networks that learned from it, or were tuned from one that did; they stay as they are."""
    removed_reports: tuple[Path, ...]
    """Reports that showed it; `omentum evaluate` writes new ones."""
    holders: tuple[str, ...]
    """Who holds tasks of it: readers, or folders that tasks were exported to."""
    is_scrubbed: bool
    """Whether removed rows are overwritten; else another program keeps the database in use, and the next
    command that writes does it."""


def exclude_case(project: "Project", case_id: str, why: str) -> list[Task]:
    """Let a case take no part from now on: in no queue, training, evaluation or release.

    What was made of it stays, and its files may be gone. Excluding it again changes the reason.

    Returns:
        Its tasks that were open, and are skipped now.

    Raises:
        UnknownCaseError: There is no such case.
        ProjectError: No reason is given.
    """
    store, why = project.store, _reason(why)
    with store.together():
        store.cases.exclude(case_id, why)
        ended = (TaskState.DONE, TaskState.SKIPPED)
        open_tasks = [task for task in store.tasks.of_case(case_id) if task.state not in ended]
        for task in open_tasks:
            assert task.number is not None
            reason = f"{_SAYS_EXCLUDED}{why}{_BEFORE}{task.reason}"
            store.tasks.set_state([task.number], TaskState.SKIPPED, reason=reason)
    return open_tasks


def include_case(project: "Project", case_id: str) -> list[Task]:
    """Let a case take part again, with the tasks that were skipped as it was excluded.

    Returns:
        Those tasks.

    Raises:
        UnknownCaseError: There is no such case.
    """
    store = project.store
    with store.together():
        store.cases.include(case_id)
        tasks = [task for task in store.tasks.of_case(case_id) if _is_skipped_as_excluded(task)]
        for task in tasks:
            _open_again(store, task)
    return tasks


def rename_case(project: "Project", case_id: str, new: str) -> None:
    """Give a case another name everywhere except in releases; the old one still finds it.

    Raises:
        UnknownCaseError: There is no such case.
        ConfigError: The name cannot be a folder's.
        ProjectError: Another case has, or had, the name, or there is a folder of that name.
    """
    store, now = project.store, project.folder.case_dir(checked_new_case_id("NEW", new))
    if now.exists():
        raise ProjectError(f"{now} is there already; move that folder away, or choose another name")
    with store.together():
        store.case_rows.rename(case_id, new)
        store.facts.set(_RENAMED + new, json.dumps({"before": case_id, "now": new}))
    finish_case_changes(project.folder, store)


def erase_case(project: "Project", case_id: str, *, why: str, by: str) -> Erased:
    """Remove a case from the project: voxels, masks, caches, and its name everywhere except in releases.

    Args:
        project: The project.
        case_id: The case.
        why: The reason; it is kept, so it must not name anybody.
        by: Pseudonym of who erases.

    Raises:
        UnknownCaseError: There is no such case.
        ProjectError: No reason is given, or it holds the case's name.
    """
    folder, store = project.folder, project.store
    store.cases.get(case_id)
    names = (case_id, *store.former_names.of_case(case_id))
    alias = pseudonym(read_secret(folder), case_id)
    mentions = _mentions(store, names, alias)
    if mentions.are_in(_reason(why)):
        raise ProjectError(f"the reason {why!r} holds the case's name, and it is kept; leave the name out")
    arrival = store.arrivals.of_case(case_id)
    tombstone = Tombstone(
        pseudonym=alias,
        voxels=arrival.voxels if arrival else "",
        why=why.strip(),
        by=by,
        releases=releases_with(folder, store.releases.all(), names),
        time=datetime.now(UTC),
    )
    networks, holders = store.learned_masks.networks_of_case(case_id), _holders(store, case_id)
    with store.together():
        store.case_rows.erase(case_id, mentions, by=by)
        store.tombstones.keep(tombstone)
        store.facts.set(_ERASED + alias, json.dumps({"names": names, "pseudonym": alias}))
    removed = finish_case_changes(folder, store)
    return Erased(
        tombstone=tombstone,
        networks=networks,
        removed_reports=tuple(removed),
        holders=holders,
        is_scrubbed=store.facts.get(_SCRUB) is None,
    )


def finish_case_changes(folder: ProjectFolder, store: Store) -> list[Path]:
    """Complete changes of cases that were begun; give reports that were removed.

    Where another program keeps the database in use, so that removed rows cannot be overwritten yet, the next
    call does it.
    """
    removed: list[Path] = []
    for fact, value in store.facts.starting("case ").items():
        if fact.startswith(_RENAMED):
            change = json.loads(value)
            move_files(folder, change["before"], change["now"])
            store.facts.forget(fact)
        elif fact.startswith(_ERASED):
            removed += _finish_erasing(folder, store, fact, json.loads(value))
    if store.facts.get(_SCRUB) is not None:
        with suppress(ProjectError):
            store.scrub()
            store.facts.forget(_SCRUB)
    return removed


def unfinished_changes(store: Store) -> list[str]:
    """Say which changes of cases were begun and are not complete; the next command that writes does that."""
    facts = store.facts.starting("case ")
    return [fact for fact in facts if fact.startswith((_RENAMED, _ERASED, _SCRUB))]


def _finish_erasing(folder: ProjectFolder, store: Store, fact: str, change: dict[str, Any]) -> list[Path]:
    removed = erase_files(folder, _mentions(store, tuple(change["names"]), change["pseudonym"]))
    with store.together():
        store.facts.set(_SCRUB, "due")  # the note that goes now holds the name, as do removed rows
        store.facts.forget(fact)
    return removed


def _holders(store: Store, case_id: str) -> tuple[str, ...]:
    numbers: dict[int, set[str]] = {}
    for task in store.tasks.of_case(case_id):
        numbers.setdefault(task.round_number, set()).add(str(task.number))
    lent = [
        lease.holder
        for round_number, own in numbers.items()
        for key, leases in store.leases.all(pool_of(round_number)).items()
        if key in own
        for lease in leases
    ]
    return tuple(sorted(set(lent)))


def _mentions(store: Store, names: tuple[str, ...], instead: str) -> Mentions:
    """Find names of a case everywhere, but not in longer names of others."""
    others = {case.case_id for case in store.cases.every()} | set(store.former_names.all())
    return Mentions(names, instead, others=tuple(others.difference(names)), inside_texts=True)


def _reason(why: str) -> str:
    if not why.strip():
        raise ProjectError("no reason is given; say why with --why, for those who ask later")
    return why.strip()


def _is_skipped_as_excluded(task: Task) -> bool:
    return task.state is TaskState.SKIPPED and task.reason.startswith(_SAYS_EXCLUDED)


def _open_again(store: Store, task: Task) -> None:
    """Restore a task: in the queue, or waiting for a person if it has enough readings."""
    assert task.number is not None
    read = store.revisions.of_task(task.number)
    reason = task.reason.partition(_BEFORE)[2]
    if len({one.reader for one in read}) < task.n_readings:
        store.tasks.want_readings(task.number, task.n_readings)
        state = TaskState.QUEUED
    else:
        is_conflict = any(one.conflicts_with is not None for one in read)
        state = TaskState.IN_ADJUDICATION if is_conflict else TaskState.SUBMITTED
    store.tasks.set_state([task.number], state, reason=reason)
