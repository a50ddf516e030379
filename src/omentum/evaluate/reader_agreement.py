"""Measure how far readers of the same task agree, by organ and pair of readers.

In:  the readings of tasks that several readers read, each as it was handed in, blinded.
Out: mean Dice and surface Dice with intervals over patients, and kappa on who changed the mask shown.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import combinations
from statistics import mean
from typing import Any

import numpy as np

from omentum.errors import ImageError
from omentum.project.conflicts import open_conflicts
from omentum.project.project import Project
from omentum.project.reading_agreement import ReadingAgreement, agreement_of
from omentum.records import Case, Decision, ReaderAnswer, Revision

__all__ = ["ALL_ORGANS", "PairAgreement", "ReadPair", "kappa", "pair_agreements", "read_pairs"]

Interval = tuple[float, float]
ALL_ORGANS = "all organs"
_RESAMPLES = 2000
_LEAST_PATIENTS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadPair:
    """Two readings of one task."""

    organ: str
    patient_id: str
    readers: tuple[str, str]
    """Sorted."""
    changed: tuple[bool, bool]
    """Whether each of them changed the mask that was shown."""
    agreement: ReadingAgreement


@dataclass(frozen=True, slots=True, kw_only=True)
class PairAgreement:
    """How far two readers agree about an organ."""

    organ: str
    """The organ, or `all organs`."""
    readers: tuple[str, str]
    n_tasks: int
    n_patients: int
    dice: float | None
    """Mean over the tasks in which at least one of both drew the organ; `None` where there is none."""
    dice_interval: Interval | None
    """95 %, by a bootstrap over patients; `None` with fewer than two of them."""
    surface_dice: float | None
    surface_dice_interval: Interval | None
    kappa: float | None
    """Agreement on accepted or changed beyond chance; `None` where both always said the same."""
    kappa_interval: Interval | None
    """95 %, by the large-sample standard error; wide for few tasks."""


def read_pairs(project: Project) -> list[ReadPair]:
    """Give every pair of readings of tasks that were read by several readers, in all rounds.

    Of each reader the last reading of a task counts that was made without knowing of the others: before the
    readings were decided about, or all were in and none contradicted another. Cases that are excluded are
    left out, and readings whose file is gone or damaged.
    """
    tasks = {one.number: one for one in project.store.tasks.of_several()}
    cases = {case.case_id: case for case in project.store.cases.all()}
    handed_in: dict[int, list[Revision]] = defaultdict(list)
    for one in project.store.revisions.all() if tasks else ():
        if one.task_number in tasks and one.case_id in cases:
            handed_in[one.task_number or 0].append(one)
    decisions: dict[tuple[str, str], list[Decision]] = defaultdict(list)
    for said in project.store.decisions.all() if tasks else ():
        decisions[said.case_id, said.organ].append(said)
    found: list[ReadPair] = []
    for number, revisions in sorted(handed_in.items()):
        readings = _independent(revisions, decisions[tasks[number].key], tasks[number].n_readings)
        for a, b in combinations((readings[name] for name in sorted(readings)), 2):
            with suppress(ImageError):
                found.append(_compared(project, cases[a.case_id], a, b))
    return found


def pair_agreements(pairs: Sequence[ReadPair], *, seed: int = 0) -> list[PairAgreement]:
    """Sum up pairs of readings by readers and organ, and by readers over all organs.

    Args:
        pairs: Of the project.
        seed: Of the bootstrap.
    """
    groups: dict[tuple[tuple[str, str], str], list[ReadPair]] = defaultdict(list)
    for one in pairs:
        groups[one.readers, one.organ].append(one)
        groups[one.readers, ALL_ORGANS].append(one)
    in_order = sorted(groups, key=lambda key: (key[0], key[1] == ALL_ORGANS, key[1]))
    return [_summed(organ, readers, groups[readers, organ], seed) for readers, organ in in_order]


def kappa(answers: Sequence[tuple[bool, bool]]) -> tuple[float | None, Interval | None]:
    """Measure the agreement of two readers on a yes or no beyond chance, with a 95 % interval.

    Args:
        answers: Of the first and the second reader, task by task.

    Returns:
        Kappa in [-1, 1], `None` where chance alone explains all; and its interval, cut to [-1, 1].

    Source:
        Cohen 1960, Educ. Psychol. Meas. 20(1); standard error of Fleiss, Cohen and Everitt 1969,
        Psychol. Bull. 72(5), equation 13.

    Example:
        >>> value, (low, high) = kappa([(True, True)] * 20 + [(False, False)] * 20 + [(True, False)] * 10)
        >>> round(value, 3), round(low, 2), round(high, 2)
        (0.615, 0.42, 0.81)
    """
    if not answers:
        return None, None
    table = np.zeros((2, 2))
    for first, second in answers:
        table[int(first), int(second)] += 1.0
    table /= len(answers)
    rows, columns = table.sum(axis=1), table.sum(axis=0)
    observed, chance = float(np.trace(table)), float(rows @ columns)
    if chance >= 1.0:
        return None, None
    value = (observed - chance) / (1.0 - chance)
    half = 1.96 * _standard_error(table, value, len(answers))
    return value, (max(-1.0, value - half), min(1.0, value + half))


def _independent(
    revisions: Sequence[Revision], decisions: Sequence[Decision], n_readings: int
) -> dict[str, Revision]:
    """Give each reader's last reading of a task that was made before the others' were shown."""
    found: dict[str, Revision] = {}
    for place, one in enumerate(revisions):
        since = [said for said in decisions if revisions[0].time <= said.time < one.time]
        if len(found) >= n_readings and not open_conflicts(revisions[:place], since):
            break
        if one.reader not in found or not since:
            found[one.reader] = one
    return found


def _standard_error(table: Any, value: float, n: int) -> float:
    rows, columns = table.sum(axis=1), table.sum(axis=0)
    chance = float(rows @ columns)
    own = sum(table[i, i] * (1 - (rows[i] + columns[i]) * (1 - value)) ** 2 for i in range(2))
    off = (1 - value) ** 2 * sum(
        table[i, j] * (columns[i] + rows[j]) ** 2 for i in range(2) for j in range(2) if i != j
    )
    rest = (value - chance * (1 - value)) ** 2
    return float(np.sqrt(max(0.0, own + off - rest) / n) / (1 - chance))


def _summed(organ: str, readers: tuple[str, str], pairs: Sequence[ReadPair], seed: int) -> PairAgreement:
    dice = _by_patient(pairs, "dice")
    surface_dice = _by_patient(pairs, "surface_dice")
    value, interval = kappa([one.changed for one in pairs])
    return PairAgreement(
        organ=organ,
        readers=readers,
        n_tasks=len(pairs),
        n_patients=len({one.patient_id for one in pairs}),
        dice=_mean(dice),
        dice_interval=_interval(dice, seed),
        surface_dice=_mean(surface_dice),
        surface_dice_interval=_interval(surface_dice, seed),
        kappa=value,
        kappa_interval=interval,
    )


def _by_patient(pairs: Sequence[ReadPair], measure: str) -> dict[str, list[float]]:
    found: dict[str, list[float]] = defaultdict(list)
    for one in pairs:
        value: float | None = getattr(one.agreement, measure)
        if value is not None:
            found[one.patient_id].append(value)
    return found


def _mean(by_patient: Mapping[str, Sequence[float]]) -> float | None:
    values = [one for own in by_patient.values() for one in own]
    return mean(values) if values else None


def _interval(by_patient: Mapping[str, Sequence[float]], seed: int) -> Interval | None:
    """Bound the mean by a percentile bootstrap that draws patients with all of their tasks."""
    if len(by_patient) < _LEAST_PATIENTS:
        return None
    own = [by_patient[name] for name in sorted(by_patient)]
    sums, counts = np.array([sum(one) for one in own]), np.array([len(one) for one in own])
    drawn = np.random.default_rng(seed).integers(len(own), size=(_RESAMPLES, len(own)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    low, high = np.quantile(means, [0.025, 0.975]).tolist()
    return low, high


def _compared(project: Project, case: Case, a: Revision, b: Revision) -> ReadPair:
    return ReadPair(
        organ=a.organ,
        patient_id=case.patient_id,
        readers=(a.reader, b.reader),
        changed=(_changed(a), _changed(b)),
        agreement=agreement_of(project, case, a, b),
    )


def _changed(one: Revision) -> bool:
    return one.says is not ReaderAnswer.ACCEPTED
