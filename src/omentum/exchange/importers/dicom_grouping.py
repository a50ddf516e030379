"""Sort DICOM files into axial CT series, each with its segmentation, by their headers."""

import hashlib
import warnings
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pydicom

from omentum.errors import DicomSeriesError
from omentum.exchange.importers.dicom_references import SEGMENTATIONS, joined, referenced_series
from omentum.exchange.importers.source import Source, case_id_of, left_out
from omentum.records import Failure
from omentum.volumes.dicom_files import text_of
from omentum.volumes.dicom_headers import (
    NO_PLACE,
    Slice,
    missing_place,
    read_header,
    slices_of,
    why_cut_short,
    why_no_slice,
)
from omentum.volumes.dicom_pixels import same_pixels
from omentum.volumes.dicom_stacks import stacks_of, without_copies
from omentum.volumes.read import SIDE_VOXELS

__all__ = ["CUT_SHORT", "sources_of_dicom"]

_AXIAL = 0.8
"""Least component of a slice's normal along the body: gantries tilt to 30 degrees."""
_PROJECTIONS = frozenset({"PROJECTION IMAGE", "MIP", "MINIP", "AVERAGE", "CSAMIP", "CSA MIP"})
CUT_SHORT = "it is cut short or damaged; copy it again from its source, or remove it"
"""Why a file is no part of any CT; which one it was of cannot be told."""


