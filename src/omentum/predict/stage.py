"""Predict every case of a project with every network in use, once.

In:  an open project.
Out: each case's predictions on disk and in the database; a case that cannot be read is set aside.
"""

from collections.abc import Collection, Sequence
from pathlib import Path

from omentum.errors import ConfigError, ImageError
from omentum.predict.imported_predictions import imported_predictor
from omentum.predict.inference_config import InferenceConfig
from omentum.predict.kept import PredictionLedger
from omentum.predict.load_predictor import load_predictor
from omentum.predict.predict_case import case_steps, is_predicted
from omentum.predict.predictors import AveragePredictor, Predictor
from omentum.project.findings import confirmed_ct_rules
from omentum.project.project import Project, prediction_stage
from omentum.records import Batch, Case, Prediction
from omentum.runners.runner import Progress

__all__ = ["predict_round"]


def predict_round(
    project: Project,
    *,
    networks: Sequence[str] = (),
    case_ids: Collection[str] | None = None,
    average: bool = False,
    device: str = "cpu",
    progress: Progress | None = None,
) -> list[Batch]:
    """Predict every case that these weights have not predicted yet.

    Args:
        project: The project.
        networks: Names; those in use where none are given.
        case_ids: Cases by name; all where not said.
        average: Whether to decide from the average of all of them too, as one more network called `average`.
        device: Where networks run.
        progress: Told of each case.

    Returns:
        One batch a network.

    Raises:
        UnknownNetworkError: There is no network of a name.
        CheckpointError: Its weights cannot be used.
        UnknownOrganError: It has no head for one of the project's organs that is not new.
        ConfigError: There is one network only to average, or one is named twice.
    """
    # All are loaded before any volume is read: a network that cannot be used is refused at once.
    settings = project.settings
    config = InferenceConfig(overlap=settings.overlap, recipe=settings.postprocessing)
    opinions: list[Predictor] = [
        imported_predictor(project, name)
        or load_predictor(
            name,
            organs=settings.organs,
            device=device,
            config=config,
            project_networks=project.folder.root / "networks",
            optional=tuple(settings.similar_to_new),
        )
        for name in networks or project.networks
    ]
    names = [one.name for one in opinions]
    if average and len(set(names)) < max(2, len(names)):
        raise ConfigError("--average", names, "it takes two networks or more, each named once")
    wanted = [one for one in project.store.cases.all() if case_ids is None or one.case_id in case_ids]
    batches = [_predict_with(project, wanted, one, progress) for one in opinions]
    if average:
        mean = AveragePredictor([project.predictions(one.name) for one in opinions], config)
        cases = [case for case in wanted if case.case_id in mean.cases]
        batches.append(_predict_with(project, cases, mean, progress))
    return batches


def _predict_with(
    project: Project,
    cases: Sequence[Case],
    opinion: Predictor,
    progress: Progress | None,
) -> Batch:
    store, network = project.store, opinion.name
    ledger = PredictionLedger(store, store.ledger.of(prediction_stage(network)))

    def folder_of(case_id: str) -> Path:
        return project.folder.prediction_dir(case_id, network)

    for case_id, kept in project.predictions(network).items():
        if _is_stale(kept, opinion) or not is_predicted(folder_of(case_id)):
            ledger.forget(case_id, network)
    return project.runner.run(
        cases,
        case_steps(opinion, folder_of, confirmed=confirmed_ct_rules(store.confirmations.all())),
        key=lambda case: case.case_id,
        ledger=ledger,
        step="predict",
        progress=progress,
    )


def _is_stale(kept: Prediction, opinion: Predictor) -> bool:
    """Tell whether a prediction was made with anything else: weights, organs, windows, rules, or files."""
    try:
        return dict(kept.made_with) != opinion.settings(kept.case_id)
    except (ImageError, KeyError):  # what it was made from is gone
        return True
