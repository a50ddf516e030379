"""Draw organs at random in a round, note the draw, and make the tasks of the audit.

In:  an open project whose cases are predicted; the queue that was planned without the audit.
Out: the draw, in the database; its tasks, to be put behind the queue.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from statistics import mean

from omentum.errors import ProjectError
from omentum.project.project import Project
from omentum.records import Audit, Task, TaskState
from omentum.score.audit import (
    MINUTES_PER_CASE,
    MINUTES_PER_ORGAN,
    draw,
    frame_of,
    n_cases_to_draw,
    seed_of,
    tasks_of,
)

__all__ = ["audit_tasks", "set_apart"]


def set_apart(project: Project) -> frozenset[tuple[str, str]]:
    """Give the organs, by case and name, whose audit has begun in this round: no queue may have them."""
    number = project.store.rounds.current().number
    audit = project.store.audits.of_round(number)
    if audit is None or not _begun(project, number, is_audit=True):
        return frozenset()
    return frozenset(audit.drawn)


def audit_tasks(project: Project, queue: Sequence[Task], minutes: float) -> list[Task]:
    """Draw organs by lot from all that nobody revised and that is not due, and note the draw.

    Called again, it gives the same tasks. It draws anew where the queue, the predictions or the minutes have
    changed, but only until the first of its tasks has gone out to people.

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
    return tasks_of(drawn, number, first_rank=len(queue) + 1, minutes_a_task=minutes_a_task)


def _kept(project: Project, queue: Sequence[Task], n_tasks: int, before: Audit | None) -> Audit | None:
    """Draw, and note it; where there is nothing to draw, only that an earlier draw does not count."""
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
    """Give the organs whose tasks went out in this round."""
    return {
        (task.case_id, task.organ)
        for task in project.store.tasks.of_round(number)
        if task.is_audit is is_audit and task.state is not TaskState.QUEUED
    }


def _minutes_a_task(project: Project) -> float:
    """Reckon what a task of an audit takes: as those before did on average, else what looking takes."""
    drawn = {(one.round_number, *key) for one in project.store.audits.all() for key in one.drawn}
    taken = [
        one.minutes
        for one in project.store.revisions.all()
        if one.minutes and (one.round_number, one.case_id, one.organ) in drawn
    ]
    return mean(taken) if taken else MINUTES_PER_CASE + MINUTES_PER_ORGAN
