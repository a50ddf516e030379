"""Turn DICOM files into CTs with their segmentations, one `Source` a series, named by folder and number."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from omentum.exchange.importers.dicom_grouping import DicomGroups, Segmentation, SeriesFiles, group_dicom
from omentum.exchange.importers.labels import OriginalLabel
from omentum.exchange.importers.source import Source, case_id_of
from omentum.records import Failure

__all__ = ["sources_of_dicom"]


def sources_of_dicom(files: Sequence[Path]) -> tuple[list[Source], list[Failure]]:
    """Sort DICOM files into CTs with their labels.

    A series is named by its folder, and by its number too if others have that name. A folder without a
    readable file counts as a CT, so that reading it says what is wrong.
    """
    groups = group_dicom(files)
    names = _names(groups.series)
    sources = {
        one: Source(path=one.folder, case_id=name, files=() if one.is_alone else one.files)
        for one, name in zip(groups.series, names, strict=True)
    }
    left_out = list(groups.left_out)
    for segmentation in groups.segmentations:
        series = _its_series(segmentation, groups.series)
        if series is None:
            why = "it is a segmentation of no CT that was found"
            left_out.append(Failure(key=str(segmentation.path), reason=why))
        elif sources[series].label is not None:
            why = f"{sources[series].case_id} has a segmentation already; give it by itself"
            left_out.append(Failure(key=str(segmentation.path), reason=why))
        else:
            sources[series] = replace(sources[series], label=OriginalLabel(path=segmentation.path))
    unreadable = _unreadable_folders(files, groups)
    damaged = [Source(path=folder, case_id=case_id_of(folder)) for folder in unreadable]
    kept = [one for one in left_out if Path(one.key).parent not in unreadable]
    return sorted([*sources.values(), *damaged], key=lambda one: (one.path, one.case_id)), kept


def _names(series: Sequence[SeriesFiles]) -> list[str]:
    plain = [case_id_of(one.folder) for one in series]
    several = Counter(plain)
    numbered = [
        name if several[name] == 1 else f"{name}_s{one.number}"
        for name, one in zip(plain, series, strict=True)
    ]
    again = Counter(numbered)
    return [
        name if again[name] == 1 else f"{name}_{_short(one)}"
        for name, one in zip(numbered, series, strict=True)
    ]


def _short(series: SeriesFiles) -> str:
    """Make a reproducible suffix for series of one number."""
    told = f"{series.uid} {series.files[0].name}"
    return hashlib.blake2b(told.encode(), digest_size=4).hexdigest()


def _its_series(segmentation: Segmentation, series: Sequence[SeriesFiles]) -> SeriesFiles | None:
    """Find the series by the referenced UID; else the only one in the same folder or beside it."""
    by_uid = [one for one in series if one.uid in segmentation.series_uids]
    if by_uid:
        return by_uid[0]
    here = segmentation.path.parent
    near = [one for one in series if one.folder == here] or [
        one for one in series if one.folder.parent in {here, here.parent}
    ]
    return near[0] if len(near) == 1 and not (segmentation.series_uids and near[0].uid) else None


def _unreadable_folders(files: Sequence[Path], groups: DicomGroups) -> set[Path]:
    bad = {Path(one.key) for one in groups.left_out if one.reason.startswith("it is cut short")}
    folders = {path.parent for path in bad}
    return {folder for folder in folders if all(path in bad for path in files if path.parent == folder)}
