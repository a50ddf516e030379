"""Read a label file that a program submits, by the names of its labels, and find the masks that were changed.

In:  a label map whose names come beside it, or a file that names its segments itself.
Out: the mask of each organ that it names; against the masks that were given, those that were changed.
Numbers alone say nothing: programs number their segments as they like.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from omentum.errors import LabelValueError, TooLargeError, UnknownOrganError, UnreadableImageError
from omentum.review.file_names import nearest_organ
from omentum.volumes.boxes import BoxedArray, BoxedMask, box_shape, joint_box
from omentum.volumes.geometry import Geometry
from omentum.volumes.label_values import as_labels, label_boxes, values_shown
from omentum.volumes.labels import ORGANS, organ
from omentum.volumes.lattice import full_placement
from omentum.volumes.library_errors import reading
from omentum.volumes.organ_words import organ_in_words
from omentum.volumes.read import read_volume
from omentum.volumes.segmentations import open_segments
from omentum.volumes.stated_names import names_segments

__all__ = ["ENDINGS", "NamedValue", "ShownPart", "SubmittedMasks", "changed_part", "read_submitted"]

ENDINGS = (".nii.gz", ".nii", ".seg.nrrd", ".nrrd")
"""Of label files that are taken: formats of one file."""
SCRATCH_NAMES = ("background", "background_scribbles", "foreground_scribbles")
"""Segments that 3D Slicer's MONAI Label module adds for its own use."""
_MOST_LAYERS = len(ORGANS)
_OTHER_FILE = re.compile(rb"^\s*data ?file\s*:", re.IGNORECASE | re.MULTILINE)
_HEADER_ENDS = re.compile(rb"\r?\n\r?\n")
_MOST_HEADER_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedValue:
    """What a value of a label map means."""

    name: str
    value: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SubmittedMasks:
    """The masks of a label file."""

    parts: Mapping[str, BoxedMask | None]
    """By organ, on the CT's grid; `None` is without a voxel."""
    unknown: tuple[str, ...] = ()
    """Names that are no organ's, and have no voxel."""
    is_empty: bool = field(init=False)
    """Whether no organ has a voxel."""

    def __post_init__(self) -> None:
        """Note whether there is anything."""
        object.__setattr__(self, "is_empty", all(part is None for part in self.parts.values()))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ShownPart:
    """The mask of an organ that a program was given."""

    whole: BoxedMask | None
    visible: BoxedMask | None
    """What of it was to be seen, and could be erased; the rest lay below other organs."""


def read_submitted(path: Path, grid: Geometry, named: Sequence[NamedValue]) -> SubmittedMasks:
    """Read the masks of a label file by the names of its labels.

    Args:
        path: A NIfTI, NRRD or MetaImage file.
        grid: The CT's grid; the axes of the file may have another order and direction.
        named: What its values mean; not needed where its header names segments.

    Raises:
        LabelValueError: A name is no organ's, two names mean one organ, or a value has no name.
        GridMismatchError: It is on another grid than the CT.
        TooLargeError: It holds more voxels than the CT has in one layer an organ.
        ImageError: It cannot be read.
    """
    if not path.name.lower().endswith(ENDINGS):
        raise UnreadableImageError(path, "it is no label file that is taken", f"send {', '.join(ENDINGS)}")
    with reading(path):
        _require_one_file(path)
        if names_segments(path):
            return _segments(path, grid)
        return _label_map(path, grid, named)


def changed_part(
    name: str, submitted: Mapping[str, BoxedMask | None], shown: ShownPart
) -> tuple[bool, BoxedMask | None]:
    """Tell whether an organ was changed, and give its mask as it is now; `None` is without a voxel.

    It is what it was, with the voxels that were painted and without those that were erased. A tumour painted
    onto its organ takes nothing away from that.

    Args:
        name: The organ.
        submitted: All masks of the file.
        shown: The mask that the program was given.
    """
    now = submitted[name]
    box = joint_box(part.box for part in (now, shown.whole) if part is not None)
    if box is None:
        return False, None

    def crop(part: BoxedMask | None) -> npt.NDArray[np.bool_]:
        return np.zeros(box_shape(box), dtype=np.bool_) if part is None else part.crop(box)

    whole, painted, erased = crop(shown.whole), crop(now), crop(shown.visible)
    erased &= ~painted
    for row in ORGANS:
        if name in row.hosts and submitted.get(row.name) is not None:
            erased &= ~crop(submitted[row.name])
    became = (whole | painted) & ~erased
    return not np.array_equal(became, whole), BoxedArray(box, became).tight()


