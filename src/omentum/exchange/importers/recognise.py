"""What is in this folder? Every file is a CT, the label of one, or left out for a reason.

In:  a path: a CT, a list (JSON), or a folder in anybody's layout, at any depth.
Out: `Found`: the CTs with their labels and what was made of them before, and why each other file is left
     out. No voxel is read.

How a folder is looked at, the first that fits:

1. A public data set's own layout, where the folder is named as the data set (or `--dataset` says so).
2. A `dataset.json` or other list of CTs: nnU-Net's raw folder, MONAI, the Decathlon.
3. A NIfTI file with a generic name (`ct.nii.gz`, `image.nii.gz`) is the one CT of its folder, and nothing
   beside or below it is another.
4. Else DICOM files are sorted into series by their headers, and each axial CT series is a CT.
5. Else each volume is one, and the folders in it are searched. Left out are files and folders that are
   named as labels: after an organ (`liver.nii.gz`), or with a word such as label, mask, seg or
   segmentation in the name (`labels.nii.gz`, `a_seg.nii.gz`, `labelsTr/`); hidden ones too.

A file that is named itself is always taken.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from omentum.errors import ConfigError, UnreadableImageError
from omentum.exchange.importers.abdomenatlas_tree import TREE_FOLDER, made_before
from omentum.exchange.importers.dataset_descriptions import DataSet, known_data_sets
from omentum.exchange.importers.dataset_json import CaseList, read_list
from omentum.exchange.importers.dataset_layouts import label_of, named_in, sources_laid_out
from omentum.exchange.importers.dicom_files import sources_in_heap
from omentum.exchange.importers.dicom_grouping import is_segmentation
from omentum.exchange.importers.labels import OriginalLabel
from omentum.exchange.importers.source import GENERIC_NAMES, Source, case_id_of, is_label_name, stem_of
from omentum.records import Failure
from omentum.volumes.mask_files import is_label_table
from omentum.volumes.read import NOT_A_CT, is_volume

__all__ = ["Found", "recognise"]

_DICOM_ENDINGS = (".dcm", ".ima")
_CHANNEL = "_0000"
_ORIGINAL = "original_label.nii.gz"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What is in a folder: CTs, and what is left out."""

    sources: tuple[Source, ...]
    left_out: tuple[Failure, ...]


def recognise(path: Path, data_set: DataSet | None = None) -> Found:
    """Look through a file or folder.

    Args:
        path: What to look through; links are followed, each folder once.
        data_set: What it is a copy of; where not said, folders' names tell.

    Raises:
        UnreadableImageError: It is not there, no CT, or a folder with no CT in it.
        ConfigError: No path in it fits the layouts of `data_set`.
    """
    search = _Search(data_set)
    if path.is_dir():
        search.folder(Path(os.path.normpath(path.absolute())))
        search.finish()
        if not search.sources:
            raise UnreadableImageError(path, _nothing(search.left_out), "name the CT or DICOM folder itself")
    elif not path.exists():
        raise UnreadableImageError(path, "there is no such file or folder", "check the path")
    elif path.suffix.lower() == ".json":
        listed = read_list(path)
        if listed is None:
            raise UnreadableImageError(path, "it lists no CTs under `training`", NOT_A_CT)
        search.listed(path.absolute(), listed)
    elif is_volume(path):
        search.take(path.absolute(), data_set)
    else:
        raise UnreadableImageError(path, "it is neither NIfTI nor a folder", NOT_A_CT)
    sources = sorted(search.sources, key=lambda one: (one.path, one.case_id))
    return Found(sources=tuple(sources), left_out=tuple(search.left_out))


