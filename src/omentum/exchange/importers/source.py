"""What is a CT that may come in, and what is it called?

In:  a path.
Out: `Source`, with the `case_id` that it will have; and what files' names tell of what they are.
"""

import os
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from omentum.errors import UnknownOrganError
from omentum.exchange.importers.abdomenatlas_tree import MadeBefore
from omentum.exchange.importers.labels import OriginalLabel
from omentum.volumes.itk_io import ITK_ENDINGS
from omentum.volumes.labels import organ

__all__ = ["GENERIC_NAMES", "LABEL_WORDS", "Source", "case_id_of", "is_label_name", "safe_name", "stem_of"]

GENERIC_NAMES = frozenset(
    ["ct", "dcm", "dicom", "image", "images", "imaging", "img", "scan", "series", "volume"]
)
"""Names of files and folders that say nothing of the case; the folder above names it then."""

LABEL_WORDS = frozenset(
    ["label", "labelmap", "labels", "labelstr", "labelsts", "labelsva", "gt", "mask", "masks", "pseudo"]
) | frozenset(["attention", "probabilities", "revised", "seg", "segmentation", "segmentations", "segs"])
"""A file or folder with one of these words in its name is no CT, when a folder is searched."""

_LONGEST_NAME = 100
_ENDINGS = re.compile(rf"(\.nii|\.nii\.gz|{'|'.join(re.escape(one) for one in ITK_ENDINGS)})$", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A CT that can be added to a project.

    Attributes:
        path: A NIfTI, NRRD or MetaImage file, or a folder with a DICOM series.
        case_id: The name that it will have.
        files: The files of the series, where the folder holds others too.
        label: Its original label, where the layout says which that is.
        data_set: Name of the data set that it is of; empty where nobody knows.
        licence: Of that data set, where its description states one.
        patient: Who it is of, where the data set says; the same text is the same patient.
        made: What networks and readers made of it before, where it lies in an AbdomenAtlas tree.
    """

    path: Path
    case_id: str
    files: tuple[Path, ...] = ()
    label: OriginalLabel | None = None
    data_set: str = ""
    licence: str = ""
    patient: str | None = None
    made: MadeBefore | None = None

    def beside(self, pattern: str) -> Path | None:
        """Find a file that goes with this CT, such as its labels; `None` where there is none.

        Args:
            pattern: A path from the folder that the CT lies in; `{name}` stands for the CT's own name
                without its ending: `labels.nii.gz`, `{name}_seg.nii.gz`, `../labelsTr/{name}.nii.gz`.
        """
        path = self.path.parent / pattern.replace("{name}", stem_of(self.path))
        return path if path.is_file() else None


def case_id_of(path: Path) -> str:
    """Name a case by its file or folder, or by the folder above where that name is generic.

    Letters lose their accents; what is no letter, digit or one of `._-` becomes `_`, so that every
    system can have a folder of that name.

    Example:
        >>> case_id_of(Path("/data/BTCV_0002.nii.gz")), case_id_of(Path("/data/chaos_03/dicom"))
        ('BTCV_0002', 'chaos_03')
    """
    whole = Path(os.path.normpath(path.absolute()))
    names = [stem_of(whole), *(parent.name for parent in whole.parents)]
    telling = (name for name in names if name and name.casefold() not in GENERIC_NAMES)
    return safe_name(next(telling, names[0]))


def safe_name(name: str) -> str:
    """Give a name that every system can have a folder of."""
    plain = "".join(
        letter for letter in unicodedata.normalize("NFKD", name) if not unicodedata.combining(letter)
    )
    safe = re.sub(r"\.{2,}", ".", re.sub(r"[^A-Za-z0-9._-]+", "_", plain)).lstrip(".")
    return safe[:_LONGEST_NAME] or "case"


def stem_of(path: Path) -> str:
    """Give a file's name without the ending of a volume; a folder's as it is."""
    return path.name if path.is_dir() else _ENDINGS.sub("", path.name)


def is_label_name(name: str) -> bool:
    """Tell by its name whether a file or folder holds labels and no CTs.

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
