"""Note predictions in a project's database; any number of programs share the cases."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from omentum.errors import ImageError
from omentum.predict.made_alike import made_alike
from omentum.predict.predictors import Predictor
from omentum.project.project import Project, prediction_stage
from omentum.project.result_ledger import ResultLedger
from omentum.records import Prediction

__all__ = ["WrittenPrediction", "forget_stale", "prediction_ledger"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenPrediction:
    """A prediction whose files are in place.

    Attributes:
        prediction: With the hash of its masks, and the findings of the plausibility rules.
        organ_sha256s: Hash of each organ's mask, by organ.
    """

    prediction: Prediction
    organ_sha256s: Mapping[str, str]


def prediction_ledger(project: Project, network: str) -> ResultLedger:
    """Give the ledger of a network's predictions."""
    kept = project.store.predictions
    return ResultLedger(
        project.store,
        prediction_stage(network),
        lambda written: kept.keep(written.prediction, written.organ_sha256s),
        case_dir=project.folder.case_dir,
    )


def forget_stale(project: Project, predictor: Predictor, case_id: str) -> None:
    """Forget a kept prediction that is to be made again, unless another program has just made it anew."""
    store, network = project.store, predictor.name
    try:
        settings = predictor.settings(case_id)
    except (ImageError, KeyError):  # what it was made from is gone
        settings = {}
    with store.together():
        kept = store.predictions.of_case(case_id).get(network)
        if kept is not None and not _is_whole(kept, settings):
            store.predictions.forget(case_id, network)
            store.ledger.forget(prediction_stage(network), case_id)


def _is_whole(kept: Prediction, settings: Mapping[str, Any]) -> bool:
    """Tell whether a prediction of this project was made with these settings, and has all its files."""
    paths = kept.masks_path, kept.probabilities_path, kept.summary_path
    is_own = not kept.origin and made_alike(kept.made_with, settings)
    return is_own and all(path.is_file() for path in paths)
