"""How does a prediction of a project's case get to disk?

In:  whoever predicts, and a case.
Out: files, each whole or not there; `summary.json` comes last, so where it is, all is.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from omentum.predict.opinion import Opinion, Predicted
from omentum.predict.preview import write_preview
from omentum.predict.summary import summary_of
from omentum.records import Case, Prediction
from omentum.runners.steps import Steps
from omentum.volumes.atomic import sweep, write_json
from omentum.volumes.mask_files import write_masks, write_painted
from omentum.volumes.probabilities import ENTROPIES_NAME, write_probabilities
from omentum.volumes.read import read_ct
from omentum.volumes.volume import Volume

__all__ = ["case_steps", "is_predicted"]

_Read = tuple[Volume, float]
_Seen = tuple[Volume, float, Predicted]


def case_steps(
    opinion: Opinion, folder_of: Callable[[str], Path]
) -> Steps[Case, _Read, _Seen, dict[str, Any]]:
    """Give the steps of predicting one case.

    They write `masks.nii.gz` (set-coded), `labels.nii.gz`, `labels.json`, `probabilities.zarr.zip`,
    `preview.png` and `summary.json`, and give what the ledger keeps: hash of the weights, organs that there
    is a mask of, and all settings.

    Args:
        opinion: Whoever predicts.
        folder_of: Gives a case's folder for this network.

    Raises:
        ImageError: The CT, or what the network left elsewhere, cannot be used.
    """

    def read(case: Case) -> _Read:
        started = time.perf_counter()
        ct = read_ct(case.ct_path)
        return ct, time.perf_counter() - started

    def compute(case: Case, given: _Read) -> _Seen:
        return *given, opinion.predict(given[0], case.case_id)

    def write(case: Case, seen: _Seen) -> dict[str, Any]:
        settings = opinion.settings(case.case_id)
        sha256, organs = settings["weights_sha256"], seen[2].masks.organs
        prediction = Prediction(
            case_id=case.case_id,
            network=opinion.name,
            weights_sha256=sha256,
            folder=folder_of(case.case_id),
            organs=organs,
        )
        _write(prediction, settings, *seen)
        return {"weights_sha256": sha256, "organs": list(organs), "made_with": settings}

    return Steps(read=read, compute=compute, write=write)


def is_predicted(folder: Path) -> bool:
    """Tell whether nobody has removed what was predicted into a folder."""
    return all(
        (folder / name).is_file() for name in ("masks.nii.gz", "probabilities.zarr.zip", "summary.json")
    )


def _write(
    prediction: Prediction, settings: dict[str, Any], ct: Volume, read_seconds: float, made: Predicted
) -> None:
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
    seconds = {"read": read_seconds, "write": time.perf_counter() - started}
    write_json(prediction.summary_path, summary_of(settings, made, seconds))
