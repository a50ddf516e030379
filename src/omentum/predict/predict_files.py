"""Predict CTs into folders, without a project; a folder whose summary matches the plan is skipped."""

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from omentum.abdomenatlas.tree import SAVED, write_case
from omentum.errors import ConfigError, ImageError
from omentum.measures.hounsfield import as_hounsfield, checked_offset
from omentum.measures.plausibility.case_check import check_case
from omentum.predict.made_alike import AUTO, made_alike
from omentum.predict.predictors import PredictedCase, Predictor
from omentum.predict.preview import write_preview
from omentum.predict.probability_files import write_probability_files
from omentum.predict.summary import SUMMARY, listed_files, read_summary, remove_listed_files, summary_of
from omentum.project.findings import mask_findings
from omentum.records import Batch
from omentum.runners.in_process import InProcessRunner
from omentum.runners.runner import Progress, Runner
from omentum.runners.steps import Steps
from omentum.volumes.atomic import sweep, write_json
from omentum.volumes.library_errors import reading
from omentum.volumes.mask_files import write_organ_files, write_painted
from omentum.volumes.nifti import write_nifti
from omentum.volumes.read import read_ct
from omentum.volumes.volume import Volume

__all__ = ["LAYOUTS", "FolderLedger", "FolderPlan", "folder_steps", "predict_files"]

LAYOUTS = ("omentum", "published")
_CT = "ct.nii.gz"


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderPlan:
    """Which CTs are predicted, how, and where the files go.

    Attributes:
        sources: NIfTI files and DICOM folders, by case id.
        files: The files of a DICOM series, by case id, where its folder holds others too.
        out: Has a folder for each case; a single case is in `out` itself, except in the published layout.
        predictor: Predicts them; of an average, the files of each network are written too.
        layout: One of `LAYOUTS`.
        save: Some of `masks`, `probabilities` and `entropy`.
        resample_tilt: Put series from a tilted gantry on an upright grid, instead of refusing them.
        resample_slices: Put slices at uneven distances on an even grid, instead of refusing them.
        hu_offset: Added to every value of the CTs, which are then written beside their masks.
        accept_values: Predict CTs whose values cannot be Hounsfield units; the summary says so.
        numbers: What was asked for, that the predictor computes in; others make a CT stale unless it is
            `auto`.

    Raises:
        ConfigError: A value cannot be used.
    """

    sources: Mapping[str, Path]
    out: Path
    predictor: Predictor
    layout: str = "omentum"
    save: frozenset[str] = frozenset({"masks"})
    resample_tilt: bool = False
    resample_slices: bool = False
    files: Mapping[str, tuple[Path, ...]] = field(default_factory=dict)
    hu_offset: float = 0.0
    accept_values: bool = False
    numbers: str = AUTO

    def __post_init__(self) -> None:
        """Check the values, before any CT is read."""
        if self.layout not in LAYOUTS:
            raise ConfigError("--layout", self.layout, f"the layouts are {', '.join(LAYOUTS)}")
        for name in sorted(self.save - SAVED):
            raise ConfigError("--save", name, f"what can be saved is {', '.join(sorted(SAVED))}")
        if not self.save:
            raise ConfigError("--save", "", f"name some of {', '.join(sorted(SAVED))}")
        if checked_offset(self.hu_offset):
            self._keep_sources()

    def _keep_sources(self) -> None:
        """Refuse a folder in which the written CT would replace its source."""
        for case_id, source in self.sources.items():
            if source.resolve() == (self.folder(case_id) / _CT).resolve():
                rule = f"--hu-offset writes {_CT} anew there, where {source} is; give another folder"
                raise ConfigError("--out", str(self.out), rule)

    def folder(self, case_id: str) -> Path:
        """Return a case's folder."""
        alone = len(self.sources) == 1 and self.layout != "published"
        return self.out if alone else self.out / case_id

    def settings(self, case_id: str) -> dict[str, Any]:
        """Return everything that determines the files in that folder, for JSON."""
        files = {"layout": self.layout, "save": sorted(self.save), "resample_tilt": self.resample_tilt}
        if self.resample_slices:
            files["resample_slices"] = True
        if case_id in self.files:
            files["files"] = _hash_of_names(self.files[case_id])
        if self.hu_offset:
            files["hu_offset"] = self.hu_offset
        made_with = self.predictor.settings(case_id)
        return {"source": str(self.sources[case_id].resolve()), **made_with, **files}


_Read = tuple[Volume, float]
_Predicted = tuple[Volume, float, PredictedCase]


def _hash_of_names(files: Sequence[Path]) -> str:
    """Hash which files of a folder are read."""
    names = "\n".join(sorted(str(path) for path in files))
    return hashlib.blake2b(names.encode(), digest_size=8).hexdigest()


