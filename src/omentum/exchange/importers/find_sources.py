"""Find CTs and what came with them in files and folders of any layout; no voxel is read.

The first of `IMPORTERS` that fits a folder imports it. In other folders, DICOM files are grouped into series
by their headers, and each volume is a CT, unless it or its folder is named as a label, or hidden. A file that
a user names is always taken.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from omentum.errors import CaseClashError, ImageError, UnreadableImageError
from omentum.exchange.importers.abdomenatlas_tree import find_case_folder
from omentum.exchange.importers.dataset_descriptions import DatasetDescription
from omentum.exchange.importers.dataset_json import find_list, read_list
from omentum.exchange.importers.dataset_layouts import find_data_set
from omentum.exchange.importers.dicom_grouping import CUT_SHORT, sources_of_dicom
from omentum.exchange.importers.dicom_references import without_label_maps
from omentum.exchange.importers.releases import find_release
from omentum.exchange.importers.source import (
    FoundSources,
    Source,
    case_id_of,
    distinctly_named,
    files_below,
    is_label_name,
    left_out,
    stem_of,
)
from omentum.project.paths import ProjectFolder
from omentum.records import Failure
from omentum.volumes.dicom_files import is_dicom
from omentum.volumes.hidden_files import is_hidden
from omentum.volumes.library_errors import reading
from omentum.volumes.nifti_headers import header_file
from omentum.volumes.read import NOT_A_CT, is_volume, not_a_volume, why_no_volume

__all__ = ["IMPORTERS", "FolderImporter", "find_sources", "register"]

FolderImporter = Callable[[Path, DatasetDescription | None], FoundSources | None]
"""Imports all of a folder, perhaps a copy of a data set that the user named; `None` if it does not fit."""

IMPORTERS: dict[str, FolderImporter] = {
    "release": find_release,
    "data set": find_data_set,
    "dataset.json": find_list,
    "case folder": find_case_folder,
}
"""Importers in the order in which they are tried."""

_NO_VOLUME = "it is neither a volume nor a DICOM file"
_OF_PROJECT = frozenset({"cases", "releases", "networks", "rounds", "cache"})
"""Folders that a project makes beside its settings."""


def register(name: str, importer: FolderImporter) -> None:
    """Try another importer after those that are there; each name is given once."""
    if name in IMPORTERS:
        raise ValueError(f"importer {name!r} is already taken by {IMPORTERS[name].__module__}")
    IMPORTERS[name] = importer


def find_sources(
    paths: Sequence[Path], data_set: DatasetDescription | None = None, *, largest_only: bool = False
) -> FoundSources:
    """Find the CTs in files and folders; a CT that is met twice is given once.

    Of several paths, those without a CT are set aside, as is a CT whose name another one has; upper and lower
    case are not told apart, as on some disks.

    Args:
        paths: CTs, DICOM folders, lists (JSON), and folders of them at any depth.
        data_set: What they are copies of; by default, the names of folders say.
        largest_only: Take only the DICOM series with most slices of each study in a path.

    Raises:
        UnreadableImageError: The only path is not there, or holds no CT.
        ConfigError: Nothing in a path fits the layouts of `data_set`.
    """
    sources: list[Source] = []
    found: dict[str, Source] = {}
    errors: dict[str, str] = {}
    reasons: dict[str, Failure] = {}
    for path in paths:
        try:
            with reading(path):
                here = _found(path, data_set, largest_only=largest_only)
        except ImageError as error:
            if len(paths) == 1:
                raise
            errors[str(path)] = str(error)
            continue
        sources += sorted(here.sources, key=lambda one: (one.path, one.case_id))
        reasons.update((one.key, one) for one in here.left_out)
        errors.update((one.key, one.reason) for one in here.unusable)
    for source in distinctly_named(sources):
        first = found.setdefault(source.case_id.casefold(), source)
        if first is not source and (
            first.path.resolve() != source.path.resolve() or first.files != source.files
        ):
            errors[str(source.path)] = str(CaseClashError(source.case_id, source.path, first.path))
    taken = {str(source.path) for source in found.values()}
    return FoundSources(
        sources=tuple(found.values()),
        unusable=tuple(Failure(key=key, reason=reason) for key, reason in errors.items()),
        left_out=tuple(one for key, one in reasons.items() if key not in taken),
    )


def _found(path: Path, data_set: DatasetDescription | None, *, largest_only: bool) -> FoundSources:
    whole = path.absolute()
    if path.is_dir():
        return _Search(data_set, largest_only=largest_only).run(Path(os.path.normpath(whole)))
    if not path.exists():
        raise UnreadableImageError(path, "there is no such file or folder", "check the path")
    if path.suffix.lower() == ".json":
        listed = read_list(whole)
        if listed is None:
            raise UnreadableImageError(path, "it lists no CTs under `training`", NOT_A_CT)
        return listed
    whole = header_file(whole)
    if is_volume(whole):
        source = Source(path=whole, case_id=case_id_of(whole))
        return FoundSources(sources=(source if data_set is None else data_set.source_of(whole),))
    raise not_a_volume(path)


class _Search:
    """Collects the CTs of a folder and the folders below it."""

    def __init__(self, data_set: DatasetDescription | None, *, largest_only: bool) -> None:
        self._data_set = data_set
        self._largest_only = largest_only
        self._sources: list[Source] = []
        self._left_out: list[Failure] = []
        self._unusable: list[Failure] = []
        self._dicom: list[Path] = []
        self._visited: set[Path] = set()

    def run(self, folder: Path) -> FoundSources:
        """Search a folder, then group the DICOM files that were met."""
        self._folder(folder)
        sources, failures = sources_of_dicom(self._dicom, largest_only=self._largest_only)
        self._sources += sources
        self._left_out += [one for one in failures if one.reason != CUT_SHORT]
        self._unusable += [one for one in failures if one.reason == CUT_SHORT]
        if not (self._sources or self._unusable):
            seen = "no CT is in it (label files and hidden ones are not taken for CTs)"
            if self._left_out:
                n, first = len(self._left_out), self._left_out[0].reason
                seen = f"{seen}: {n} files are left out, such as {first}"
            raise UnreadableImageError(folder, seen, "name the CT or DICOM folder itself")
        return FoundSources(
            sources=tuple(self._sources), unusable=tuple(self._unusable), left_out=tuple(self._left_out)
        )

    def _folder(self, folder: Path) -> None:
        if folder.resolve() in self._visited:
            return
        self._visited.add(folder.resolve())
        for importer in IMPORTERS.values():
            found = importer(folder, self._data_set)
            if found is not None:
                self._sources += found.sources
                self._left_out += found.left_out
                self._unusable += found.unusable
                return
        entries = self._outside_project(folder, self._opened(folder))
        files = [entry for entry in entries if entry.is_file()]
        closed = [entry for entry in files if not is_volume(entry) and self._is_closed(entry)]
        files = [entry for entry in files if entry not in closed]
        entries = [entry for entry in entries if entry not in closed]
        dicom = [entry for entry in files if not is_volume(entry) and is_dicom(entry)]
        if not dicom:
            for entry in entries:
                self._entry(entry)
            return
        self._dicom += dicom
        self._leave(set(files) - set(dicom), "it lies beside DICOM files; give it by itself if it is a CT")
        for entry in entries:
            if entry.is_dir():
                self._folder(entry)

    def _entry(self, entry: Path) -> None:
        if is_label_name(stem_of(entry)):
            below = files_below(entry) if entry.is_dir() else [entry]
            shown = [one for one in below if not is_hidden(one, entry.parent) and not is_volume(one)]
            all_dicom = [one for one in shown if is_dicom(one)]
            dicom = without_label_maps(all_dicom)
            self._dicom += dicom
            others = set(shown) - set(all_dicom)
            self._leave(others, _NO_VOLUME)
            self._leave(
                set(below) - set(dicom) - others, "it is named as a label; say with --label which CT it is of"
            )
        elif entry.is_dir():
            self._folder(entry)
        elif is_volume(entry):
            self._sources.append(Source(path=entry, case_id=case_id_of(entry)))
        elif header_file(entry) == entry:  # not the voxels of a pair
            self._leave([entry], why_no_volume(entry) or _NO_VOLUME)

    def _is_closed(self, path: Path) -> bool:
        """Tell whether a file or folder cannot be opened, and set it aside."""
        try:
            with os.scandir(path) if path.is_dir() else path.open("rb"):
                return False
        except OSError as error:
            reason = f"it cannot be opened ({error.strerror or error}); check its rights and the disk"
            self._unusable.append(Failure(key=str(path), reason=reason))
            return True

    def _opened(self, folder: Path) -> list[Path]:
        """List a folder without what is hidden."""
        entries = [] if self._is_closed(folder) else sorted(folder.iterdir())
        hidden = [entry for entry in entries if is_hidden(entry)]
        for entry in hidden:
            self._leave(files_below(entry) if entry.is_dir() else [entry], "it is hidden")
        return [entry for entry in entries if entry not in hidden]

    def _outside_project(self, folder: Path, entries: list[Path]) -> list[Path]:
        """Leave out what a project of this program made, as its masks come in by its releases alone."""
        if not ProjectFolder(folder).settings_path.is_file():
            return entries
        made = [entry for entry in entries if entry.is_dir() and entry.name in _OF_PROJECT]
        why = f"it is of the project in {folder}; to add that one, give one of its releases by itself"
        self._left_out += [Failure(key=str(one), reason=why) for one in made]
        return [entry for entry in entries if entry not in made]

    def _leave(self, paths: Sequence[Path] | set[Path], why: str) -> None:
        self._left_out += left_out(paths, why)
