"""Draw the organs of held-out patients that are revised, so that networks can be judged by them.

Cases are drawn by a hash of their name and not by score: cases where the network in use is probably wrong
would flatter the next network. Scores only estimate the minutes. Networks never learn from these masks.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from omentum.measures.effort import CostModel
from omentum.project.project import Project
from omentum.records import CaseScore, LabelledCase, MaskSource, Task, TaskKind, TaskState
from omentum.records.promotions import LEAST_PATIENTS

__all__ = ["drawn", "held_out_tasks"]

Key = tuple[str, str]
"""Case and organ."""


def held_out_tasks(
    project: Project,
    scores: Iterable[CaseScore],
    costs: CostModel,
    minutes: float,
    *,
    due: Collection[Key] = (),
) -> list[Task]:
    """Draw what is revised to judge networks by; tasks that have begun stay and are paid first.

    Args:
        project: The project.
        scores: Of the round's cases.
        costs: Prices in minutes.
        minutes: What it may cost; the last task may take longer.
        due: Organs that are revised in this round anyway.

    Returns:
        Tasks, ranked from 1; none once there are enough masks, or where no patient is kept for evaluation.
    """
    number = project.store.rounds.current().number
    begun = [one for one in project.store.tasks.of_round(number) if one.state is not TaskState.QUEUED]
    own = [one for one in begun if one.is_held_out]
    labelled = [one for one in project.standing() if one.case.held_out]
    patient_of = {one.case.case_id: one.case.patient_id for one in labelled}
    referenced = _referenced(labelled) | set(due)
    n_masks = Counter(organ for _, organ in _of_patients(referenced | {one.key for one in own}, patient_of))
    lacking = {organ: LEAST_PATIENTS - n_masks[organ] for organ in project.settings.organs}
    open_organs = _open_organs(project, patient_of, referenced | {one.key for one in begun})
    errors_ml = {(one.case_id, row.organ): row.error_ml or 0.0 for one in scores for row in one.organs}

    def price(case_id: str, organ: str, is_first: bool) -> float:
        error_ml = errors_ml.get((case_id, organ), 0.0)
        return costs.of_task(organ, error_ml, is_first=is_first, is_whole=True)

    left = minutes - sum(one.minutes or 0.0 for one in own)
    chosen = drawn(open_organs, patient_of, lacking, left, price)
    new = [
        Task(
            round_number=number,
            case_id=case_id,
            organ=organ,
            rank=len(own) + 1,
            attention_ml=0.0,
            minutes=cost,
            reason="to judge networks by: this patient is never learned from",
            kind=TaskKind.HELD_OUT,
        )
        for (case_id, organ), cost in chosen.items()
    ]
    return [replace(task, rank=rank) for rank, task in enumerate([*own, *new], start=1)]


def drawn(
    open_organs: Mapping[str, Sequence[str]],
    patient_of: Mapping[str, str],
    lacking: Mapping[str, int],
    minutes: float,
    price: Callable[[str, str, bool], float],
) -> dict[Key, float]:
    """Draw case after case by a hash of its name, and in each the organs that most masks lack.

    The next organ is taken until the minutes are used up, so that the last task may take longer; leaving out
    what does not fit would favour masks with few errors.

    Args:
        open_organs: Organs that can be revised, by case.
        patient_of: By case; of a patient, each organ is drawn once.
        lacking: How many patients' masks each organ lacks.
        minutes: What there is.
        price: Minutes of a case's organ, and whether it is the first of the case.

    Returns:
        Minutes by case and organ, in the order drawn; without the last, their sum is below `minutes`.

    Example:
        >>> both = {"a": ["liver", "spleen"], "b": ["liver"]}
        >>> lacking = {"liver": 2, "spleen": 1}
        >>> drawn(both, {"a": "p", "b": "q"}, lacking, 1.5, lambda *_: 1.0)
        {('b', 'liver'): 1.0, ('a', 'liver'): 1.0}
    """
    left, lack = minutes, Counter(lacking)
    found: dict[Key, float] = {}
    had: set[Key] = set()
    for case_id in sorted(open_organs, key=lambda one: (hashlib.sha256(one.encode()).digest(), one)):
        is_first = True
        for organ in sorted(open_organs[case_id], key=lambda one: (-lack[one], one)):
            patient = patient_of[case_id], organ
            if lack[organ] <= 0 or patient in had or left <= 1e-9:
                continue
            cost = price(case_id, organ, is_first)
            found[case_id, organ] = cost
            had.add(patient)
            lack[organ] -= 1
            left -= cost
            is_first = False
    return found


def _referenced(labelled: Sequence[LabelledCase]) -> set[Key]:
    """Give the organs of which an original or a revised mask stands."""
    return {
        (one.case.case_id, mask.organ)
        for one in labelled
        for mask in one.masks
        if mask.source is not MaskSource.PREDICTED
    }


def _of_patients(keys: Collection[Key], patient_of: Mapping[str, str]) -> set[Key]:
    """Give patient and organ in place of case and organ; other cases are left out."""
    return {(patient_of[case_id], organ) for case_id, organ in keys if case_id in patient_of}


def _open_organs(
    project: Project, patient_of: Mapping[str, str], closed: Collection[Key]
) -> dict[str, list[str]]:
    """Give the organs that were predicted, and that neither have a mask of their patient's nor are due."""
    predictions = project.predictions(project.networks[0])
    done = _of_patients(closed, patient_of)
    return {
        case_id: [organ for organ in predictions[case_id].organs if (patient_id, organ) not in done]
        for case_id, patient_id in patient_of.items()
        if case_id in predictions
    }