def predict_files(
    plan: FolderPlan, runner: Runner | None = None, *, progress: Progress | None = None
) -> Batch:
    """Predict CTs, each into its folder; one that cannot be used fails with its reason.

    Args:
        plan: The plan.
        runner: Where the work runs; in this process by default.
        progress: Called with each CT.
    """
    return (runner or InProcessRunner()).run(
        list(plan.sources),
        folder_steps(plan),
        key=str,
        ledger=FolderLedger(plan),
        step="predict",
        progress=progress,
    )


def folder_steps(plan: FolderPlan) -> Steps[str, _Read, _Predicted, None]:
    """Return the steps of predicting one CT, by case id.

    Raises:
        ImageError: The CT, or a mask file, cannot be used; also `NotHounsfieldError`.
    """
    return Steps(read=partial(_read, plan), compute=partial(_compute, plan), write=partial(_write, plan))


def _read(plan: FolderPlan, case_id: str) -> _Read:
    started = time.perf_counter()
    path = plan.sources[case_id]
    with reading(path):
        ct = read_ct(
            path,
            files=plan.files.get(case_id, ()),
            resample_tilt=plan.resample_tilt,
            resample_slices=plan.resample_slices,
        )
        ct, _ = as_hounsfield(path, ct, offset_hu=plan.hu_offset, accept=plan.accept_values)
    return ct, time.perf_counter() - started


def _compute(plan: FolderPlan, case_id: str, given: _Read) -> _Predicted:
    return *given, plan.predictor.predict(given[0], case_id)


def _write(plan: FolderPlan, case_id: str, predicted: _Predicted) -> None:
    ct, read_seconds, made = predicted
    started = time.perf_counter()
    folder, settings = plan.folder(case_id), plan.settings(case_id)
    remove_listed_files(folder, keep=plan.sources[case_id])
    write_files = _write_published if plan.layout == "published" else _write_ours
    paths = write_files(plan, case_id, ct, made)
    files = sorted(path.relative_to(folder).as_posix() for path in paths)
    for below in {name.partition("/")[0] for name in files if "/" in name}:
        sweep(folder / below)  # a part file of a killed writer ends as a mask
    findings = mask_findings(check_case(made.masks, ct), {}, made.masks.geometry)
    seconds = {"read": read_seconds, "write": time.perf_counter() - started}
    summary = summary_of(settings, made, seconds, findings=findings)
    write_json(folder / SUMMARY, {**summary, "ct_notes": list(ct.notes), "files": files})


def _write_ours(plan: FolderPlan, case_id: str, ct: Volume, made: PredictedCase) -> list[Path]:
    folder, paths = plan.folder(case_id), []
    if plan.sources[case_id].is_dir() or plan.hu_offset or ct.notes:
        paths.append(folder / _CT)
        write_nifti(paths[-1], ct)
    paths += _write_network(folder, made, plan.save)
    for name, one in made.members.items():
        paths += _write_network(folder / "networks" / name, one, plan.save)
    paths.append(folder / "preview.png")
    write_preview(paths[-1], ct, made.masks)
    return paths


def _write_network(folder: Path, made: PredictedCase, save: frozenset[str]) -> list[Path]:
    paths = []
    if "masks" in save:
        paths += write_organ_files(folder / "segmentations", made.masks)
        paths += [folder / "labels.nii.gz", folder / "labels.json"]
        write_painted(paths[-2], made.masks)
    return paths + write_probability_files(folder, made.maps, made.masks.geometry, save)


def _write_published(plan: FolderPlan, case_id: str, ct: Volume, made: PredictedCase) -> list[Path]:
    source = plan.sources[case_id]
    networks = made.members or {plan.predictor.name: made}
    return write_case(
        plan.folder(case_id),
        source if source.name.endswith(".nii.gz") and not (plan.hu_offset or ct.notes) else ct,
        {name: (one.maps, one.masks) for name, one in networks.items()},
        made.masks if made.members else None,
        save=plan.save,
    )


class FolderLedger:
    """Finds done cases by their `summary.json`: it must list the settings of the plan.

    Args:
        plan: The plan.
    """

    def __init__(self, plan: FolderPlan) -> None:
        self._plan = plan

    def done(self, key: str) -> bool:
        """Return whether all files of a case exist, made from the same CT with the same settings."""
        folder = self._plan.folder(key)
        try:
            expected = self._plan.settings(key)
        except ImageError:  # raised again by the prediction, and noted then
            return False
        made_with = read_summary(folder).get("made_with", {})
        is_same = made_alike(made_with, expected, numbers=self._plan.numbers)
        return is_same and all(path.is_file() for path in listed_files(folder))

    def mark_done(self, key: str, result: None) -> None:
        """Do nothing: `summary.json` is written last."""

    def mark_failed(self, key: str, reason: str) -> None:
        """Do nothing: a failed case is tried again next time."""
