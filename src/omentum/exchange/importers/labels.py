"""Read the original label of a CT, in any form that data sets have, as our organs.

In:  a label map, a folder with one file an organ, slices of a mask as PNG, DICOM-SEG or RTSTRUCT.
Out: 32-class indices on the CT's grid, and notes for a person.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Any

import fastremap
import numpy as np
import numpy.typing as npt

from omentum.errors import ConfigError, LabelValueError, UnreadableImageError
from omentum.exchange.importers.transfer_labels import TransferredLabel, paint_masks, transfer_map
from omentum.exchange.importers.value_maps import read_map, read_segments
from omentum.exchange.importers.value_meaning import Numbering
from omentum.volumes.geometry import Geometry
from omentum.volumes.hidden_files import is_hidden
from omentum.volumes.label_schemes import LabelScheme, label_scheme
from omentum.volumes.labels import organ, organs_named
from omentum.volumes.library_errors import reading
from omentum.volumes.read import is_volume
from omentum.volumes.segmentations import read_mask
from omentum.volumes.stated_names import names_segments, stated_names
from omentum.volumes.volume import Volume

__all__ = ["NAMED", "OriginalLabel", "read_original"]

_CURE = "say with --label-organs which were looked for"


NAMED = ""
"""Ids of a label map whose values have names, in its header or in a table beside it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginalLabel:
    """The label of one CT in a data set.

    Attributes:
        path: A label map on the CT's grid; a folder with one file an organ, or with PNG slices of a mask; a
            DICOM-SEG or RTSTRUCT file.
        ids: What its values mean: a scheme, or the name of one, as of `label_scheme`; `NAMED` if names in the
            file or beside it say that. Files of organs then have our names.
        organs: Organs that the data set annotates, by default all of `ids`; others are dropped.
        only_present: Whether an organ without a voxel is unknown, as not every case is annotated in full.
        parts: Further DICOM-SEG files, of other organs.
        time: When it came into the project whose release has it; `None` if it comes in now.

    Raises:
        UnknownOrganError: `organs` names no organ.
        ConfigError: No scheme is named `ids`, or it has no value for an organ of `organs`.
    """

    path: Path
    ids: str | LabelScheme = NAMED
    organs: tuple[str, ...] = ()
    only_present: bool = False
    parts: tuple[Path, ...] = ()
    time: datetime | None = None

    def __post_init__(self) -> None:
        """Check names before any volume is read, and put the organs in order."""
        known = self.scheme.organs
        organs = tuple(row.name for row in organs_named(self.organs))
        for name in organs:
            if name not in known:
                rule = f"{self.scheme.name!r} has values for {', '.join(known)} only"
                raise ConfigError("organs", name, rule)
        object.__setattr__(self, "organs", organs)

    @property
    def scheme(self) -> LabelScheme:
        """What values, and names of organs' files, mean; our own numbering if `NAMED`."""
        ids = self.ids or "omentum"
        return label_scheme(ids, self.path.parent) if isinstance(ids, str) else ids

    @property
    def numbering(self) -> Numbering | None:
        """What its values mean, as a user or a data set says; `None` if neither does."""
        if self.ids == NAMED:
            return None
        return Numbering(scheme=self.scheme, is_of_data_set=isinstance(self.ids, LabelScheme))

    @property
    def may_have_pairs(self) -> bool:
        """Whether left and right may have to be told apart.

        Raises:
            ImageError: The header of the file cannot be read, or its names contradict each other.
        """
        if self.path.is_dir() or self.scheme.joined:
            return bool(self.scheme.joined)
        if not is_volume(self.path) or names_segments(self.path):
            return True
        numbering = self.numbering
        stated = stated_names(self.path, is_mask=numbering is not None and numbering.is_mask)
        return stated is not None and bool(stated.scheme.joined)


def read_original(
    label: OriginalLabel,
    geometry: Geometry,
    *,
    middle_mm: float | None = None,
    slices: Sequence[Path] = (),
) -> TransferredLabel:
    """Read a label as 32-class indices.

    Args:
        label: The label.
        geometry: The CT's grid.
        middle_mm: Middle of the body along R, as of `transfer_map`.
        slices: The CT's DICOM files by rising position; masks as PNG go by their names, and DICOM
            segmentations by their frame of reference.

    Raises:
        LabelValueError: It has values that `label` does not name, or names that contradict it; or nothing
            says what its values mean.
        GridMismatchError: It does not lie on the CT's grid.
        ImageError: It cannot be read.
    """
    with reading(label.path):
        return _read(label, geometry, middle_mm, slices)