def _require_one_file(path: Path) -> None:
    """Refuse an NRRD header that names another file, which would be read from the disk of this machine."""
    if path.suffix.lower() != ".nrrd":
        return
    with path.open("rb") as file:
        beginning = file.read(_MOST_HEADER_BYTES)
    header, *voxels = _HEADER_ENDS.split(beginning, maxsplit=1)
    if not voxels or _OTHER_FILE.search(header):
        seen = "its header names another file, or has no end"
        raise UnreadableImageError(path, seen, "save header and voxels in one file")


def _segments(path: Path, grid: Geometry) -> SubmittedMasks:
    """Read a file whose header names segments."""
    _require_bounded(path, grid)
    opened = open_segments(path, grid)
    parts = [
        (one.name or "", BoxedArray.cut_out(opened.mask(one).mask))
        for one in opened.segments
        if one.name not in SCRATCH_NAMES
    ]
    return _by_organ(path, parts)


def _require_bounded(path: Path, grid: Geometry) -> None:
    """Refuse a file that inflates to far more than a segmentation of the CT can have."""
    import SimpleITK as sitk  # slow to import

    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    reader.ReadImageInformation()
    n_voxels = int(np.prod([int(side) for side in reader.GetSize()])) * reader.GetNumberOfComponents()
    most = _MOST_LAYERS * int(np.prod(grid.shape))
    if n_voxels > most:
        raise TooLargeError(f"the file holds {n_voxels} voxels, and {most} are the most; crop it to the CT")


def _label_map(path: Path, grid: Geometry, named: Sequence[NamedValue]) -> SubmittedMasks:
    """Read a label map whose names came beside it."""
    named = [one for one in named if one.name not in SCRATCH_NAMES]
    volume = read_volume(path, check=partial(full_placement, path, ct=grid))
    labels = full_placement(path, volume.geometry, grid).turned(as_labels(path, volume.voxels))
    boxes = label_boxes(labels)
    _check_values(path, list(boxes), named)
    parts = []
    for one in named:
        box = boxes.get(one.value)
        parts.append((one.name, None if box is None else BoxedArray(box, labels[box] == one.value)))
    return _by_organ(path, parts)


def _check_values(path: Path, found: Sequence[int], named: Sequence[NamedValue]) -> None:
    """Refuse values without a name, and numbers that can be read in two ways."""
    values = [one.value for one in named]
    cure = 'send `label_info` as 3D Slicer does, `[{"name": "liver", "idx": 1}]`, or a .seg.nrrd'
    if unnamed := sorted(set(found) - set(values)):
        seen = f"it holds {values_shown(unnamed)}, and its `label_info` names {_listed(named)}"
        raise LabelValueError(path, seen, cure)
    if len(set(values)) < len(values):
        raise LabelValueError(path, f"its `label_info` gives one number twice: {_listed(named)}", cure)
    if found and set(values) != set(range(1, len(values) + 1)) and max(found) <= len(values):
        seen = (
            f"its `label_info` leaves out a number ({_listed(named)}), and its values may be counted without"
        )
        raise LabelValueError(
            path, f"{seen} the gap", f"number the labels from 1 to {len(values)}, or send a .seg.nrrd"
        )


def _listed(named: Iterable[NamedValue]) -> str:
    return ", ".join(f"{one.name!r} {one.value}" for one in named) or "nothing"


def _by_organ(path: Path, parts: Collection[tuple[str, BoxedMask | None]]) -> SubmittedMasks:
    """Map names to organs; a name that has voxels and is none is refused."""
    found: dict[str, BoxedMask | None] = {}
    names: dict[str, str] = {}
    unknown = {name: part for name, part in parts if _organ_named(name) is None}
    if with_voxels := [name for name, part in unknown.items() if part is not None]:
        seen = f"no organ is called {', '.join(map(_hinted, with_voxels))}"
        raise LabelValueError(path, seen, "rename the segments; nothing of the file was taken")
    for name, part in parts:
        if (known := _organ_named(name)) is None:
            continue
        if known in found:
            seen = f"its labels {names[known]!r} and {name!r} both mean {known}"
            raise LabelValueError(path, seen, "join or rename them")
        found[known], names[known] = part, name
    return SubmittedMasks(parts=found, unknown=tuple(unknown))


def _organ_named(name: str) -> str | None:
    """Find the organ of a name; numbers in a name are no organ's."""
    try:
        return organ(name).name
    except UnknownOrganError:
        return organ_in_words(name)


def _hinted(name: str) -> str:
    nearest = nearest_organ(name)
    return f"{name!r} (did you mean {nearest}?)" if nearest else repr(name)
