"""Predict every case of a project with every network in use, once."""

from collections.abc import Collection, Sequence

from omentum.errors import ConfigError, ImageError
from omentum.networks.catalogue import AVERAGE
from omentum.predict.aims import begin_aims
from omentum.predict.average import KeptAveragePredictor
from omentum.predict.imported_predictions import imported_predictor
from omentum.predict.inference_config import InferenceConfig
from omentum.predict.made_alike import made_alike
from omentum.predict.portable import portable_predictor
from omentum.predict.predict_case import case_ledger, is_predicted, predict_cases
from omentum.predict.predictors import Predictor
from omentum.project.kept_probabilities import dropped_cases, needed_again
from omentum.project.project import Project
from omentum.records import Batch, Case, Prediction
from omentum.runners.runner import Progress

__all__ = ["predict_round", "predictors_of"]


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
        networks: Names; those in use by default.
        case_ids: Cases by name; all by default.
        average: Whether to predict also from the average of all of them, as one more network `average`.
        device: Where networks run.
        progress: Called with each case.

    Returns:
        One batch a network.

    Raises:
        UnknownNetworkError: There is no network of a name.
        CheckpointError: Its weights cannot be used.
        UnknownOrganError: It has no head for one of the project's organs that is not new.
        ConfigError: There is one network only to average, or one is named twice; a shard cannot be averaged.
        OutdatedRunError: Another program has begun to predict with other settings or weights.
    """
    if average and project.keeps_journals:
        rule = "networks can be averaged once the shards are merged; leave it out with --shard"
        raise ConfigError("--average", average, rule)
    # All are loaded before any volume is read, so that one that cannot be used is refused at once.
    predictors = predictors_of(project, networks or project.networks, device=device)
    config = _config(project)
    names = [one.name for one in predictors]
    if average and len(set(names)) < max(2, len(names)):
        raise ConfigError("--average", names, "it takes two networks or more, each named once")
    # Before it is asked what is stale: from now on older programs add nothing to that.
    aims = {} if project.keeps_journals else begin_aims(project.store, predictors, config, average=average)
    wanted = [
        one
        for one in project.store.cases.all()
        if case_ids is None or one.case_id in case_ids
        if project.shard is None or project.shard.holds(one.case_id)
    ]
    again = _needed_again(project, predictors, config, average=average)
    own = {case.case_id for case in wanted}
    again &= own
    batches = []
    for one in predictors:
        is_used = average or one.name in project.networks
        lacking = again & dropped_cases(project, one.name) if is_used else set()
        stale, aim = own & (_changed(project, one) | lacking), aims.get(one.name, "")
        batches.append(_predict_with(project, wanted, one, stale, aim, progress))
    if average:
        mean = KeptAveragePredictor([project.predictions(one.name) for one in predictors], config)
        cases = [case for case in wanted if case.case_id in mean.cases]
        stale = own & _changed(project, mean)
        batches.append(_predict_with(project, cases, mean, stale, aims[AVERAGE], progress))
    return batches


def predictors_of(project: Project, networks: Sequence[str], *, device: str = "cpu") -> list[Predictor]:
    """Load the predictors of networks as a project's settings say; errors as `predict_round`."""
    settings = project.settings
    return [
        imported_predictor(project, name)
        or portable_predictor(
            name,
            organs=settings.organs,
            device=device,
            config=_config(project),
            project_networks=project.folder.root / "networks",
            optional=tuple(settings.similar_to_new),
        )
        for name in networks
    ]


def _config(project: Project) -> InferenceConfig:
    return InferenceConfig(overlap=project.settings.overlap, recipe=project.settings.postprocessing)


def _predict_with(
    project: Project,
    cases: Sequence[Case],
    predictor: Predictor,
    stale: Collection[str],
    aim: str,
    progress: Progress | None,
) -> Batch:
    again = [case_id for case_id in project.predictions(predictor.name) if case_id in stale]
    ledger = case_ledger(project, predictor, stale=again, aim=aim)
    return predict_cases(project, cases, predictor, ledger=ledger, progress=progress)


def _changed(project: Project, predictor: Predictor) -> set[str]:
    """Give the cases whose kept prediction was made otherwise, or has lost a file."""
    return {
        case_id
        for case_id, kept in project.predictions(predictor.name).items()
        if _is_stale(kept, predictor)
        or not is_predicted(project.folder.prediction_dir(case_id, predictor.name))
    }


def _needed_again(
    project: Project, predictors: Sequence[Predictor], config: InferenceConfig, *, average: bool
) -> set[str]:
    """Give the cases of which probabilities were dropped that have to come back, of any network."""
    if not any(
        dropped_cases(project, name) for name in {*project.networks, *(one.name for one in predictors)}
    ):
        return set()
    changed = {one.name: _changed(project, one) for one in predictors}
    found = needed_again(project, changed)
    if average:
        made = [project.predictions(one.name) for one in predictors]
        mean, kept = KeptAveragePredictor(made, config), project.predictions(AVERAGE)
        is_changed = {case_id for case_ids in changed.values() for case_id in case_ids}
        found |= {
            case_id
            for case_id in mean.cases
            if case_id in is_changed or case_id not in kept or _is_stale(kept[case_id], mean)
        }
    return found


def _is_stale(kept: Prediction, predictor: Predictor) -> bool:
    """Return whether weights, organs, windows, rules, or the files that it was made from differ."""
    try:
        return not made_alike(kept.made_with, predictor.settings(kept.case_id))
    except (ImageError, KeyError):  # what it was made from is gone
        return True