@dataclass(slots=True, eq=False)
class _Heap:
    """The files of one series: slices, and files whose header has a value that cannot be read."""

    number: int = 0
    uid: str = ""
    study: tuple[str, ...] = ()
    slices: list[Slice] = field(default_factory=list)
    broken: list[Path] = field(default_factory=list)
    placeless: list[Path] = field(default_factory=list)
    """Pictures that do not say where they lie."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Series:
    """The files of one CT, by name."""

    heap: _Heap
    files: tuple[Path, ...]
    n_slices: int
    phase: int = 0
    """From 1, if it is one of several in a series."""

    @property
    def folder(self) -> Path:
        """The folder of the files, or the one above all of them."""
        folders = {path.parent for path in self.files}
        folder = min(folders)
        while any(folder != other and folder not in other.parents for other in folders):
            folder = folder.parent
        return folder


def sources_of_dicom(
    files: Sequence[Path], *, largest_only: bool = False
) -> tuple[list[Source], list[Failure]]:
    """Sort DICOM files into CTs with their labels, named by folder and number, never by a patient.

    Files of one patient, study and series are a CT if they agree in size, orientation and spacing; without a
    series UID, those of one folder. Phases in a series are a CT each. A series is left out if it is no CT, a
    localizer, not axial, a projection of others, or too short. What only reading can refuse counts as a CT,
    so that reading it says what is wrong: a folder without a readable file, a header with a malformed value.

    Args:
        files: In any folders.
        largest_only: Of each study, take only the series with most slices.

    Returns:
        The CTs, and the files that are left out, with the reason.
    """
    paths = sorted(files)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom warns of each odd value; those that count are refused
        series, segmentations, reasons = _sorted(paths)
    names = _names(series)
    if largest_only:
        series, names, others = _largest(series, names)
        reasons += others
    sources = [
        Source(path=one.folder, case_id=name, files=() if _is_alone(one, paths) else one.files)
        for one, name in zip(series, names, strict=True)
    ]
    for path, series_uids in segmentations.items():
        place = _its_series(path, series_uids, series)
        if sum(one.heap.uid in series_uids for one in series) > 1:
            why = "its series has several phases, and it does not say of which it is; give it with --label"
            reasons.append(Failure(key=str(path), reason=why))
        elif place is None:
            reasons.append(Failure(key=str(path), reason="it is a segmentation of no CT that was found"))
        elif (label := joined(sources[place].label, path)) is None:
            why = f"{sources[place].case_id} has a segmentation already; give it by itself"
            reasons.append(Failure(key=str(path), reason=why))
        else:
            sources[place] = replace(sources[place], label=label)
    damaged = _unreadable_folders(paths, reasons)
    sources += [Source(path=folder, case_id=case_id_of(folder)) for folder in damaged]
    return sources, [one for one in reasons if Path(one.key).parent not in damaged]


def _sorted(paths: Sequence[Path]) -> tuple[list[_Series], dict[Path, frozenset[str]], list[Failure]]:
    """Give the axial CT series, the segmentations with the UIDs of their series, and what is left out."""
    heaps: dict[tuple[str, ...], _Heap] = defaultdict(_Heap)
    segmentations: dict[Path, frozenset[str]] = {}
    reasons: list[Failure] = []
    damaged: list[Path] = []
    for path in paths:
        header = read_header(path)
        if header is None or why_cut_short(path, header) is not None:
            damaged.append(path)
        elif text_of(header, "Modality") in SEGMENTATIONS:
            segmentations[path] = referenced_series(header)
        elif missing_place(header):
            _heap_of(heaps, path, header).placeless.append(path)
        elif (why := why_no_slice(header) or _why_computed(header)) is not None:
            reasons.append(Failure(key=str(path), reason=why))
        else:
            _put(heaps, path, header)
    reasons += left_out(_beyond_heaps(list(heaps.values()), damaged), CUT_SHORT)
    series = []
    for heap in heaps.values():
        found, failures = _series_of(heap)
        series += found
        reasons += failures
    return series, segmentations, sorted(reasons, key=lambda one: one.key)


def _beyond_heaps(heaps: Sequence[_Heap], damaged: Sequence[Path]) -> list[Path]:
    """Count a damaged file to the only series in its folder; give those of which that cannot be told."""
    beyond = []
    for path in damaged:
        near = [heap for heap in heaps if any(one.path.parent == path.parent for one in heap.slices)]
        if len(near) == 1:
            near[0].broken.append(path)
        else:
            beyond.append(path)
    return beyond


def _heap_of(heaps: dict[tuple[str, ...], _Heap], path: Path, header: pydicom.Dataset) -> _Heap:
    uid = text_of(header, "SeriesInstanceUID")
    patient, study = text_of(header, "PatientID"), text_of(header, "StudyInstanceUID")
    heap = heaps[patient, study, uid or str(path.parent)]
    heap.number, heap.uid = _number(header), uid
    heap.study = (patient, study or str(path.parent))
    return heap


def _put(heaps: dict[tuple[str, ...], _Heap], path: Path, header: pydicom.Dataset) -> None:
    heap = _heap_of(heaps, path, header)
    try:
        heap.slices += slices_of(path, header)
    except DicomSeriesError:
        heap.broken.append(path)


def _series_of(heap: _Heap) -> tuple[list[_Series], list[Failure]]:
    """Give the CTs in a heap, and the files that are left out."""
    kept, copies = without_copies(heap.slices, same_pixels)
    if not heap.slices and not heap.broken:
        return [], left_out(heap.placeless, NO_PLACE)
    if heap.broken or heap.placeless or copies.conflict is not None:
        broken = [*heap.broken, *heap.placeless]
        return [_as_one(heap, [*broken, *(one.path for one in heap.slices)])], []
    reasons = [
        Failure(key=str(path), reason=f"it is a copy of {first.name}, which is taken")
        for path, first in copies.of.items()
    ]
    stacks = []
    for stack in stacks_of(kept):
        why = _why_left_out(stack)
        if why is None:
            stacks.append(stack)
        else:
            reasons += left_out({one.path for one in stack}, why)
    return _ct_of_each(heap, stacks), reasons


def _ct_of_each(heap: _Heap, stacks: Sequence[Sequence[Slice]]) -> list[_Series]:
    """Make a CT of each stack; those in one file count as one CT, which reading refuses with the reason."""
    files_of = [tuple(sorted({one.path for one in stack})) for stack in stacks]
    every = [path for files in files_of for path in files]
    if len(set(every)) < len(every):
        return [_as_one(heap, every)]
    return [
        _Series(heap=heap, files=files, n_slices=len(stack), phase=number if len(stacks) > 1 else 0)
        for number, (files, stack) in enumerate(zip(files_of, stacks, strict=True), start=1)
    ]


def _as_one(heap: _Heap, files: Sequence[Path]) -> _Series:
    return _Series(heap=heap, files=tuple(sorted(set(files))), n_slices=len(heap.slices))


def _why_left_out(stack: Sequence[Slice]) -> str | None:
    """Say why slices are no axial CT; `None` if they are."""
    if abs(stack[0].normal[2]) < _AXIAL:
        return "its slices are not axial: a reformat of another series"
    least = SIDE_VOXELS[0]
    return (
        f"its series has {len(stack)} slices, and a volume at least {least}" if len(stack) < least else None
    )


def _why_computed(header: pydicom.Dataset) -> str | None:
    kinds = set(text_of(header, "ImageType").upper().split("\\"))
    return "it is a projection computed from another series" if _PROJECTIONS & kinds else None


def _largest(
    series: Sequence[_Series], names: Sequence[str]
) -> tuple[list[_Series], list[str], list[Failure]]:
    """Keep the series with most slices of each study; of equal ones, the first."""
    best: dict[tuple[str, ...], int] = {}
    for place, one in enumerate(series):
        known = best.setdefault(one.heap.study, place)
        if one.n_slices > series[known].n_slices:
            best[one.heap.study] = place
    reasons: list[Failure] = []
    for place, one in enumerate(series):
        if best[one.heap.study] != place:
            taken = best[one.heap.study]
            why = f"it is of {names[place]}, a series of {one.n_slices} slices"
            more = f"{names[taken]} of the same study has {series[taken].n_slices}"
            reasons += left_out(one.files, f"{why}, and {more}; --all takes both")
    kept = sorted(best.values())
    return [series[place] for place in kept], [names[place] for place in kept], reasons


def _is_alone(series: _Series, paths: Sequence[Path]) -> bool:
    """Return whether no other DICOM file lies in the folder of a series, and none of its own elsewhere."""
    return {path for path in paths if path.parent == series.folder} == set(series.files)


def _names(series: Sequence[_Series]) -> list[str]:
    """Name each CT by its folder, and where several lie there, by its number and phase."""
    plain = [case_id_of(one.folder) for one in series]
    of_name: dict[str, set[str]] = defaultdict(set)
    for name, one in zip(plain, series, strict=True):
        of_name[name].add(f"{one.heap.study}{one.heap.uid}")
    several = Counter(plain)
    numbered = []
    for name, one in zip(plain, series, strict=True):
        number = f"_s{one.heap.number}" if len(of_name[name]) > 1 else ""
        phase = f"_p{one.phase}" if one.phase else ""
        numbered.append(f"{name}{number}{phase}" if several[name] > 1 else name)
    again = Counter(numbered)
    return [
        name if again[name] == 1 else f"{name}_{_short(one)}"
        for name, one in zip(numbered, series, strict=True)
    ]


def _short(series: _Series) -> str:
    """Make a reproducible suffix for series of one number."""
    told = f"{series.heap.uid} {series.files[0].name}"
    return hashlib.blake2b(told.encode(), digest_size=4).hexdigest()


def _its_series(path: Path, series_uids: frozenset[str], series: Sequence[_Series]) -> int | None:
    """Find the series by the referenced UID; else the only one in the same folder or beside it."""
    places = range(len(series))
    by_uid = [place for place in places if series[place].heap.uid in series_uids]
    if by_uid:
        return by_uid[0]
    here = path.parent
    near = [place for place in places if series[place].folder == here] or [
        place for place in places if series[place].folder.parent in {here, here.parent}
    ]
    return near[0] if len(near) == 1 and not (series_uids and series[near[0]].heap.uid) else None


def _unreadable_folders(paths: Sequence[Path], reasons: Sequence[Failure]) -> set[Path]:
    bad = {Path(one.key) for one in reasons if one.reason == CUT_SHORT}
    return {path.parent for path in bad} - {path.parent for path in paths if path not in bad}


def _number(header: pydicom.Dataset) -> int:
    try:
        return int(text_of(header, "SeriesNumber") or 0)
    except ValueError:
        return 0
