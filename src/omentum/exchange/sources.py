"""Which CTs are in these files and folders, and what is each called?

In:  paths: a NIfTI CT, a DICOM folder, or a folder that holds several of either, at any depth.
Out: one `Source` a CT, with the `case_id` that it will have. No voxel is read.

What is taken for a CT in a folder that is searched:

1. A NIfTI file with a generic name (`ct.nii.gz`, `image.nii.gz`) is the one CT of its folder, and nothing
   beside or below it is another.
2. Else a folder with DICOM files is one CT.
3. Else each NIfTI file is one, and the folders in it are searched. Left out are files and folders that
   are named as labels: after an organ (`liver.nii.gz`), or with a word such as label, mask, seg or
   segmentation in the name (`labels.nii.gz`, `a_seg.nii.gz`, `labelsTr/`); hidden ones too.

A file that is named itself is always taken.
"""

import os
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from omentum.errors import CaseClashError, ImageError, UnknownOrganError, UnreadableImageError
from omentum.records import Failure
from omentum.volumes.labels import organ
from omentum.volumes.nifti import is_nifti

__all__ = ["GENERIC_NAMES", "LABEL_WORDS", "Source", "case_id_of", "find_sources", "usable_sources"]

GENERIC_NAMES = frozenset(
    ["ct", "dcm", "dicom", "image", "images", "imaging", "img", "scan", "series", "volume"]
)
"""Names of files and folders that say nothing of the case; the folder above names it then."""

LABEL_WORDS = frozenset(
    ["label", "labelmap", "labels", "labelstr", "labelsts", "labelsva", "gt", "mask", "masks", "pseudo"]
) | frozenset(["attention", "probabilities", "revised", "seg", "segmentation", "segmentations", "segs"])
"""A file or folder with one of these words in its name is no CT, when a folder is searched."""

_DICOM_ENDINGS = (".dcm", ".ima")
_LONGEST_NAME = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A CT that can be added to a project.

    Attributes:
        path: A NIfTI file, or a folder with one DICOM series.
        case_id: The name that it will have.
    """

    path: Path
    case_id: str

    def beside(self, pattern: str) -> Path | None:
        """Find a file that goes with this CT, such as its labels; `None` where there is none.

        Args:
            pattern: A path from the folder that the CT lies in; `{name}` stands for the CT's own name
                without its ending: `labels.nii.gz`, `{name}_seg.nii.gz`, `../labelsTr/{name}.nii.gz`.
        """
        path = self.path.parent / pattern.replace("{name}", _stem(self.path))
        return path if path.is_file() else None


def find_sources(paths: Sequence[Path]) -> list[Source]:
    """Find the CTs in files and folders; one that is met twice is given once.

    Returns:
        In the order of `paths`, and by name within a folder.

    Raises:
        UnreadableImageError: A path is not there, no NIfTI file, or a folder with no CT in it.
        CaseClashError: Two CTs would have one `case_id`; upper and lower case are not told apart, as
            some disks do not.
    """
    found: dict[str, Source] = {}
    for path in paths:
        for ct_path in _cts_at(path):
            source = Source(path=ct_path.absolute(), case_id=case_id_of(ct_path))
            first = found.setdefault(source.case_id.casefold(), source)
            if first.path.resolve() != ct_path.resolve():
                raise CaseClashError(source.case_id, ct_path, first.path)
    return list(found.values())


def case_id_of(path: Path) -> str:
    """Name a case by its file or folder, or by the folder above where that name is generic.

    Letters lose their accents; what is no letter, digit or one of `._-` becomes `_`, so that every
    system can have a folder of that name.

    Example:
        >>> case_id_of(Path("/data/BTCV_0002.nii.gz")), case_id_of(Path("/data/chaos_03/dicom"))
        ('BTCV_0002', 'chaos_03')
    """
    whole = Path(os.path.normpath(path.absolute()))
    names = [_stem(whole), *(parent.name for parent in whole.parents)]
    telling = (name for name in names if name and name.casefold() not in GENERIC_NAMES)
    return _safe(next(telling, names[0]))


def _safe(name: str) -> str:
    plain = "".join(
        letter for letter in unicodedata.normalize("NFKD", name) if not unicodedata.combining(letter)
    )
    safe = re.sub(r"\.{2,}", ".", re.sub(r"[^A-Za-z0-9._-]+", "_", plain)).lstrip(".")
    return safe[:_LONGEST_NAME] or "case"


def _stem(path: Path) -> str:
    if path.is_dir():
        return path.name
    return re.sub(r"\.nii(\.gz)?$", "", path.name, flags=re.IGNORECASE)


def _cts_at(path: Path) -> list[Path]:
    if path.is_dir():
        found = list(_cts_in(path, set()))
        if not found:
            seen = "no CT is in it (label files and hidden ones are not taken for CTs)"
            raise UnreadableImageError(path, seen, "name the .nii, .nii.gz or DICOM folder itself")
        return found
    if not path.exists():
        raise UnreadableImageError(path, "there is no such file or folder", "check the path")
    if not is_nifti(path):
        raise UnreadableImageError(
            path, "it is neither NIfTI nor a folder", "give .nii, .nii.gz or a DICOM folder"
        )
    return [path]


def _cts_in(folder: Path, visited: set[Path]) -> Iterator[Path]:
    """Search a folder by the rules above; links are followed, each folder once."""
    if folder.resolve() in visited:
        return
    visited.add(folder.resolve())
    entries = sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
    volumes = {entry for entry in entries if is_nifti(entry) and entry.is_file()}
    generic = [volume for volume in sorted(volumes) if _stem(volume).casefold() in GENERIC_NAMES]
    if generic:
        yield from generic
    elif any(_is_dicom(entry) for entry in entries if entry not in volumes):
        yield folder
    else:
        for entry in entries:
            if _is_label_name(_stem(entry)):
                continue
            if entry.is_dir():
                yield from _cts_in(entry, visited)
            elif entry in volumes:
                yield entry


def _is_dicom(path: Path) -> bool:
    """Tell by the ending or by the mark after the preamble; a DICOMDIR lists series and is none."""
    if not path.is_file() or path.name.upper() == "DICOMDIR":
        return False
    if path.suffix.lower() in _DICOM_ENDINGS:
        return True
    with path.open("rb") as start:
        return start.read(132)[128:] == b"DICM"


def _is_label_name(name: str) -> bool:
    words = re.findall(r"[a-z]+", name.casefold())
    return not LABEL_WORDS.isdisjoint(words) or _is_organ(name)


def _is_organ(name: str) -> bool:
    try:
        organ(name)
    except UnknownOrganError:
        return False
    return True


def usable_sources(paths: Sequence[Path]) -> tuple[list[Source], list[Failure]]:
    """Find the CTs in files and folders; of several paths, one that holds none is set aside.

    Returns:
        The CTs, and the paths that hold none with the reason.

    Raises:
        UnreadableImageError: The only path there is holds none.
        CaseClashError: Two CTs would have one `case_id`.
    """
    failures = []
    for path in paths if len(paths) > 1 else ():
        try:
            find_sources([path])
        except ImageError as error:
            failures.append(Failure(key=str(path), reason=str(error)))
    bad = {failure.key for failure in failures}
    usable = [path for path in paths if str(path) not in bad]
    return find_sources(usable), failures
