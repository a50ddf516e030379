"""What does a data set say of one CT?

In:  a label map, a folder with one file an organ, slices of a mask as PNG, DICOM-SEG or RTSTRUCT.
Out: 32-class indices on the CT's grid, and notes of what was decided.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from omentum.errors import ConfigError, LabelValueError, UnreadableImageError
from omentum.exchange.importers.transfer_labels import Transferred, painted, transferred
from omentum.volumes.geometry import Geometry
from omentum.volumes.label_schemes import LabelScheme, label_scheme
from omentum.volumes.labels import organ, organs_named
from omentum.volumes.read import is_volume, read_mask

__all__ = ["OriginalLabel", "read_original"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginalLabel:
    """The label that a data set gives for one CT.

    Attributes:
        path: A label map on the CT's grid; a folder with one file an organ, or with the slices of a mask as
            PNG; a DICOM-SEG or RTSTRUCT file.
        ids: What its values mean: a scheme, or the name of one, as of `label_scheme`.
        organs: What the data set annotates; all that `ids` names where not said. Values of other organs
            are dropped, for nobody vouches for them.
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
        """Refuse what cannot be, before any volume is read; settle the organs' names and order."""
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
) -> Transferred:
    """Read a label, and put it into our numbers.

    Args:
        label: Where it is, and what it means.
        geometry: The CT's grid.
        middle_mm: Middle of the body along R, as of `transferred`.
        slices: The CT's DICOM files by rising position; masks as PNG go by their names.

    Raises:
        LabelValueError: It has values that `label` does not name.
        GridMismatchError: It does not lie on the CT's grid.
        ImageError: It cannot be read.
    """
    if is_volume(label.path):
        own = read_mask(label.path, geometry).voxels
        result = transferred(
            own, geometry, label.scheme, organs=label.organs, middle_mm=middle_mm, where=label.path
        )
    elif label.path.is_dir():
        pictures = sorted(label.path.glob("*.png"), key=_in_number_order)
        if pictures:
            own = _stacked(label.path, pictures, geometry, slices)
            result = transferred(
                own, geometry, label.scheme, organs=label.organs, middle_mm=middle_mm, where=label.path
            )
        else:
            result = painted(_organ_files(label, geometry), geometry, middle_mm=middle_mm)
    else:
        from omentum.exchange.importers.dicom_segmentations import read_segments

        result = painted(read_segments(label.path, geometry), geometry, middle_mm=middle_mm)
    return _vouched(label, result)


def _vouched(label: OriginalLabel, result: Transferred) -> Transferred:
    """Leave out what nobody vouches for: what was not asked for, and perhaps what is not there."""
    wanted = [name for name in result.organs if name in label.organs]
    if label.only_present:
        there = set(np.unique(result.labels).tolist())
        wanted = [name for name in wanted if organ(name).index in there]
    keep = np.zeros(256, dtype=np.uint8)
    for name in wanted:
        keep[organ(name).index] = organ(name).index
    return Transferred(labels=keep[result.labels], organs=tuple(wanted), notes=result.notes)


def _organ_files(label: OriginalLabel, geometry: Geometry) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    """Read one mask after another; an organ of which a part has no file is unknown."""
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


def _in_number_order(path: Path) -> tuple[int, str]:
    numbers = re.findall(r"\d+", path.stem)
    return (int(numbers[-1]) if numbers else -1, path.name)
