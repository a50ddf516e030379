"""Write the prediction of a project's case to disk, and look at it.

In:  whoever predicts, and a case.
Out: files, each whole or not there; `summary.json` comes last, so where it is, all is. And what the database
     keeps of them: hashes, made as the files are written, and what the plausibility rules say.
"""

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path

from omentum.measures.plausibility.case_look import look_at_case
from omentum.predict.kept import Kept
from omentum.predict.predictors import Opinion, Predicted
from omentum.predict.preview import write_preview
from omentum.predict.summary import summary_of
from omentum.project.findings import mask_findings
from omentum.records import Case, Prediction
from omentum.runners.steps import Steps
from omentum.volumes.atomic import sweep, write_json
from omentum.volumes.file_hash import file_sha256
from omentum.volumes.mask_files import write_masks, write_painted
from omentum.volumes.mask_hash import organ_sha256s
from omentum.volumes.probabilities import ENTROPIES_NAME, write_probabilities
from omentum.volumes.read import read_ct
from omentum.volumes.volume import Volume

__all__ = ["case_steps", "is_predicted"]

_Read = tuple[Volume, float]
_Seen = tuple[Volume, float, Predicted]


def case_steps(
    opinion: Opinion,
    folder_of: Callable[[str], Path],
    *,
    confirmed: Mapping[str, Collection[str]] | None = None,
) -> Steps[Case, _Read, _Seen, Kept]:
    """Give the steps of predicting one case.

    They write `masks.nii.gz` (set-coded), `labels.nii.gz`, `labels.json`, `probabilities.zarr.zip`,
    `preview.png` and `summary.json`, and give what the database keeps.

    Args:
        opinion: Whoever predicts.
        folder_of: Gives a case's folder for this network.
        confirmed: Rules about a whole CT that a person confirmed, by case.

    Raises:
        ImageError: The CT, or what the network left elsewhere, cannot be used.
    """

    def read(case: Case) -> _Read:
        started = time.perf_counter()
        ct = read_ct(case.ct_path)
        return ct, time.perf_counter() - started

    def compute(case: Case, given: _Read) -> _Seen:
        return *given, opinion.predict(given[0], case.case_id)

    def write(case: Case, seen: _Seen) -> Kept:
        settings = opinion.settings(case.case_id)
        prediction = Prediction(
            case_id=case.case_id,
            network=opinion.name,
            weights_sha256=settings["weights_sha256"],
            folder=folder_of(case.case_id),
            organs=seen[2].masks.organs,
            made_with=settings,
        )
        return _written(prediction, seen, (confirmed or {}).get(case.case_id, ()))

    return Steps(read=read, compute=compute, write=write)


def is_predicted(folder: Path) -> bool:
    """Tell whether nobody has removed what was predicted into a folder."""
    return all(
        (folder / name).is_file() for name in ("masks.nii.gz", "probabilities.zarr.zip", "summary.json")
    )


def _written(prediction: Prediction, seen: _Seen, confirmed: Collection[str]) -> Kept:
    """Write the files of a prediction; give it with hashes and findings."""
    ct, read_seconds, made = seen
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
    look = look_at_case(made.masks, ct, confirmed=confirmed)
    findings = mask_findings(look, hashes, made.masks.geometry)
    seconds = {"read": read_seconds, "write": time.perf_counter() - started}
    write_json(prediction.summary_path, summary_of(prediction.made_with, made, seconds, findings=findings))
    sha256 = file_sha256(prediction.masks_path)
    return Kept(prediction=replace(prediction, masks_sha256=sha256, findings=findings), organ_sha256s=hashes)