class _Search:
    """One look through a folder; what it finds is added up."""

    def __init__(self, data_set: DataSet | None) -> None:
        self.sources: list[Source] = []
        self.left_out: list[Failure] = []
        self._data_set = data_set
        self._dicom: list[Path] = []
        self._visited: set[Path] = set()

    def folder(self, folder: Path) -> None:
        """Look through a folder, by the rules above."""
        if folder.resolve() in self._visited:
            return
        self._visited.add(folder.resolve())
        if self._is_laid_out(folder) or self._is_listed(folder):
            return
        entries = self._shown(folder)
        files = [entry for entry in entries if entry.is_file()]
        volumes = [entry for entry in files if is_volume(entry)]
        generic = [one for one in volumes if stem_of(one).casefold() in GENERIC_NAMES]
        dicom = [entry for entry in files if entry not in volumes and _is_dicom(entry)]
        if generic:
            self._one_ct(folder, generic)
        elif dicom:
            self._dicom += dicom
            self._leave(
                set(files) - set(dicom), "it lies beside DICOM files; give it by itself if it is a CT"
            )
            for entry in entries:
                if entry.is_dir():
                    self.folder(entry)
        else:
            for entry in entries:
                self._entry(entry)

    def finish(self) -> None:
        """Sort the DICOM files that were met."""
        sources, left_out = sources_in_heap(self._dicom)
        self.sources += sources
        self.left_out += left_out

    def take(self, path: Path, data_set: DataSet | None = None) -> None:
        """Take a file or folder for a CT."""
        case_id = case_id_of(path) if data_set is None else named_in(data_set, path)
        name, licence = ("", "") if data_set is None else (data_set.name, data_set.licence)
        self.sources.append(Source(path=path, case_id=case_id, data_set=name, licence=licence))

    def listed(self, path: Path, listed: CaseList) -> None:
        """Take what a list names."""
        for ct, label in listed.pairs:
            if not ct.is_file():
                self._leave([ct], f"{path.name} lists it, and it is not there")
                continue
            meaning = None
            if label is not None and not label.is_file():
                self._leave([label], f"{path.name} lists it, and it is not there")
            elif label is not None and listed.scheme is None:
                why = f"{path.name} names none of our organs; say with --label what its values mean"
                self._leave([label], why)
            elif label is not None and listed.scheme is not None:
                meaning = OriginalLabel(path=label, ids=listed.scheme)
            case_id = case_id_of(ct).removesuffix(_CHANNEL)
            self.sources.append(Source(path=Path(os.path.normpath(ct)), case_id=case_id, label=meaning))

    def _is_laid_out(self, folder: Path) -> bool:
        """Take a data set's own layout; tell whether there was one."""
        data_set = self._data_set or _named_as(folder)
        if data_set is None or not data_set.layouts:
            return False
        files = _below(folder)
        series = {path.parent for path in files if not is_volume(path) and _is_dicom(path)}
        volumes = [path for path in files if is_volume(path)]
        sources, left_out, used = sources_laid_out(folder, [*volumes, *sorted(series)], data_set)
        if not sources:
            if self._data_set is not None:
                layouts = ", ".join(layout.ct for layout in data_set.layouts)
                raise ConfigError(
                    "--dataset", data_set.name, f"nothing in {folder} fits its layouts: {layouts}"
                )
            return False
        self.left_out += left_out
        rest = {path for path in files if path not in used and used.isdisjoint(path.parents)}
        for one in sources:
            is_generic = stem_of(one.path).casefold() in GENERIC_NAMES
            if not is_generic or not (one.path.parent / TREE_FOLDER).is_dir():
                self.sources.append(one)
                continue
            beside = rest.intersection(_below(one.path.parent))
            rest -= beside
            self.sources.append(self._with_made(one, beside))
            rest |= beside
        self._leave(rest, f"the layout of {data_set.name} has no place for it")
        return True

    def _is_listed(self, folder: Path) -> bool:
        """Take the list that lies in a folder; tell whether there was one."""
        for path in sorted(folder.glob("*.json")):
            try:
                listed = read_list(path)
            except ConfigError as error:
                self._leave(_below(folder), str(error))
                return True
            if listed is not None and any(ct.is_file() for ct, _ in listed.pairs):
                self.listed(path, listed)
                named = {
                    Path(os.path.normpath(one)) for pair in listed.pairs for one in pair if one is not None
                }
                self._leave(
                    (one for one in _below(folder) if one not in named), f"{path.name} does not list it"
                )
                return True
        return False

    def _one_ct(self, folder: Path, generic: list[Path]) -> None:
        """Take the CT of a case's folder, with all that AbdomenAtlas keeps beside it."""
        rest = set(_below(folder)) - set(generic)
        for path in generic:
            self.take(path)
        if len(generic) == 1:
            data_set, original = _prefixed(folder.name), folder / _ORIGINAL
            found = self.sources.pop()
            if data_set is not None:
                found = replace(found, data_set=data_set.name, licence=data_set.licence)
            if data_set is not None and original.is_file():
                found = replace(found, label=_label_in(data_set, original))
                rest.discard(original)
            self.sources.append(self._with_made(found, rest))
        self._leave(rest, f"it lies with {generic[0].name}, the one CT of its folder")

    def _with_made(self, source: Source, beside: set[Path]) -> Source:
        """Add to a CT what was made of it before, and leave `beside` what is not told of."""
        made, reasons = made_before(source.path.parent, beside)
        for path, why in reasons.items():
            self._leave([path], why)
        beside.difference_update(made.files, reasons)
        return replace(source, made=made if made.files else None)

    def _entry(self, entry: Path) -> None:
        if is_label_name(stem_of(entry)):
            below = _below(entry) if entry.is_dir() else [entry]
            drawn = [one for one in below if not is_volume(one) and _is_dicom(one) and is_segmentation(one)]
            self._dicom += drawn
            self._leave(set(below) - set(drawn), "it is named as a label; say with --label which CT it is of")
        elif entry.is_dir():
            self.folder(entry)
        elif is_volume(entry):
            self.take(entry)
        else:
            self._leave([entry], "it is no volume and no DICOM file")

    def _shown(self, folder: Path) -> list[Path]:
        entries = sorted(folder.iterdir())
        hidden = [entry for entry in entries if entry.name.startswith(".")]
        self._leave(
            (one for entry in hidden for one in (_below(entry) if entry.is_dir() else [entry])),
            "it is hidden",
        )
        return [entry for entry in entries if entry not in hidden]

    def _leave(self, paths: Iterable[Path], why: str) -> None:
        self.left_out += [Failure(key=str(path), reason=why) for path in sorted(paths)]


