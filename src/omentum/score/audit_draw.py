"""Draw organs for the audit of a round at random, record the draw, and make its tasks.

The seed follows from what is drawn from, so that the draw can be repeated and no person can choose.
"""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from statistics import mean

import numpy as np

from omentum.errors import ProjectError
from omentum.measures.effort import CostModel
from omentum.project.project import Project
from omentum.records import Audit, Task, TaskKind, TaskState

__all__ = ["audit_tasks", "draw", "frame_of", "n_cases_to_draw", "seed_of", "set_apart"]

Frame = Mapping[str, tuple[str, ...]]
"""Organs by case."""
Key = tuple[str, str]
"""Case and organ."""


def frame_of(unrevised: Frame, due: Collection[Key]) -> dict[str, tuple[str, ...]]:
    """Leave out what is due in the round; cases and organs come sorted.

    Example:
        >>> frame_of({"b": ("spleen", "liver"), "a": ("liver",)}, due=[("a", "liver")])
        {'b': ('liver', 'spleen')}
    """
    due = frozenset(due)
    left = {
        case_id: tuple(sorted(name for name in organs if (case_id, name) not in due))
        for case_id, organs in sorted(unrevised.items())
    }
    return {case_id: organs for case_id, organs in left.items() if organs}


def n_cases_to_draw(frame: Frame, n_tasks: int) -> int:
    """Say how many cases to draw so that about so many tasks come of it.

    Where some cases have fewer organs left than others, not every case that is drawn makes a task.

    Example:
        >>> n_cases_to_draw({"a": ("liver", "spleen"), "b": ("liver",), "c": ("liver",)}, n_tasks=1)
        2
    """
    if not frame:
        return 0
    n_organs = sum(len(organs) for organs in frame.values())
    n_places = len(frame) * max(len(organs) for organs in frame.values())
    return min(len(frame), round(n_tasks * n_places / n_organs))


def seed_of(round_number: int, weights_sha256: str, frame: Frame) -> int:
    """Derive the seed from what is drawn from; from 0, below 2**63."""
    drawn_from = json.dumps([round_number, weights_sha256, sorted(frame.items())], separators=(",", ":"))
    return int.from_bytes(hashlib.sha256(drawn_from.encode()).digest()[:8], "big") >> 1


def draw(frame: Frame, n_cases: int, seed: int) -> tuple[Key, ...]:
    """Draw organs at random, at most one a case.

    Each case has as many places as the one with most organs; the rest are blank. Cases are drawn without
    replacement, and in each one place; a blank makes no task. So every organ is equally likely.

    Args:
        frame: Organs by case, both sorted.
        n_cases: Cases to draw, blanks included.
        seed: Of the draw.

    Returns:
        Case and organ, in the order drawn.

    Example:
        >>> draw({"a": ("liver",), "b": ("liver",)}, n_cases=2, seed=1)
        (('a', 'liver'), ('b', 'liver'))
    """
    cases = list(frame)
    n_places = max((len(organs) for organs in frame.values()), default=1)
    rng = np.random.default_rng(seed)
    chosen = rng.permutation(len(cases))[:n_cases].tolist()
    places = rng.integers(n_places, size=len(chosen)).tolist()
    drawn = ((cases[case], place) for case, place in zip(chosen, places, strict=True))
    return tuple((case_id, frame[case_id][place]) for case_id, place in drawn if place < len(frame[case_id]))


def set_apart(project: Project) -> frozenset[tuple[str, str]]:
    """Give the organs, by case and name, whose audit has begun in this round, for the queue to leave out."""
    number = project.store.rounds.current().number
    audit = project.store.audits.of_round(number)
    if audit is None or not _begun(project, number, is_audit=True):
        return frozenset()
    return frozenset(audit.drawn)


def audit_tasks(project: Project, queue: Sequence[Task], minutes: float) -> list[Task]:
    """Draw organs at random from all that have no revision and are not due, and record the draw.

    A repeated call gives the same tasks. Organs are drawn anew where the queue, the predictions or minutes
    have changed, but only until a reader has the first of the tasks.

    Args:
        project: The project.
        queue: What is due in this round; nothing of `set_apart` is in it.
        minutes: What the audit may cost.

    Returns:
        Tasks of whole organs, at most one a case, ranked behind the queue.

    Raises:
        ProjectError: Some predictions are of other weights than the rest.
    """
    number = project.store.rounds.current().number
    minutes_a_task = _minutes_a_task(project)
    audit = project.store.audits.of_round(number)
    if audit is None or not set_apart(project):
        audit = _kept(project, queue, int(minutes // minutes_a_task), audit)
    there = {case.case_id for case in project.store.cases.all()}  # others were excluded, or erased, since
    drawn = () if audit is None else [key for key in audit.drawn if key[0] in there]
    return [
        Task(
            round_number=number,
            case_id=case_id,
            organ=organ,
            rank=rank,
            attention_ml=0.0,
            minutes=minutes_a_task,
            kind=TaskKind.AUDIT,
        )
        for rank, (case_id, organ) in enumerate(drawn, start=len(queue) + 1)
    ]


def _kept(project: Project, queue: Sequence[Task], n_tasks: int, before: Audit | None) -> Audit | None:
    """Draw and record; where there is nothing to draw, only record that an earlier draw does not count."""
    number = project.store.rounds.current().number
    due = {(task.case_id, task.organ) for task in queue} | _begun(project, number, is_audit=False)
    frame = frame_of(project.unrevised(), due)
    n_cases = n_cases_to_draw(frame, n_tasks)
    if not n_cases and before is None:
        return None
    return project.store.audits.keep(_drawn(project, number, frame, n_cases))


def _drawn(project: Project, number: int, frame: dict[str, tuple[str, ...]], n_cases: int) -> Audit:
    network = project.networks[0]
    weights_sha256 = _weights(project, network, frame)
    seed = seed_of(number, weights_sha256, frame)
    return Audit(
        round_number=number,
        network=network,
        weights_sha256=weights_sha256,
        seed=seed,
        frame=frame,
        n_cases_drawn=n_cases,
        drawn=draw(frame, n_cases, seed),
        time=datetime.now(UTC),
    )


def _weights(project: Project, network: str, frame: dict[str, tuple[str, ...]]) -> str:
    predictions = project.predictions(network)
    found = sorted({predictions[case_id].weights_sha256 for case_id in frame})
    if len(found) > 1:
        seen = (
            f"{network} predicted with {len(found)} sets of weights ({', '.join(one[:12] for one in found)})"
        )
        raise ProjectError(f"{seen}, and an audit is of one; run `omentum predict` again for all cases")
    return found[0] if found else ""


def _begun(project: Project, number: int, *, is_audit: bool) -> set[tuple[str, str]]:
    """Give the organs whose tasks have begun in this round."""
    return {
        (task.case_id, task.organ)
        for task in project.store.tasks.of_round(number)
        if task.is_audit is is_audit and task.state is not TaskState.QUEUED
    }


def _minutes_a_task(project: Project) -> float:
    """Estimate the minutes of an audit task: the mean of earlier ones, else the price of a look."""
    drawn = {(one.round_number, *key) for one in project.store.audits.draws() for key in one.drawn}
    taken = [
        one.minutes
        for one in project.store.revisions.all()
        if one.minutes and (one.round_number, one.case_id, one.organ) in drawn
    ]
    return mean(taken) if taken else CostModel().minutes(n_cases=1, n_looks=1)
