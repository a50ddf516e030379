"""Which organs of patients kept for evaluation are revised, so that networks can be judged by them?

In:  an open project whose cases are predicted; the minutes that are reserved for it.
Out: tasks of whole organs, until enough held-out patients have a mask of each organ that people vouch for.
They are drawn by a hash of the case and not by score: cases that are chosen because the network in use is
probably wrong there would flatter whichever network comes next. They are never learned from.
"""

import hashlib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import mean

from omentum.promotion import LEAST_PATIENTS
from omentum.records import Case, Task, TaskState
from omentum.score.audit import MINUTES_PER_CASE, MINUTES_PER_ORGAN
from omentum.workspace import Workspace

__all__ = ["Prices", "drawn", "held_out_tasks"]

Key = tuple[str, str]
"""Case and organ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """What it takes to open a case, and to look at and mend a whole organ, in minutes."""

    case: float = MINUTES_PER_CASE
    organ: float = MINUTES_PER_ORGAN


def held_out_tasks(workspace: Workspace, minutes: float) -> list[Task]:
    """Choose what is revised to judge networks by; what people have begun stays and is paid first.

    Args:
        workspace: The project.
        minutes: What it may cost.

    Returns:
        Tasks, ranked from 1; none once there are enough masks, or where no patient is kept for evaluation.
    """
    number = workspace.store.rounds.current().number
    begun = [one for one in workspace.store.tasks.of_round(number) if one.state is not TaskState.QUEUED]
    own = [one for one in begun if one.is_held_out]
    kept = [case for case in workspace.store.cases.all() if case.held_out]
    vouched = _vouched(workspace, kept)
    taken = {(one.case_id, one.organ) for one in begun}
    lacking = _lacking(kept, workspace.settings.organs, vouched | {(one.case_id, one.organ) for one in own})
    open_organs = _open_organs(workspace, kept, vouched | taken)
    prices = _prices(workspace)
    left = minutes - sum(one.minutes or 0.0 for one in own)
    chosen = drawn(open_organs, {case.case_id: case.patient_id for case in kept}, lacking, left, prices)
    new = [
        Task(
            round_number=number,
            case_id=case_id,
            organ=organ,
            rank=len(own) + 1,
            attention_ml=0.0,
            minutes=cost,
            reason="to judge networks by: this patient is never learned from",
            is_held_out=True,
        )
        for (case_id, organ), cost in chosen.items()
    ]
    return [replace(task, rank=rank) for rank, task in enumerate([*own, *new], start=1)]


def drawn(
    open_organs: Mapping[str, Sequence[str]],
    patient_of: Mapping[str, str],
    lacking: Mapping[str, int],
    minutes: float,
    prices: Prices,
) -> dict[Key, float]:
    """Draw case after case by a hash of its name, and in each the organs that most masks lack.

    Args:
        open_organs: Organs that can be revised, by case.
        patient_of: By case; of a patient, each organ is drawn once.
        lacking: How many patients' masks each organ lacks.
        minutes: What there is.
        prices: What it takes.

    Returns:
        Minutes by case and organ, in the order drawn; their sum is within `minutes`.

    Example:
        >>> both = {"a": ["liver", "spleen"], "b": ["liver"]}
        >>> found = drawn(both, {"a": "p", "b": "q"}, {"liver": 2, "spleen": 1}, 2.0, Prices())
        >>> sorted(found), sum(found.values())
        ([('a', 'liver'), ('b', 'liver')], 2.0)
    """
    left, lack = minutes, Counter(lacking)
    found: dict[Key, float] = {}
    had: set[Key] = set()
    for case_id in sorted(open_organs, key=lambda one: (hashlib.sha256(one.encode()).digest(), one)):
        cost = prices.case + prices.organ
        for organ in sorted(open_organs[case_id], key=lambda one: (-lack[one], one)):
            patient = patient_of[case_id], organ
            if lack[organ] <= 0 or patient in had or cost > left + 1e-9:
                continue
            found[case_id, organ] = cost
            had.add(patient)
            lack[organ] -= 1
            left -= cost
            cost = prices.organ
    return found


def _vouched(workspace: Workspace, kept: Sequence[Case]) -> set[Key]:
    """Give the organs of held-out cases that have an original or a revised mask."""
    ids = {case.case_id for case in kept}
    original = {(case.case_id, organ) for case in kept for organ in case.original_organs}
    return original | {key for key in workspace.store.revisions.latest() if key[0] in ids}


def _lacking(kept: Sequence[Case], organs: Sequence[str], vouched: Collection[Key]) -> dict[str, int]:
    patient_of = {case.case_id: case.patient_id for case in kept}
    have = {
        organ: len(
            {patient_of[case_id] for case_id, name in vouched if name == organ and case_id in patient_of}
        )
        for organ in organs
    }
    return {organ: max(0, LEAST_PATIENTS - number) for organ, number in have.items()}


def _open_organs(workspace: Workspace, kept: Sequence[Case], closed: Collection[Key]) -> dict[str, list[str]]:
    """Give the organs that were predicted, and that neither have a mask of their patient's nor are due."""
    predictions = workspace.predictions(workspace.networks[0])
    patient_of = {case.case_id: case.patient_id for case in kept}
    done = {(patient_of[case_id], organ) for case_id, organ in closed if case_id in patient_of}
    return {
        case.case_id: [
            organ for organ in predictions[case.case_id].organs if (case.patient_id, organ) not in done
        ]
        for case in kept
        if case.case_id in predictions
    }


def _prices(workspace: Workspace) -> Prices:
    """Reckon by what tasks of this kind took on average, once there are any; opening the case is in it."""
    keys = {
        (task.round_number, task.case_id, task.organ)
        for one in workspace.store.rounds.all()
        for task in workspace.store.tasks.of_round(one.number)
        if task.is_held_out
    }
    taken = [
        one.minutes
        for one in workspace.store.revisions.all()
        if one.minutes and (one.round_number, one.case_id, one.organ) in keys
    ]
    return Prices(case=0.0, organ=mean(taken)) if taken else Prices()