def _below(folder: Path) -> list[Path]:
    """List all files below a folder; links are followed, each folder once."""
    found, visited = [], set()
    for root, folders, names in os.walk(folder, followlinks=True):
        real = Path(root).resolve()
        if real in visited:
            folders.clear()
            continue
        visited.add(real)
        found += [Path(root, name) for name in names]
    return sorted(found)


def _is_dicom(path: Path) -> bool:
    """Tell by the ending or by the mark after the preamble; a DICOMDIR lists series and is none."""
    if path.name.upper() == "DICOMDIR":
        return False
    if path.suffix.lower() in _DICOM_ENDINGS:
        return True
    with path.open("rb") as start:
        return start.read(132)[128:] == b"DICM"


def _named_as(folder: Path) -> DataSet | None:
    name = folder.name.casefold()
    return next((one for one in known_data_sets() if name in one.folder_names), None)


def _label_in(data_set: DataSet, path: Path) -> OriginalLabel:
    """Say what the label of a case's folder means; a release's own has our indices, and says so beside it."""
    label = label_of(data_set, path)
    if not is_label_table(path.with_name("labels.json")):
        return label
    return replace(label, ids="omentum", organs=data_set.scheme.organs)


def _prefixed(name: str) -> DataSet | None:
    """Find the data set whose name a case's folder begins with, as in AbdomenAtlas."""
    fits = [one for one in known_data_sets() if name.startswith(f"{one.name}_")]
    return max(fits, key=lambda one: len(one.name), default=None)


def _nothing(left_out: list[Failure]) -> str:
    seen = "no CT is in it (label files and hidden ones are not taken for CTs)"
    reasons = dict.fromkeys(one.reason for one in left_out)
    return (
        seen if not reasons else f"{seen}: {len(left_out)} files are left out, such as {left_out[0].reason}"
    )
