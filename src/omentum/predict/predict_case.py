"""Predict cases of a project into files, and keep each prediction with its hashes and findings."""

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from omentum.measures.plausibility.case_check import check_case
from omentum.predict.prediction_ledger import PredictionLedger, WrittenPrediction, forget_stale
from omentum.predict.predictors import PredictedCase, Predictor
from omentum.predict.preview import write_preview
from omentum.predict.shard_journal import journal_ledger
from omentum.predict.summary import summary_of
from omentum.project.findings import confirmed_ct_rules, mask_findings
from omentum.project.kept_probabilities import has_or_dropped_probabilities
from omentum.project.project import Project, prediction_stage
from omentum.records import Batch, Case, Prediction
from omentum.runners.ledger import Ledger
from omentum.runners.runner import Progress
from omentum.runners.steps import Steps
from omentum.volumes.atomic import sweep, write_json
from omentum.volumes.file_hash import file_sha256
from omentum.volumes.mask_files import write_masks, write_painted
from omentum.volumes.mask_hash import organ_sha256s
from omentum.volumes.probabilities import ENTROPIES_NAME, write_probabilities
from omentum.volumes.read import read_ct
from omentum.volumes.volume import Volume

__all__ = ["CaseWork", "case_ledger", "is_predicted", "predict_cases"]

_Read = tuple[Volume, float]
_Predicted = tuple[Volume, float, PredictedCase]


def case_ledger(
    project: Project, predictor: Predictor, *, stale: Iterable[str] = (), aim: str = ""
) -> Ledger[WrittenPrediction]:
    """Give the ledger of what a predictor makes of cases: in the database, or in the journal of a shard.

    Args:
        project: The project.
        predictor: Predicts the cases.
        stale: Cases whose kept prediction is forgotten first.
        aim: See `PredictionLedger`.
    """
    if project.keeps_journals:
        return journal_ledger(project, predictor, set(stale))
    for case_id in stale:
        forget_stale(project, predictor, case_id)
    return PredictionLedger(project, predictor.name, aim)


def predict_cases(
    project: Project,
    cases: Sequence[Case],
    predictor: Predictor,
    *,
    ledger: Ledger[WrittenPrediction],
    step: str = "",
    progress: Progress | None = None,
) -> Batch:
    """Predict the cases that the predictor has not predicted yet.

    Args:
        project: The project.
        cases: Its cases.
        predictor: Predicts them.
        ledger: Notes them, as `case_ledger` gives it.
        step: Name of the work, for `progress`; `predict` and the predictor's name where not said.
        progress: Called with each case.

    Raises:
        OutdatedRunError: Another program has begun to predict them otherwise.
    """
    network = predictor.name
    work = CaseWork(
        predictor=predictor,
        folder_of=partial(project.folder.prediction_dir, network=network),
        confirmed=confirmed_ct_rules(project.store.confirmations.all()),
    )
    return project.runner.run(
        cases,
        work.steps,
        key=lambda case: case.case_id,
        ledger=ledger,
        step=step or prediction_stage(network),
        progress=progress,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseWork:
    """The work of predicting one case; it can be pickled if `predictor` and `folder_of` can.

    It writes `masks.nii.gz` (set-coded), `labels.nii.gz`, `labels.json`, `probabilities.zarr.zip`,
    `preview.png` and, last, `summary.json`.

    Attributes:
        predictor: Predicts the case.
        folder_of: Gives a case's folder for this network.
        confirmed: Rules about a whole CT that a person confirmed, by case.

    Raises:
        ImageError: The CT, or an imported prediction, cannot be used.
    """

    predictor: Predictor
    folder_of: Callable[[str], Path]
    confirmed: Mapping[str, Collection[str]] = field(default_factory=dict)

    def read(self, case: Case) -> _Read:
        """Read the CT; give it with the seconds that it took."""
        started = time.perf_counter()
        ct = read_ct(case.ct_path)
        return ct, time.perf_counter() - started

    def compute(self, case: Case, given: _Read) -> _Predicted:
        """Predict the CT."""
        return *given, self.predictor.predict(given[0], case.case_id)

    def write(self, case: Case, made: _Predicted) -> WrittenPrediction:
        """Write all files of the prediction."""
        settings = self.predictor.settings(case.case_id)
        prediction = Prediction(
            case_id=case.case_id,
            network=self.predictor.name,
            weights_sha256=settings["weights_sha256"],
            folder=self.folder_of(case.case_id),
            organs=made[2].masks.organs,
            made_with=settings,
            origin=made[2].origin,
            source_stamp=made[2].source_stamp,
            unusable=dict(made[2].unusable),
            time=made[2].time,
        )
        return _write(prediction, made, self.confirmed.get(case.case_id, ()))

    @property
    def steps(self) -> Steps[Case, _Read, _Predicted, WrittenPrediction]:
        """The same work as steps, which a runner may overlap."""
        return Steps(read=self.read, compute=self.compute, write=self.write)


def is_predicted(folder: Path) -> bool:
    """Return whether the files of a prediction are still in its folder, but for dropped probabilities."""
    is_there = all((folder / name).is_file() for name in ("masks.nii.gz", "summary.json"))
    return is_there and has_or_dropped_probabilities(folder)


def _write(prediction: Prediction, predicted: _Predicted, confirmed: Collection[str]) -> WrittenPrediction:
    """Write the files of a prediction; return it with hashes and findings."""
    ct, read_seconds, made = predicted
    started = time.perf_counter()
    if prediction.folder.is_dir():
        sweep(prediction.folder)
    prediction.summary_path.unlink(missing_ok=True)
    write_masks(prediction.masks_path, made.masks)
    write_probabilities(prediction.probabilities_path, made.maps)
    entropies_path = prediction.folder / ENTROPIES_NAME
    entropies_path.unlink(missing_ok=True)
    if made.entropies is not None:
        write_probabilities(entropies_path, made.entropies)
    write_painted(prediction.folder / "labels.nii.gz", made.masks)
    write_preview(prediction.preview_path, ct, made.masks)
    hashes = organ_sha256s(made.masks)
    checked = check_case(made.masks, ct, confirmed=confirmed)
    findings = mask_findings(checked, hashes, made.masks.geometry)
    seconds = {"read": read_seconds, "write": time.perf_counter() - started}
    write_json(prediction.summary_path, summary_of(prediction.made_with, made, seconds, findings=findings))
    prediction = replace(prediction, masks_sha256=file_sha256(prediction.masks_path), findings=findings)
    return WrittenPrediction(prediction=prediction, organ_sha256s=hashes)
