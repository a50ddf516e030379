"""How does a prediction get to disk? For a project, or for somebody with a CT and no project.

In:  a predictor and a CT.
Out: files, each whole or not there; `summary.json` comes last, so where it is, all is.
"""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from omentum import __version__
from omentum.predict.predictor import Predicted, Predictor
from omentum.predict.preview import write_preview
from omentum.records import Prediction
from omentum.volumes.atomic import write_json
from omentum.volumes.labels import ORGANS
from omentum.volumes.mask_files import write_masks, write_organ_files, write_painted
from omentum.volumes.nifti import write_nifti
from omentum.volumes.probabilities import write_probabilities
from omentum.volumes.read import read_ct
from omentum.volumes.volume import Volume

__all__ = ["FolderLedger", "predict_case", "predict_file"]

_SUMMARY = "summary.json"
_SEGMENTATIONS = "segmentations"


def predict_case(predictor: Predictor, case_id: str, ct_path: Path, folder: Path) -> Prediction:
    """Predict one case of a project.

    Writes `masks.nii.gz` (set-coded), `labels.nii.gz`, `labels.json`, `probabilities.zarr.zip`,
    `preview.png` and `summary.json` into `folder`.

    Raises:
        ImageError: The CT cannot be used.
    """
    started = time.perf_counter()
    ct = read_ct(ct_path)
    read_seconds = time.perf_counter() - started
    made = predictor.predict(ct)
    prediction = Prediction(
        case_id=case_id,
        network=predictor.name,
        weights_sha256=predictor.weights_sha256,
        folder=folder,
        organs=predictor.organs,
    )
    prediction.summary_path.unlink(missing_ok=True)
    write_masks(prediction.masks_path, made.masks)
    write_probabilities(prediction.probabilities_path, made.maps)
    _write_pictures(folder, ct, made)
    summary = _summary(predictor, made, {"read": read_seconds}, started)
    write_json(prediction.summary_path, summary)
    return prediction


def predict_file(predictor: Predictor, source: Path, folder: Path, *, resample_tilt: bool = False) -> None:
    """Predict one CT without a project.

    Writes `segmentations/<organ>.nii.gz` (uint8 0/1, empty organs too), `labels.nii.gz`, `labels.json`,
    `preview.png` and `summary.json` into `folder`; `ct.nii.gz` too when the source was DICOM.

    Args:
        predictor: The network.
        source: A NIfTI file or a DICOM folder.
        folder: Made if missing.
        resample_tilt: Put a series from a tilted gantry on an upright grid, instead of refusing it.

    Raises:
        ImageError: The CT cannot be used.
    """
    started = time.perf_counter()
    ct = read_ct(source, resample_tilt=resample_tilt)
    read_seconds = time.perf_counter() - started
    made = predictor.predict(ct)
    _forget(folder)
    if source.is_dir():
        write_nifti(folder / "ct.nii.gz", ct)
    write_organ_files(folder / _SEGMENTATIONS, made.masks)
    _write_pictures(folder, ct, made)
    summary = _summary(predictor, made, {"read": read_seconds}, started)
    write_json(folder / _SUMMARY, {"source": _named(source), **summary})


def _forget(folder: Path) -> None:
    """Remove the masks of an earlier prediction, of another CT or network perhaps, so that none stays."""
    earlier = _noted(folder).get("organs", ())
    (folder / _SUMMARY).unlink(missing_ok=True)
    for row in ORGANS:
        if row.name in earlier:
            _organ_file(folder, row.name).unlink(missing_ok=True)


def _organ_file(folder: Path, organ_name: str) -> Path:
    return folder / _SEGMENTATIONS / f"{organ_name}.nii.gz"


def _named(source: Path) -> str:
    return str(source.resolve())


def _noted(folder: Path) -> dict[str, Any]:
    """Read a folder's summary; empty where there is none of ours."""
    try:
        summary = json.loads((folder / _SUMMARY).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    ours = isinstance(summary, dict) and isinstance(summary.get("organs"), dict)
    return summary if ours else {}


def _write_pictures(folder: Path, ct: Volume, made: Predicted) -> None:
    write_painted(folder / "labels.nii.gz", made.masks)
    write_preview(folder / "preview.png", ct, made.masks)


def _settings(predictor: Predictor) -> dict[str, Any]:
    """Give all that decides what a prediction is."""
    return {
        "network": predictor.name,
        "weights_sha256": predictor.weights_sha256,
        "overlap": predictor.overlap,
        "organs": list(predictor.organs),
    }


def _summary(
    predictor: Predictor, made: Predicted, before: Mapping[str, float], started: float
) -> dict[str, Any]:
    seconds = {**before, **made.seconds, "total": time.perf_counter() - started}
    volumes = made.masks.volumes_ml()
    return {
        "omentum": __version__,
        **_settings(predictor),
        "organs": {name: {"volume_ml": round(volumes[name], 3)} for name in made.masks.organs},
        "seconds": {step: round(value, 3) for step, value in seconds.items()},
    }


class FolderLedger:
    """Remembers without a project what is done: a case whose `summary.json` tells of the same CT and network.

    Args:
        folder_of: Gives each case's folder.
        sources: Gives each case's CT.
        predictor: The network that predicts.
    """

    def __init__(
        self, folder_of: Mapping[str, Path], sources: Mapping[str, Path], predictor: Predictor
    ) -> None:
        self._folder_of = folder_of
        self._sources = sources
        self._expected = _settings(predictor)

    def done(self, key: str) -> bool:
        """Tell whether a case's files are all there, made of the same CT with the same settings."""
        folder = self._folder_of[key]
        summary = _noted(folder)
        made_with = {**summary, "organs": list(summary.get("organs", {}))}
        expected = {**self._expected, "source": _named(self._sources[key])}
        if any(made_with.get(name) != value for name, value in expected.items()):
            return False
        return all(_organ_file(folder, name).is_file() for name in expected["organs"])

    def mark_done(self, key: str, result: None) -> None:
        """Do nothing: `summary.json`, written last, is the mark."""

    def mark_failed(self, key: str, reason: str) -> None:
        """Do nothing: what failed is said, and tried again next time."""
