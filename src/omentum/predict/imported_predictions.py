"""Import predictions that another system made, from an AbdomenAtlas tree, into a project.

They are kept as our own are, with `origin`; as the weights are unknown, `files:` and the hash of the files
stand in their place.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

from omentum.errors import ImageError, UnreadableImageError
from omentum.networks.catalogue import known_models
from omentum.networks.mask_folders import known_mask_folders
from omentum.predict.mask_files import MaskFilesPredictor
from omentum.predict.predict_case import PredictionLedger, WrittenPrediction, case_steps, predict_cases
from omentum.predict.predictors import PredictedCase
from omentum.project.project import Project
from omentum.records import Batch, Case, Failure, Prediction
from omentum.runners.runner import Progress
from omentum.runners.steps import Steps
from omentum.volumes.volume import Volume

__all__ = ["ImportedFiles", "ImportedPredictor", "import_predictions", "imported_predictor"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedFiles:
    """The files that one network made of one case.

    Attributes:
        case_id: Of a case of the project.
        network: Its name.
        folder: Holds `segmentations/`, perhaps `soft_pred/` and `entropy/`.
        origin: Where that is, as the project may keep it.
    """

    case_id: str
    network: str
    folder: Path
    origin: str


def import_predictions(
    project: Project, left: Sequence[ImportedFiles], *, progress: Progress | None = None
) -> tuple[Batch, tuple[Failure, ...]]:
    """Import predictions of the project's organs; those that are imported already are skipped.

    Returns:
        What was done, by `<case_id>/<network>`; a file that cannot be used is among the failed, by its organ,
        though the others were imported. And the folders that were not imported, with the reason: the project
        has a prediction of its own, the network runs here, or it has none of the organs.
    """
    done: list[str] = []
    skipped: list[str] = []
    failed: list[Failure] = []
    refused: list[Failure] = []
    for network, group in groupby(sorted(left, key=_order), key=lambda one: one.network):
        own = list(group)
        reasons = _reasons_not_to_import(project, network, own)
        refused += [Failure(key=str(one.folder), reason=reason) for one, reason in reasons.items()]
        usable = [one for one in own if one not in reasons]
        batch = _import_network(project, network, usable, progress)
        done += [f"{case_id}/{network}" for case_id in batch.done]
        skipped += [f"{case_id}/{network}" for case_id in batch.skipped]
        failed += [Failure(key=f"{one.key}/{network}", reason=one.reason) for one in batch.failed]
        kept = project.store.predictions.of_network(network)
        failed += [
            Failure(key=f"{one.case_id}/{network}/{name}", reason=reason)
            for one in usable
            if one.case_id in kept
            for name, reason in kept[one.case_id].unusable.items()
        ]
    return Batch(done=tuple(done), skipped=tuple(skipped), failed=tuple(failed)), tuple(refused)


def _order(one: ImportedFiles) -> tuple[str, str]:
    return one.network, one.case_id


def _reasons_not_to_import(
    project: Project, network: str, left: Sequence[ImportedFiles]
) -> dict[ImportedFiles, str]:
    """Never mix the predictions of a network that runs here with imported ones of the same name."""
    if network in project.networks and network in known_models(project.folder.root / "networks"):
        reason = (
            f"{network} predicts in this project, and whether these files come from the same weights is "
            "unknown; run `omentum predict`, or give the folder another name"
        )
        return dict.fromkeys(left, reason)
    kept = project.store.predictions.of_network(network)
    reasons = {}
    for one in left:
        if one.case_id in kept and not kept[one.case_id].origin:
            reasons[one] = f"this project has predicted {one.case_id} with {network} itself"
            continue
        try:
            _files(project, one).find(one.folder.name)
        except ImageError:
            reasons[one] = "none of its files is of an organ of this project"
    return reasons


def _files(project: Project, one: ImportedFiles) -> MaskFilesPredictor:
    return MaskFilesPredictor(name=one.network, folder=one.folder.parent, organs=project.settings.organs)


def _import_network(
    project: Project, network: str, left: Sequence[ImportedFiles], progress: Progress | None
) -> Batch:
    by_case = {one.case_id: one for one in left}
    predictor = _TreePredictor(network, {one.case_id: (_files(project, one), one) for one in left})

    def is_stale(kept: Prediction) -> bool:
        one = by_case.get(kept.case_id)
        return one is not None and kept.source_stamp != _stamp(project, one)

    def write_imported(steps: Steps[Case, Any, Any, WrittenPrediction]) -> Steps[Case, Any, Any, WrittenPrediction]:
        def write(case: Case, made: Any) -> WrittenPrediction:
            one = by_case[case.case_id]
            stamp = _stamp(project, one)
            written = steps.write(case, made)
            unusable = predictor.unusable.pop(case.case_id, {})
            prediction = replace(
                written.prediction, origin=one.origin, source_stamp=stamp, unusable=unusable
            )
            return replace(written, prediction=prediction)

        return replace(steps, write=write)
