"""Predict CTs into a folder, without a project.

In:  whoever predicts, and a CT.
Out: one folder a CT: masks as others script against, or the published tree; `summary.json` comes last and
     tells which files were written, so that the next prediction into the same folder leaves none behind.
"""

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omentum.errors import ConfigError, ImageError
from omentum.measures.hounsfield import as_hounsfield, checked_offset
from omentum.measures.plausibility.case_look import look_at_case
from omentum.networks.catalogue import AVERAGE
from omentum.predict.inference_config import Manner
from omentum.predict.predictors import Opinion, Predicted, average_of, average_settings
from omentum.predict.preview import write_preview
from omentum.predict.probability_files import write_soft_files
from omentum.predict.published_layout import SAVED, write_published
from omentum.predict.summary import SUMMARY, read_summary, summary_of
from omentum.project.findings import mask_findings
from omentum.runners.steps import Steps
from omentum.volumes.atomic import sweep, write_json
from omentum.volumes.mask_files import write_organ_files, write_painted
from omentum.volumes.nifti import write_nifti
from omentum.volumes.read import read_ct
from omentum.volumes.volume import Volume

__all__ = ["LAYOUTS", "FolderLedger", "FolderPlan", "folder_steps"]

LAYOUTS = ("omentum", "published")
_CT = "ct.nii.gz"


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderPlan:
    """What is wanted, of which CTs, and where.

    Attributes:
        sources: NIfTI files and DICOM folders, by case id.
        out: Each case has a folder in it; a single one, but for the published layout, is in `out` itself.
        opinions: Networks; with several there is their average too.
        manner: How the average is decided.
        layout: One of `LAYOUTS`.
        save: Some of `masks`, `probabilities` and `entropy`.
        resample_tilt: Put series from a tilted gantry on an upright grid, instead of refusing them.
        hu_offset: Added to every value of the CTs; they are then written anew beside their masks.
        accept_values: Predict CTs whose values cannot be Hounsfield units; the summary says so.

    Raises:
        ConfigError: A value cannot be used, or two networks have one name.
    """

    sources: Mapping[str, Path]
    out: Path
    opinions: Sequence[Opinion]
    manner: Manner
    layout: str = "omentum"
    save: frozenset[str] = frozenset({"masks"})
    resample_tilt: bool = False
    hu_offset: float = 0.0
    accept_values: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be, before any CT is read."""
        if self.layout not in LAYOUTS:
            raise ConfigError("--layout", self.layout, f"the layouts are {', '.join(LAYOUTS)}")
        for name in sorted(self.save - SAVED):
            raise ConfigError("--save", name, f"what can be saved is {', '.join(sorted(SAVED))}")
        if not self.save:
            raise ConfigError("--save", "", f"name some of {', '.join(sorted(SAVED))}")
        names = [one.name for one in self.opinions]
        if not names or len({*names, AVERAGE}) <= len(names):
            raise ConfigError("--network", names, f"each must be named once, and none {AVERAGE!r}")
        if checked_offset(self.hu_offset):
            self._keep_sources()

    def _keep_sources(self) -> None:
        """Refuse a folder in which a CT that is written anew would take the place of its source."""
        for case_id, source in self.sources.items():
            if source.resolve() == (self.folder(case_id) / _CT).resolve():
                rule = f"--hu-offset writes {_CT} anew there, where {source} is; give another folder"
                raise ConfigError("--out", str(self.out), rule)

    def folder(self, case_id: str) -> Path:
        """Give a case's folder."""
        alone = len(self.sources) == 1 and self.layout != "published"
        return self.out if alone else self.out / case_id

    def settings(self, case_id: str) -> dict[str, Any]:
        """Give all that decides what is in that folder, for JSON."""
        if len(self.opinions) == 1:
            made_with = self.opinions[0].settings(case_id)
        else:
            made_with = average_settings(self.opinions, case_id, self.manner)
        files = {"layout": self.layout, "save": sorted(self.save), "resample_tilt": self.resample_tilt}
        if self.hu_offset:
            files["hu_offset"] = self.hu_offset
        return {"source": str(self.sources[case_id].resolve()), **made_with, **files}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Seen:
    ct: Volume
    opinions: Mapping[str, Predicted]
    shown: Predicted
    """The only one, or the average."""
    seconds: Mapping[str, float]


_Read = tuple[Volume, float]


def folder_steps(plan: FolderPlan) -> Steps[str, _Read, _Seen, None]:
    """Give the steps of predicting one CT, by case id.

    Raises:
        ImageError: The CT, or what a network left elsewhere, cannot be used; among them
            `NotHounsfieldError`.
    """

    def read(case_id: str) -> _Read:
        started = time.perf_counter()
        path = plan.sources[case_id]
        ct, _ = as_hounsfield(
            path,
            read_ct(path, resample_tilt=plan.resample_tilt),
            offset_hu=plan.hu_offset,
            accept=plan.accept_values,
        )
        return ct, time.perf_counter() - started

    def compute(case_id: str, given: _Read) -> _Seen:
        ct, read_seconds = given
        opinions = {one.name: one.predict(ct, case_id) for one in plan.opinions}
        started = time.perf_counter()
        first, *others = opinions.values()
        shown = average_of([first, *others], ct.geometry, plan.manner) if others else first
        seconds = {"read": read_seconds}
        if others:
            seconds |= {name: sum(one.seconds.values()) for name, one in opinions.items()}
            seconds[AVERAGE] = time.perf_counter() - started
        return _Seen(ct=ct, opinions=opinions, shown=shown, seconds=seconds)

    return Steps(read=read, compute=compute, write=lambda case_id, seen: _write(plan, case_id, seen))


