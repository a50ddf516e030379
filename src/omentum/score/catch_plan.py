"""Choose the catch trials of a round, and put them among its tasks.

A trial shows a mask that a person has vouched for, with one planted error, and looks like any other task of
its organ: rank, score, minutes, reason and hot spots are like those of a real one.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from omentum.errors import ImageError
from omentum.measures.effort import CostModel
from omentum.project.project import Project
from omentum.project.seen_cases import known_readers, readers_by_case
from omentum.records import LabelledCase, MaskSource, Prediction, StandingMask, Task, TaskKind, TaskState
from omentum.records.catch_trials import CatchTrial
from omentum.score.catch_candidates import TrialCandidate, seed_of

__all__ = ["CatchPlan", "catch_plan"]

Key = tuple[str, str]
"""Case and organ."""
_VOUCHED_FOR = (MaskSource.ORIGINAL, MaskSource.REVISED)
_JITTER = 0.15


@dataclass(frozen=True, slots=True, kw_only=True)
class CatchPlan:
    """The tasks of a round with its catch trials.

    Attributes:
        tasks: All tasks, ranked.
        planted: New trials, by case and organ, without their tasks' numbers.
        dropped: Numbers of trials that are no longer among the tasks.
    """

    tasks: list[Task]
    planted: Mapping[Key, CatchTrial] = field(default_factory=dict)
    dropped: tuple[int, ...] = ()

    def keep(self, project: Project, round_number: int) -> list[Task]:
        """Give the round its tasks, and note the trials among them, in one transaction."""
        with project.store.together():
            project.store.catch_trials.remove(self.dropped)
            queue = project.store.tasks.replace(round_number, self.tasks)
            for task in queue:
                trial = self.planted.get(task.key) if task.is_catch else None
                if trial is not None and task.number is not None:
                    project.store.catch_trials.add(replace(trial, task_number=task.number))
        return queue


def catch_plan(
    project: Project, tasks: Sequence[Task], labelled: Sequence[LabelledCase], costs: CostModel
) -> CatchPlan:
    """Add catch trials to the tasks of the current round, as many as `catch_share` says.

    Trials of an earlier queue of the round stay while a reader has them or their masks stand as they did. A
    mask is no candidate if its patient is held out, its case has any other task in this round, it has a
    finding, or no reader is known who has not seen it. A case has one trial at a time.

    Args:
        project: The project.
        tasks: All others of the round, ranked.
        labelled: Every case with the masks that stand.
        costs: Prices in minutes.
    """
    now = _Now(project, tasks, labelled)
    kept, dropped = now.trials_before()
    share = project.settings.catch_share
    models = _models(tasks)
    n_wanted = round(sum(map(len, models.values())) * share / (1.0 - share)) - len(kept)
    planted = list(_planted(project, now, models, n_wanted, {task.case_id for task in kept}))
    rng = np.random.default_rng(seed_of(project, now.round_number, ("places", str(len(tasks)))))
    new = [replace(_task(*one, costs, rng), network=project.networks[0]) for one in planted]
    return CatchPlan(
        tasks=_placed(tasks, [*kept, *new], rng),
        planted={trial.key: trial for trial, _ in planted},
        dropped=tuple(dropped),
    )


class _Now:
    """What is known of the round before trials are chosen."""

    def __init__(self, project: Project, tasks: Sequence[Task], labelled: Sequence[LabelledCase]) -> None:
        store = project.store
        self.project, self.labelled = project, labelled
        self.round_number = store.rounds.current().number
        before = store.tasks.of_round(self.round_number)
        self.trials = {one.task_number: one for one in store.catch_trials.of_round(self.round_number)}
        self.tasks_before = [task for task in before if task.number in self.trials]
        own = {task.number for task in self.tasks_before}
        others = (task for task in before if task.number not in own and task.state is not TaskState.QUEUED)
        asked = (task for task in before if task.kind is TaskKind.REQUESTED)
        self.busy = {task.case_id for task in (*tasks, *others, *asked)}
        self.began = {int(key) for key in store.leases.touched(f"tasks {self.round_number}")}

    def trials_before(self) -> tuple[list[Task], list[int]]:
        """Give the tasks of trials that stay, and the numbers of the trials that do not."""
        kept: list[Task] = []
        dropped: list[int] = []
        share = self.project.settings.catch_share
        standing = {(one.case.case_id, mask.organ): mask for one in self.labelled for mask in one.masks}
        for task in self.tasks_before:
            trial = self.trials[task.number or 0]
            is_begun = task.state is not TaskState.QUEUED or task.number in self.began
            is_valid = share > 0 and task.case_id not in self.busy
            if is_begun or (is_valid and self._stands(trial, standing.get(trial.key))):
                kept.append(task)
            else:
                dropped.append(trial.number or 0)
        return kept, dropped

    def _stands(self, trial: CatchTrial, mask: StandingMask | None) -> bool:
        """Tell whether the mask that a trial was made from still stands."""
        if mask is None or mask.source not in _VOUCHED_FOR:
            return False
        if mask.source is MaskSource.REVISED and mask.revision is not None:
            return mask.revision.sha256 == trial.true_sha256
        label = self.project.store.labels.current().get(trial.case_id)
        return label is None or label.time <= trial.time

    def candidates(self, organs: Collection[str]) -> list[TrialCandidate]:
        """Give the masks in which an error may be planted, in an order that no one can foresee."""
        predictions = self.project.predictions(self.project.networks[0])
        readers = known_readers(self.project)
        seen = readers_by_case(self.project, without_tasks=self.trials) if readers else {}
        found = [
            candidate
            for one in self.labelled
            if not one.case.held_out and one.case.case_id not in self.busy
            if not readers or readers - seen.get(one.case.case_id, set())
            for candidate in _vouched(one, organs, predictions.get(one.case.case_id))
        ]
        return sorted(found, key=lambda one: seed_of(self.project, self.round_number, one.key))


def _vouched(
    one: LabelledCase, organs: Collection[str], prediction: Prediction | None
) -> Iterator[TrialCandidate]:
    if prediction is None or not prediction.masks_path.is_file():
        return
    for mask in one.masks:
        is_known = mask.organ in organs and mask.organ in prediction.organs
        if is_known and mask.source in _VOUCHED_FOR and not mask.findings:
            yield TrialCandidate(case=one.case, mask=mask, prediction=prediction)


def _models(tasks: Iterable[Task]) -> dict[str, list[Task]]:
    """Give the real tasks that a trial may be like, by organ: those that attention chose, and no rule."""
    found: dict[str, list[Task]] = defaultdict(list)
    for task in tasks:
        if task.kind is TaskKind.ATTENTION and not task.reason.startswith(f"{task.organ}:"):
            found[task.organ].append(task)
    return dict(found)


def _planted(
    project: Project, now: _Now, models: Mapping[str, Sequence[Task]], n_wanted: int, taken: set[str]
) -> Iterator[tuple[CatchTrial, Task]]:
    """Plant errors one after another; give each trial with the real task that it is to be like."""
    if n_wanted <= 0:
        return
    from omentum.score.catch_planting import plant, sizes_of  # what plants is slow to import

    revisions = project.store.revisions.all()
    for candidate in now.candidates(models):
        of_organ = models[candidate.mask.organ]
        like = of_organ[seed_of(project, now.round_number, candidate.key) % len(of_organ)]
        if candidate.case.case_id in taken:
            continue
        sizes = sizes_of(revisions, candidate.mask.organ)
        try:
            trial = plant(project, candidate, like, sizes, now.round_number)
        except ImageError:  # what cannot be read is told where it matters
            continue
        if trial is not None:
            taken.add(candidate.case.case_id)
            n_wanted -= 1
            yield trial, like
        if not n_wanted:
            return


def _task(trial: CatchTrial, like: Task, costs: CostModel, rng: np.random.Generator) -> Task:
    scale = float(rng.uniform(1.0 - _JITTER, 1.0 + _JITTER))
    error_ml = None if like.error_ml is None else like.error_ml * scale
    minutes = None
    if like.minutes is not None:
        minutes = costs.of_task(trial.organ, error_ml or 0.0, is_first=True)
    return replace(
        like,
        case_id=trial.case_id,
        kind=TaskKind.CATCH,
        attention_ml=like.attention_ml * scale,
        error_ml=error_ml,
        minutes=minutes,
        n_readings=1,
        shown_sha256=trial.planted_sha256,
        number=None,
    )


def _placed(tasks: Sequence[Task], trials: Sequence[Task], rng: np.random.Generator) -> list[Task]:
    """Put trials at random places among the tasks that attention chose, never inside those of one case."""
    placed = list(tasks)
    for trial in trials:
        places = [
            at
            for at in range(len(placed) + 1)
            if _is_attention(placed[max(at - 1, 0) : at + 1])
            and (at in (0, len(placed)) or placed[at - 1].case_id != placed[at].case_id)
        ]
        at = places[int(rng.integers(len(places)))] if places else len(placed)
        placed.insert(at, trial)
    return [replace(task, rank=rank) for rank, task in enumerate(placed, start=1)]


def _is_attention(beside: Sequence[Task]) -> bool:
    return any(task.kind.told == TaskKind.ATTENTION.value for task in beside)
