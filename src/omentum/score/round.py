"""What does scoring do in a round? Attention for every predicted case, then the queue.

In:  an open project whose cases are predicted.
Out: attention maps on disk; scores, and the queue of tasks, in the database; how the queue was made, in
     `rounds/<n>/queue.json`.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from omentum.errors import ProjectError
from omentum.project.project import Workspace
from omentum.records import Batch, Case, CaseScore, Prediction
from omentum.runners.runner import Progress
from omentum.score.expected_stage import score_expected
from omentum.score.learn import round_calibration
from omentum.score.round_queue import checked_asked, queue_round
from omentum.score.stage import score_case

__all__ = ["score_round"]

AVERAGE = "average"
"""What the average of several networks is kept as; recipe `published` takes its masks."""

_ScoreOne = Callable[[Case, Sequence[Prediction], Sequence[str], Path], CaseScore]


def score_round(
    workspace: Workspace,
    *,
    strategy: str | None = None,
    budget_minutes: float | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Batch:
    """Score every case that all networks of the round have predicted, and queue what needs an expert.

    Organs that a case's own data set annotates, and those revised already, are not scored.

    Args:
        workspace: The project.
        strategy: As of `round_queue.checked_asked`; that of the settings if not said.
        budget_minutes: Likewise.
        progress: Told of each case.

    Raises:
        ProjectError: Nothing has been predicted.
        ConfigError: The strategy or the budget does not go with the recipe; nothing is scored then.
    """
    asked = checked_asked(workspace.settings, strategy, budget_minutes)
    opinions = workspace.opinions()
    cases = [case for case in workspace.store.cases.all() if case.case_id in opinions]
    if not cases:
        names = " and ".join(workspace.networks)
        raise ProjectError(f"no case has been predicted by {names} yet; run `omentum predict` first")
    number = workspace.store.rounds.current().number
    stage = f"score {number}"
    scores = {score.case_id: score for score in workspace.store.scores.of_round(number)}
    averages = workspace.predictions(AVERAGE) if workspace.settings.recipe == "published" else {}

    def made_from(case_id: str) -> dict[str, Any]:
        predictions = [*opinions.get(case_id, ()), *([averages[case_id]] if case_id in averages else [])]
        networks = {made.network: [made.weights_sha256, list(made.organs)] for made in predictions}
        return {"recipe": workspace.settings.recipe, **networks}

    for case_id, detail in workspace.store.ledger.details(stage).items():
        if case_id not in scores or detail != made_from(case_id):
            workspace.store.ledger.forget(stage, case_id)

    score_one = _recipe(workspace)

    def work(case: Case) -> dict[str, Any]:
        predictions = opinions[case.case_id]
        organs = _organs_to_score(workspace, case, predictions)
        score = score_one(case, predictions, organs, workspace.folder.attention_dir(case.case_id))
        workspace.store.scores.replace(number, [score])
        return made_from(case.case_id)

    ledger = workspace.store.ledger.of(stage)
    batch = workspace.runner.run(cases, work, key=lambda case: case.case_id, ledger=ledger, progress=progress)
    predicted = {case.case_id for case in cases}
    scored = [score for score in workspace.store.scores.of_round(number) if score.case_id in predicted]
    queue_round(workspace, scored, asked)
    return batch


def _organs_to_score(workspace: Workspace, case: Case, predictions: Sequence[Prediction]) -> list[str]:
    current = workspace.store.rounds.current().number
    revised = {
        revision.organ
        for revision in workspace.store.revisions.of_case(case.case_id)
        if revision.round_number < current
    }
    return [name for name in predictions[0].organs if name not in revised]


def _recipe(workspace: Workspace) -> _ScoreOne:
    """Give the recipe of the settings as a function of one case."""
    if workspace.settings.recipe == "published":
        averages = workspace.predictions(AVERAGE)
        return lambda case, *rest: score_case(case, *rest, average=averages.get(case.case_id))
    calibration = round_calibration(workspace)
    return lambda case, predictions, organs, folder: score_expected(
        case, predictions, organs, folder, calibration
    )
