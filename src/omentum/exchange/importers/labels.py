"""Read the original label of a CT, in any form that data sets have, as our organs.

In:  a label map, a folder with one file an organ, slices of a mask as PNG, DICOM-SEG or RTSTRUCT.
Out: 32-class indices on the CT's grid, and notes for a person.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from omentum.errors import ConfigError, LabelValueError, UnreadableImageError
from omentum.exchange.importers.transfer_labels import TransferredLabel, paint_masks, transfer_map
from omentum.volumes.geometry import Geometry
from omentum.volumes.hidden_files import is_hidden
from omentum.volumes.label_schemes import LabelScheme, label_scheme
from omentum.volumes.labels import organ, organs_named
from omentum.volumes.read import is_volume
from omentum.volumes.segmentations import read_mask
from omentum.volumes.volume import Volume

__all__ = ["OriginalLabel", "read_original"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginalLabel:
    """The label of one CT in a data set.

    Attributes:
        path: A label map on the CT's grid; a folder with one file an organ, or with PNG slices of a mask; a
            DICOM-SEG or RTSTRUCT file.
        ids: What its values mean: a scheme, or the name of one, as of `label_scheme`.
        organs: Organs that the data set annotates, by default all of `ids`; others are dropped.
        only_present: Whether an organ without a voxel is unknown, as not every case is annotated in full.

    Raises:
        UnknownOrganError: `organs` names no organ.
        ConfigError: No scheme is named `ids`, or it has no value for an organ of `organs`.
    """

    path: Path
    ids: str | LabelScheme = "omentum"
    organs: tuple[str, ...] = ()
    only_present: bool = False

    def __post_init__(self) -> None:
        """Check names before any volume is read, and put the organs in order."""
        known = self.scheme.organs
        organs = tuple(row.name for row in organs_named(self.organs or known))
        for name in organs:
            if name not in known:
                rule = f"{self.scheme.name!r} has values for {', '.join(known)} only"
                raise ConfigError("organs", name, rule)
        object.__setattr__(self, "organs", organs)

    @property
    def scheme(self) -> LabelScheme:
        """What each value of the file means."""
        return label_scheme(self.ids, self.path.parent) if isinstance(self.ids, str) else self.ids

    @property
    def may_have_pairs(self) -> bool:
        """Whether left and right may have to be told apart."""
        return bool(self.scheme.joined) or not (is_volume(self.path) or self.path.is_dir())


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
        LabelValueError: It has values that `label` does not name.
        GridMismatchError: It does not lie on the CT's grid.
        ImageError: It cannot be read.
    """
    pictures = _pictures(label.path) if label.path.is_dir() else []
    if pictures or is_volume(label.path):
        own = (
            Volume(_stacked(label.path, pictures, geometry, slices), geometry)
            if pictures
            else read_mask(label.path, geometry, may_cut=True)
        )
        result = transfer_map(
            own.voxels, geometry, label.scheme, organs=label.organs, middle_mm=middle_mm, where=label.path
        )
        result = replace(result, notes=(*own.notes, *result.notes))
    else:
        notes: list[str] = []
        result = paint_masks(_masks(label, geometry, slices, notes.append), geometry, middle_mm=middle_mm)
        result = replace(result, notes=(*notes, *result.notes))
    return _annotated(label, result)


def _pictures(folder: Path) -> list[Path]:
    return sorted((path for path in folder.glob("*.png") if not is_hidden(path)), key=_number_in_name)


def _masks(
    label: OriginalLabel, geometry: Geometry, slices: Sequence[Path], on_note: Callable[[str], None]
) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    if label.path.is_dir():
        return _organ_files(label, geometry)
    from omentum.exchange.importers.dicom_masks import dicom_masks  # loads pydicom

    return dicom_masks(label.path, geometry, slices=slices, on_note=on_note)


def _annotated(label: OriginalLabel, result: TransferredLabel) -> TransferredLabel:
    """Keep the organs that the data set annotates and, if `only_present`, that have a voxel."""
    wanted = [name for name in result.organs if name in label.organs]
    if label.only_present:
        there = set(np.unique(result.labels).tolist())
        wanted = [name for name in wanted if organ(name).index in there]
    keep = np.zeros(256, dtype=np.uint8)
    for name in wanted:
        keep[organ(name).index] = organ(name).index
    return TransferredLabel(labels=keep[result.labels], organs=tuple(wanted), notes=result.notes)


def _organ_files(label: OriginalLabel, geometry: Geometry) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    """Read the masks of organs one after another; an organ with a missing part is unknown."""
    n_found = 0
    for name, stems in label.scheme.files.items():
        if name not in label.organs:
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
