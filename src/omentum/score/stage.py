"""Score the cases of a round, and make its queue."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from omentum.errors import ProjectError
from omentum.project.dealing import deal_tasks
from omentum.project.kept_hashes import keep_missing_hashes
from omentum.project.paths import ProjectFolder
from omentum.project.project import Project
from omentum.project.result_ledger import ResultLedger
from omentum.project.score_inputs import AVERAGE, score_inputs
from omentum.records import Batch, Case, CaseScore, LabelledCase, MaskSource, Prediction
from omentum.runners.runner import Progress
from omentum.score.calibration import Calibration
from omentum.score.expected_error_case import score_expected_error_case
from omentum.score.finding_tasks import masks_by_key
from omentum.score.fit_calibration import round_calibration
from omentum.score.published_case import score_published_case
from omentum.score.round_queue import queue_options, queue_round

__all__ = ["score_round"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _CaseToScore:
    """A case with all that its score is made from."""

    case: Case
    predictions: Sequence[Prediction]
    organs: Sequence[str]
    made_from: dict[str, Any]
    average: Prediction | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _ScoreWork:
    """The work of scoring one case; it can be pickled.

    Attributes:
        folder: Of the project.
        calibration: Of the round; `None` to score as published.
    """

    folder: ProjectFolder
    calibration: Calibration | None

    def __call__(self, one: _CaseToScore) -> CaseScore:
        attention_dir = self.folder.attention_dir(one.case.case_id)
        given = one.case, one.predictions, one.organs, attention_dir
        if self.calibration is None:
            score = score_published_case(*given, average=one.average)
        else:
            score = score_expected_error_case(*given, self.calibration)
        return replace(score, made_from=one.made_from)


def score_round(
    project: Project,
    *,
    strategy: str | None = None,
    budget_minutes: float | None = None,
    progress: Progress | None = None,
) -> Batch:
    """Score every case that all networks of the round have predicted, and queue what needs an expert.

    Organs that a case's own data set annotates, and those revised already, are not scored.

    Raises:
        ProjectError: Nothing has been predicted.
        ConfigError: The strategy or the budget does not go with the scoring; nothing is scored then.
    """
    options = queue_options(project.settings, strategy, budget_minutes)
    opinions = project.opinions()
    cases = [case for case in project.store.cases.all() if case.case_id in opinions]
    if not cases:
        names = " and ".join(project.networks)
        raise ProjectError(f"no case has been predicted by {names} yet; run `omentum predict` first")
    for network in project.networks:
        keep_missing_hashes(project, network)
    number = project.store.rounds.current().number
    is_published = project.settings.scoring == "published"
    averages = project.predictions(AVERAGE) if is_published else {}
    made_from = score_inputs(project.settings.scoring, opinions, averages)
    ledger = _ledger(project, number, made_from)
    revised = _revised_before(project.standing(), number)
    items = [
        _CaseToScore(
            case=case,
            predictions=opinions[case.case_id],
            organs=[name for name in opinions[case.case_id][0].organs if (case.case_id, name) not in revised],
            made_from=made_from[case.case_id],
            average=averages.get(case.case_id),
        )
        for case in cases
    ]
    work = _ScoreWork(folder=project.folder, calibration=None if is_published else round_calibration(project))
    batch = project.runner.run(
        items, work, key=lambda one: one.case.case_id, ledger=ledger, step="score", progress=progress
    )
    scored = [one for one in project.store.scores.of_round(number) if one.case_id in opinions]
    queue_round(project, scored, options)
    deal_tasks(project)
    return batch


def _ledger(project: Project, number: int, made_from: dict[str, dict[str, Any]]) -> ResultLedger:
    """Give the ledger of the round's scores; one that was made from something else is due again."""
    store, stage = project.store, f"score {number}"
    with store.together():  # whole, as another program may be scoring
        scores = {one.case_id: one.made_from for one in store.scores.of_round(number)}
        for case_id in store.ledger.done_keys(stage) & made_from.keys():
            if scores.get(case_id) != made_from[case_id]:
                store.ledger.forget(stage, case_id)
    return ResultLedger(
        store, stage, lambda score: store.scores.replace(number, [score]), case_dir=project.folder.case_dir
    )


def _revised_before(labelled: Sequence[LabelledCase], number: int) -> set[tuple[str, str]]:
    """Give the organs that stand, or are held back, as they were revised in an earlier round."""
    return {
        key
        for key, mask in masks_by_key(labelled)
        if mask.source is MaskSource.REVISED and mask.revision is not None
        if mask.revision.round_number < number
    }