def _read(
    label: OriginalLabel, geometry: Geometry, middle_mm: float | None, slices: Sequence[Path]
) -> TransferredLabel:
    if label.path.is_dir() and (pictures := _pictures(label.path)):
        own = Volume(_stacked(label.path, pictures, geometry, slices), geometry)
        result = transfer_map(own.voxels, geometry, label.scheme, middle_mm=middle_mm, where=label.path)
        return _annotated(label, result)
    if is_volume(label.path) and not label.path.is_dir():
        read = read_segments if names_segments(label.path) else read_map
        return _annotated(label, read(label.path, label.numbering, geometry, middle_mm=middle_mm))
    notes: list[str] = []
    result = paint_masks(_masks(label, geometry, slices, notes.append), geometry, middle_mm=middle_mm)
    return _annotated(label, replace(result, notes=(*notes, *result.notes)))


def _pictures(folder: Path) -> list[Path]:
    return sorted((path for path in folder.glob("*.png") if not is_hidden(path)), key=_number_in_name)


def _masks(
    label: OriginalLabel, geometry: Geometry, slices: Sequence[Path], on_note: Callable[[str], None]
) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    if label.path.is_dir():
        return _organ_files(label, geometry)
    from omentum.exchange.importers.dicom_masks import dicom_masks  # loads pydicom

    files = (dicom_masks(one, geometry, slices=slices, on_note=on_note) for one in (label.path, *label.parts))
    return chain.from_iterable(files)


def _annotated(label: OriginalLabel, result: TransferredLabel) -> TransferredLabel:
    """Keep the organs that the data set annotates and, where only those with a voxel are known, these."""
    wanted = [name for name in result.organs if name in label.organs or not label.organs]
    notes = result.notes
    there = set(fastremap.unique(result.labels).tolist())
    absent = [name for name in wanted if organ(name).index not in there]
    if label.only_present:
        wanted = [name for name in wanted if name not in absent]
    elif not label.organs and (unsure := [name for name in absent if name in result.listed]):
        wanted = [name for name in wanted if name not in unsure]
        notes = (*notes, f"{len(unsure)} organs have a name and no voxel, and are unknown; {_CURE}")
    keep = np.zeros(256, dtype=np.uint8)
    for name in wanted:
        keep[organ(name).index] = organ(name).index
    return TransferredLabel(labels=keep[result.labels], organs=tuple(wanted), notes=notes)


def _organ_files(label: OriginalLabel, geometry: Geometry) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    """Read the masks of organs one after another; an organ with a missing part is unknown."""
    n_found = 0
    for name, stems in label.scheme.files.items():
        if label.organs and name not in label.organs:
            continue
        paths = [_volume(label.path, stem) for stem in stems]
        if None in paths:
            paths = [_volume(label.path, organ(name).published_name)]
        for path in paths:
            if path is not None:
                n_found += 1
                yield name, _one_valued(path, geometry)
    if not n_found:
        seen = f"no file in it is named as {label.scheme.name!r} names organs"
        raise UnreadableImageError(label.path, seen, "say which ids it uses")


def _volume(folder: Path, stem: str) -> Path | None:
    found = (path for path in folder.glob(f"{stem}.*") if is_volume(path))
    return min(found, default=None)


def _one_valued(path: Path, geometry: Geometry) -> npt.NDArray[Any]:
    mask = read_mask(path, geometry).voxels
    values = np.unique(mask[mask > 0])
    if len(values) > 1:
        seen = f"it holds the values {', '.join(map(str, values))}, and an organ's file holds one beside 0"
        raise LabelValueError(path, seen, "save each organ as a file of its own")
    return mask


def _stacked(
    folder: Path, pictures: Sequence[Path], geometry: Geometry, slices: Sequence[Path]
) -> npt.NDArray[np.uint8]:
    """Stack PNG slices, the n-th by number for the n-th DICOM file by name; 1 where they are not black."""
    x, y, z = geometry.shape
    if len(pictures) != z or len(slices) != z:
        seen = f"it holds {len(pictures)} slices, and the series {len(slices) or 'no files and'} {z}"
        raise UnreadableImageError(folder, seen, "give one PNG for each DICOM file of the CT")
    import SimpleITK as sitk

    place = {path: number for number, path in enumerate(slices)}
    labels = np.zeros(geometry.shape, dtype=np.uint8, order="F")
    for picture, path in zip(pictures, sorted(slices), strict=True):
        try:
            pixels = sitk.GetArrayFromImage(sitk.ReadImage(str(picture)))
        except RuntimeError:
            raise UnreadableImageError(picture, "it is no PNG", "copy it again from its source") from None
        if pixels.shape != (y, x):
            seen = f"it has {pixels.shape[:2]} rows and columns, the CT {(y, x)}"
            raise UnreadableImageError(picture, seen, "give slices as large as the CT's")
        labels[:, :, place[path]] = pixels.T > 0
    return labels


def _number_in_name(path: Path) -> tuple[int, str]:
    numbers = re.findall(r"\d+", path.stem)
    return (int(numbers[-1]) if numbers else -1, path.name)
