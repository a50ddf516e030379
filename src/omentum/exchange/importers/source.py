"""Describe a CT that a search found, and what came with it.

Out: `Source`, one a CT; `FoundSources`, the result of a search; helpers that read files' names only.
"""

import os
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from omentum.errors import UnknownOrganError
from omentum.exchange.importers.labels import OriginalLabel
from omentum.names import distinct_name, safe_name
from omentum.records import Failure
from omentum.records.released_cases import ReleasedOrigin
from omentum.volumes.itk_io import ITK_ENDINGS
from omentum.volumes.labels import organ

__all__ = [
    "GENERIC_NAMES",
    "LABEL_WORDS",
    "FoundSources",
    "RevisionFile",
    "Source",
    "case_id_of",
    "distinctly_named",
    "files_below",
    "is_label_name",
    "left_out",
    "stem_of",
    "telling_name",
]

GENERIC_NAMES = frozenset(
    ["ct", "dcm", "dicom", "image", "images", "imaging", "img", "scan", "series", "volume"]
)
"""Names of files and folders that identify no case; the folder above then names it."""

LABEL_WORDS = frozenset(
    ["label", "labelmap", "labels", "labelstr", "labelsts", "labelsva", "gt", "mask", "masks", "pseudo"]
) | frozenset(["attention", "probabilities", "revised", "seg", "segmentation", "segmentations", "segs"])
"""Words in the names of label files and folders."""

_ENDINGS = re.compile(
    rf"(\.nii|\.nii\.gz|\.hdr|\.hdr\.gz|\.img|\.img\.gz|{'|'.join(re.escape(one) for one in ITK_ENDINGS)})$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionFile:
    """A mask that a reader revised.

    Attributes:
        organ: Its organ.
        path: `<organ>_revised.nii.gz`.
        shown: The mask that the reader began with, beside it; `None` if it is not there.
        network: The network that made `shown`: a name in `backbones/`, or `average`.
    """

    organ: str
    path: Path
    shown: Path | None = None
    network: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A CT that can be added to a project, with what came with it.

    Attributes:
        path: A NIfTI, NRRD or MetaImage file, or a folder with a DICOM series.
        case_id: The name that it will have.
        files: The files of the series, if the folder holds others too.
        label: Its original label, if the layout says which that is.
        data_set: Name of its data set; empty if unknown.
        licence: Of the data set; empty if unknown.
        patient: The patient, if the data set says; equal texts are one patient.
        network_folders: Predictions in an AbdomenAtlas tree: one folder a network, named as the network.
        revisions: Readers' masks in an AbdomenAtlas tree, one an organ.
        released: What a release of another project says of it, if it comes from one.
    """

    path: Path
    case_id: str
    files: tuple[Path, ...] = ()
    label: OriginalLabel | None = None
    data_set: str = ""
    licence: str = ""
    patient: str | None = None
    network_folders: tuple[Path, ...] = ()
    revisions: tuple[RevisionFile, ...] = ()
    released: ReleasedOrigin | None = None

    def beside(self, pattern: str) -> Path | None:
        """Find a file that goes with this CT, such as its labels; `None` if there is none.

        Args:
            pattern: A path from the CT's folder; `{name}` stands for the CT's own name without its ending:
                `labels.nii.gz`, `{name}_seg.nii.gz`, `../labelsTr/{name}.nii.gz`.
        """
        path = self.path.parent / pattern.replace("{name}", stem_of(self.path))
        return path if path.is_file() else None


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundSources:
    """What files and folders hold.

    Attributes:
        sources: The CTs, in the order of the paths, and by name within a folder.
        unusable: Paths without a CT, and CTs whose name another one has, with the reason.
        left_out: Other files, with the reason.
    """

    sources: tuple[Source, ...] = ()
    unusable: tuple[Failure, ...] = ()
    left_out: tuple[Failure, ...] = ()


def left_out(paths: Iterable[Path], why: str) -> list[Failure]:
    """Leave files out, all for one reason."""
    return [Failure(key=str(path), reason=why) for path in sorted(paths)]


def case_id_of(path: Path) -> str:
    """Name a case by its file or folder, or by the folder above where that name is generic.

    See `safe_name` for the characters that stay.

    Example:
        >>> case_id_of(Path("/data/BTCV_0002.nii.gz")), case_id_of(Path("/data/chaos_03/dicom"))
        ('BTCV_0002', 'chaos_03')
    """
    return safe_name(telling_name(path))


def telling_name(path: Path) -> str:
    """Give the name of a file without its ending, or of the first folder above that is not generic."""
    whole = Path(os.path.normpath(path.absolute()))
    names = [stem_of(whole), *(parent.name for parent in whole.parents)]
    telling = (name for name in names if name and name.casefold() not in GENERIC_NAMES)
    return next(telling, names[0])


def distinctly_named(sources: Sequence[Source]) -> list[Source]:
    """Give CTs whose names differ names that differ: with a hash, where characters had to be replaced.

    Example:
        >>> found = [Source(path=Path(f"/{name}.nii"), case_id="P_1") for name in ("P 1", "P_1")]
        >>> [one.case_id for one in distinctly_named(found)]
        ['P_1-6b906186', 'P_1']
    """
    names = [unicodedata.normalize("NFC", telling_name(one.path)) for one in sources]
    by_id: dict[str, set[str]] = {}
    for source, name in zip(sources, names, strict=True):
        by_id.setdefault(source.case_id.casefold(), set()).add(name)
    return [
        one
        if len(by_id[one.case_id.casefold()]) == 1 or one.case_id.endswith(name)
        else replace(one, case_id=distinct_name(one.case_id, name))
        for one, name in zip(sources, names, strict=True)
    ]


def stem_of(path: Path) -> str:
    """Strip the ending of a volume from a file's name; a folder's name stays."""
    return path.name if path.is_dir() else _ENDINGS.sub("", path.name)


def is_label_name(name: str) -> bool:
    """Decide by its name whether a file or folder holds labels.

    Example:
        >>> is_label_name("a_seg"), is_label_name("liver"), is_label_name("liver_12")
        (True, True, False)
    """
    words = re.findall(r"[a-z]+", name.casefold())
    return not LABEL_WORDS.isdisjoint(words) or _is_organ(name)


def _is_organ(name: str) -> bool:
    try:
        organ(name)
    except UnknownOrganError:
        return False
    return True


def files_below(folder: Path) -> list[Path]:
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