def _write(plan: FolderPlan, case_id: str, seen: _Seen) -> None:
    started = time.perf_counter()
    folder, settings = plan.folder(case_id), plan.settings(case_id)
    _forget(folder, plan.sources[case_id])
    paths = _published(plan, case_id, seen) if plan.layout == "published" else _ours(plan, case_id, seen)
    files = sorted(path.relative_to(folder).as_posix() for path in paths)
    for below in {name.partition("/")[0] for name in files if "/" in name}:
        sweep(folder / below)  # what a killed writer left has the ending of a mask
    masks = seen.shown.masks
    findings = mask_findings(look_at_case(masks, seen.ct), {}, masks.geometry)
    seconds = {**seen.seconds, "write": time.perf_counter() - started}
    summary = summary_of(settings, seen.shown, seconds, findings=findings)
    write_json(folder / SUMMARY, {**summary, "files": files})


def _ours(plan: FolderPlan, case_id: str, seen: _Seen) -> list[Path]:
    folder, paths = plan.folder(case_id), []
    if plan.sources[case_id].is_dir() or plan.hu_offset:
        paths.append(folder / _CT)
        write_nifti(paths[-1], seen.ct)
    paths += _one_of_ours(folder, seen.shown, plan.save)
    if len(seen.opinions) > 1:
        for name, made in seen.opinions.items():
            paths += _one_of_ours(folder / "networks" / name, made, plan.save)
    paths.append(folder / "preview.png")
    write_preview(paths[-1], seen.ct, seen.shown.masks)
    return paths


def _one_of_ours(folder: Path, made: Predicted, save: frozenset[str]) -> list[Path]:
    paths = []
    if "masks" in save:
        paths += write_organ_files(folder / "segmentations", made.masks)
        paths += [folder / "labels.nii.gz", folder / "labels.json"]
        write_painted(paths[-2], made.masks)
    return paths + write_soft_files(
        folder,
        made.maps,
        made.masks.geometry,
        probabilities="probabilities" in save,
        entropy="entropy" in save,
    )


def _published(plan: FolderPlan, case_id: str, seen: _Seen) -> list[Path]:
    source = plan.sources[case_id]
    return write_published(
        plan.folder(case_id),
        source if source.name.endswith(".nii.gz") and not plan.hu_offset else seen.ct,
        {name: (made.maps, made.masks) for name, made in seen.opinions.items()},
        seen.shown.masks if len(seen.opinions) > 1 else None,
        save=plan.save,
    )


def _forget(folder: Path, source: Path) -> None:
    """Remove what an earlier prediction left, of another CT or network perhaps, and nothing else.

    It may have left the very CT that is predicted now: the NIfTI file of a DICOM series stays.
    """
    paths = [path for path in _noted_files(folder) if path.resolve() != source.resolve()]
    for path in paths:
        path.unlink(missing_ok=True)
    (folder / SUMMARY).unlink(missing_ok=True)
    emptied = {parent for path in paths for parent in path.relative_to(folder).parents if parent.parts}
    for parent in sorted(emptied, key=lambda parent: len(parent.parts), reverse=True):
        with suppress(OSError):  # somebody's own file is in it
            (folder / parent).rmdir()


def _noted_files(folder: Path) -> list[Path]:
    """Give the files that a folder's summary tells of, as far as they are in that folder."""
    names = read_summary(folder).get("files")
    if not isinstance(names, list):
        return []
    paths = [folder / name for name in names if isinstance(name, str) and name.isprintable()]
    inside = [path for path in paths if path.resolve().is_relative_to(folder.resolve())]
    return [path for path in inside if not path.is_dir()]


class FolderLedger:
    """Remembers without a project what is done: a case whose `summary.json` tells of the same plan.

    Args:
        plan: What is wanted.
    """

    def __init__(self, plan: FolderPlan) -> None:
        self._plan = plan

    def done(self, key: str) -> bool:
        """Tell whether a case's files are all there, made of the same CT with the same settings."""
        folder = self._plan.folder(key)
        try:
            expected = self._plan.settings(key)
        except ImageError:  # whoever predicts says so again, and then it is noted
            return False
        is_same = read_summary(folder).get("made_with") == expected
        return is_same and all(path.is_file() for path in _noted_files(folder))

    def mark_done(self, key: str, result: None) -> None:
        """Do nothing: `summary.json`, written last, is the mark."""

    def mark_failed(self, key: str, reason: str) -> None:
        """Do nothing: what failed is said, and tried again next time."""
