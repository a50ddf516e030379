"""Compare two releases, or a release with what the next one would hold, a few cases at a time."""

import heapq
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, TypeVar

from omentum.assemble.inputs import CaseInputs
from omentum.assemble.lineage_table import TABLE_NAME, read_table
from omentum.records import MaskSource, StandingMask

__all__ = [
    "Change",
    "MaskChange",
    "ReleaseDiff",
    "ReleasePlan",
    "compare_releases",
    "diff_of",
    "plan_release",
]

Item = TypeVar("Item")
_Row = dict[str, Any]
_Key = tuple[str, str]


class Change(StrEnum):
    """How a mask differs between two releases."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskChange:
    """One mask that is not the same in both releases."""

    case_id: str
    organ: str
    change: Change
    before: str | None
    """Its source in the first release, if it is there."""
    after: str | None
    """Its source in the second one, if it is there."""
    volume_ml: float
    """By how much it grew; negative where it shrank."""


@dataclass(slots=True)
class ReleaseDiff:
    """What is different in the second of two releases, in numbers."""

    n_cases_added: int = 0
    n_cases_removed: int = 0
    n_cts_changed: int = 0
    """Cases whose CT is another file."""
    n_same: int = 0
    """Masks that are the same."""
    organs: dict[str, Counter[Change]] = field(default_factory=lambda: defaultdict(Counter))
    """Masks with each `Change`, by organ."""
    added_ml: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    """Growth of the masks, summed, by organ."""


@dataclass(slots=True)
class ReleasePlan:
    """What a release would hold if it were made now; no file of a case was read for it."""

    n_cases: int = 0
    n_cases_new: int = 0
    """Of these, cases that the earlier release does not have."""
    n_cases_gone: int = 0
    """Cases that only the earlier release has."""
    n_masks_other: int = 0
    """Masks with another origin than in the earlier release; also new ones."""
    n_masks_held: int = 0
    """Masks that are held back, so that their organs are unknown."""
    organs: dict[str, Counter[MaskSource]] = field(default_factory=lambda: defaultdict(Counter))
    """Masks from each source, by organ."""
    left_out: Mapping[str, str] = field(default_factory=dict)
    """Why cases would be left out, by case."""
    excluded: Mapping[str, str] = field(default_factory=dict)
    """Why cases are excluded, by case."""


def compare_releases(first: Path, second: Path) -> Iterator[MaskChange]:
    """Give each mask that is not the same in both, by case and organ.

    Raises:
        ReleaseError: A folder has no table that can be read.
    """
    for before, after in _by_mask(read_table(first / TABLE_NAME), read_table(second / TABLE_NAME)):
        change = _change(before, after)
        if change is not None:
            yield change


def diff_of(first: Path, second: Path) -> ReleaseDiff:
    """Count what is not the same in both; errors as `compare_releases`."""
    diff = ReleaseDiff()
    seen = ""
    for before, after in _by_mask(read_table(first / TABLE_NAME), read_table(second / TABLE_NAME)):
        change = _change(before, after)
        if change is None:
            diff.n_same += 1
        else:
            diff.organs[change.organ][change.change] += 1
            diff.added_ml[change.organ] += change.volume_ml
        if before and after and before["ct_sha256"] != after["ct_sha256"] and seen != before["case_id"]:
            diff.n_cts_changed += 1
            seen = before["case_id"]
    for one, other in _side_by_side(_cases_of(first), _cases_of(second), lambda case_id: (f"{case_id}/", "")):
        diff.n_cases_added += one is None
        diff.n_cases_removed += other is None
    return diff


def plan_release(cases: Sequence[CaseInputs], earlier: Path | None) -> ReleasePlan:
    """Count what a release of these cases would hold, and what of it the earlier one does not."""
    plan = ReleasePlan(n_cases=len(cases), n_masks_held=sum(len(inputs.held) for inputs in cases))
    ordered = sorted(cases, key=lambda inputs: f"{inputs.case.case_id}/")
    table = iter(()) if earlier is None else read_table(earlier / TABLE_NAME)
    known = set() if earlier is None else set(_cases_of(earlier))
    plan.n_cases_new = sum(inputs.case.case_id not in known for inputs in cases)
    plan.n_cases_gone = len(known) - (len(cases) - plan.n_cases_new)
    for before, now in _by_mask(table, (row for inputs in ordered for row in _planned(inputs))):
        if now is None:
            continue
        plan.organs[now["organ"]][MaskSource(now["source"])] += 1
        plan.n_masks_other += before is None or any(before[name] != now[name] for name in _ORIGIN)
    return plan


_ORIGIN = ("source", "network", "weights_sha256", "revision_sha256")


def _planned(inputs: CaseInputs) -> Iterator[_Row]:
    for mask in sorted(inputs.masks, key=lambda one: one.organ):
        yield {"case_id": inputs.case.case_id, "organ": mask.organ, **_origin(inputs, mask)}


def _origin(inputs: CaseInputs, mask: StandingMask) -> _Row:
    row: _Row = {**dict.fromkeys(_ORIGIN), "source": mask.source.value}
    if mask.source is MaskSource.REVISED and mask.revision is not None:
        row["revision_sha256"] = mask.revision.sha256
    elif mask.source is MaskSource.PREDICTED and inputs.prediction is not None:
        row["network"] = inputs.prediction.network
        row["weights_sha256"] = inputs.prediction.weights_sha256
    return row


def _change(before: _Row | None, after: _Row | None) -> MaskChange | None:
    if before and after and before["sha256"] == after["sha256"]:
        return None
    there = before or after
    assert there is not None
    kind = Change.CHANGED if before and after else Change.ADDED if after else Change.REMOVED
    return MaskChange(
        case_id=there["case_id"],
        organ=there["organ"],
        change=kind,
        before=before["source"] if before else None,
        after=after["source"] if after else None,
        volume_ml=(after["volume_ml"] if after else 0.0) - (before["volume_ml"] if before else 0.0),
    )


def _by_mask(first: Iterable[_Row], second: Iterable[_Row]) -> Iterator[tuple[_Row | None, _Row | None]]:
    yield from _side_by_side(first, second, lambda row: (f"{row['case_id']}/", row["organ"]))


def _cases_of(folder: Path) -> Iterator[str]:
    last = None
    for row in read_table(folder / TABLE_NAME):
        if row["case_id"] != last:
            last = row["case_id"]
            yield last


def _side_by_side(
    first: Iterable[Item], second: Iterable[Item], key: Callable[[Item], _Key]
) -> Iterator[tuple[Item | None, Item | None]]:
    """Merge two sorted sequences pairwise; what only one of them has is paired with `None`."""
    ours = ((key(item), 0, item) for item in first)
    theirs = ((key(item), 1, item) for item in second)
    for _, found in groupby(heapq.merge(ours, theirs, key=itemgetter(0)), key=itemgetter(0)):
        pair = {side: item for _, side, item in found}
        yield pair.get(0), pair.get(1)
