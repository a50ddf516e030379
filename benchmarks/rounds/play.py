"""What does a round come to? The product's own steps, with a simulated reader between them.

In:  a project as the round before left it.
Out: minutes, error removed, what is left wrong; kept with the project, so that a killed run goes on.
"""

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from omentum import loop
from omentum.measures.error_regions import DEEPER_THAN_MM
from omentum.project.project import Project, opened
from omentum.project.settings import read_settings, write_settings
from omentum.records import Task
from omentum.records.promotions import GateOutcome
from omentum.review.folder_import import import_round
from omentum.review.simulated import SimulatedReader
from omentum.review.tasks import TaskFilter
from omentum.tune.config import ContinualConfig
from omentum.volumes.atomic import write_json
from rounds.left_wrong import left_wrong, true_mask
from rounds.site import COHORT, PROJECT, Plan

__all__ = ["PlayedRound", "play"]

FIGURES = "figures.json"
AT_A_TIME = 4
"""Most queues a round: where masks are less wrong than expected, minutes are left for another."""

Minutes = dict[tuple[str, str], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayedRound:
    """Figures of one round.

    Attributes:
        minutes: That the reader took.
        n_revised: Masks that he handed in.
        removed_ml: Error volume that he removed.
        verdict: Of the gate, on the network that was tuned.
        error_ml, major_share, dice: After the round, as the network then in use predicts; see `LeftWrong`.
    """

    minutes: float
    n_revised: int
    removed_ml: float
    verdict: str
    error_ml: float
    major_share: float
    dice: float


def play(folder: Path, strategy: str, number: int, plan: Plan) -> PlayedRound:
    """Play a round of a strategy in the folder of a site, or find what it came to; counted from 1."""
    kept = folder / strategy / f"after-{number}"
    if not (kept / FIGURES).is_file():
        before = folder / "begun" if number == 1 else kept.with_name(f"after-{number - 1}")
        part = kept.with_name(f"round-{number}.part")
        shutil.rmtree(part, ignore_errors=True)
        shutil.copytree(before, part, symlinks=True)
        if number == 1:
            _set_strategy(part / PROJECT / "omentum.toml", strategy)
        write_json(part / FIGURES, asdict(_played(part, folder / COHORT, plan)))
        part.rename(kept)
        if number > 1:
            shutil.rmtree(before / PROJECT)
    return PlayedRound(**json.loads((kept / FIGURES).read_text(encoding="utf-8")))


def _set_strategy(path: Path, strategy: str) -> None:
    scoring = "published" if strategy == "published" else "expected-error"
    settings = read_settings(path).changed(scoring=scoring, strategy=strategy)
    write_settings(path, settings)


def _played(folder: Path, cohort: Path, plan: Plan) -> PlayedRound:
    tasks_dir = folder / "tasks"
    with opened(folder / PROJECT) as project:
        minutes_of = _read(project, tasks_dir, cohort, plan.minutes)
        imported = import_round(project, tasks_dir, minutes_of=minutes_of)
        loop.tune(project, ContinualConfig() if plan.steps is None else ContinualConfig(steps=plan.steps))
        verdict = loop.gate(project)
        if verdict.outcome is GateOutcome.UNDECIDED:
            loop.decide(project, accept=True, by="benchmark", why="too few patients to judge it")
        loop.predict(project)
        left = left_wrong(project, cohort)
    shutil.rmtree(tasks_dir)
    changed = [(one.added_ml or 0.0) + (one.removed_ml or 0.0) for one in imported.revisions]
    return PlayedRound(
        minutes=sum(minutes_of.values()),
        n_revised=len(changed),
        removed_ml=sum(changed),
        verdict=verdict.outcome.value,
        **asdict(left),
    )


def _read(project: Project, tasks_dir: Path, cohort: Path, minutes: float) -> Minutes:
    """Read the queue until the minutes are spent; where it ends before, the round is queued again."""
    reader = partial(SimulatedReader, truth=partial(true_mask, cohort), leaves_mm=DEEPER_THAN_MM)
    tasks = loop.first_half(project, tasks_dir).tasks
    spent: Minutes = {}
    for _ in range(AT_A_TIME):
        left = minutes - sum(spent.values())
        new = [task for task in tasks if task.key not in spent]
        revised = reader(budget_minutes=left).revise(new, tasks_dir)
        spent |= revised
        if not revised or project.settings.scoring == "published":  # whose queue holds all there is
            break
        tasks = _queued_again(project, tasks_dir, spent, tasks, minutes)
    return spent


def _queued_again(
    project: Project,
    tasks_dir: Path,
    spent: Mapping[tuple[str, str], float],
    tasks: tuple[Task, ...],
    minutes: float,
) -> tuple[Task, ...]:
    """Queue as many minutes more as are left; what was begun stays in the queue at its expected price."""
    begun = sum(task.minutes or 0.0 for task in tasks)
    left = max(0.0, minutes - sum(spent.values()))
    loop.score(project, budget_minutes=begun + left)
    return loop.export_round(project, tasks_dir, only=TaskFilter(goes_on=True)).tasks
