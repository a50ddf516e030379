"""Read the organs of a DICOM segmentation (DICOM-SEG) or an RT structure set (RTSTRUCT) on the CT's grid.

An organ whose segment cannot be used is unknown, and told; the others are read.
"""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pydicom

from omentum.errors import GridMismatchError, ImageError, UnknownOrganError, UnreadableImageError
from omentum.exchange.importers.contour_items import is_drawn
from omentum.exchange.importers.dicom_seg import Segmentation
from omentum.exchange.importers.dicom_segment_names import (
    SegmentName,
    segment_names,
    structure_names,
    whole_number,
)
from omentum.exchange.importers.frame_of_reference import CtFrame, check_frame, ct_frame
from omentum.exchange.importers.rtstruct import StructureSet
from omentum.volumes.dicom_files import read_dataset
from omentum.volumes.geometry import Geometry
from omentum.volumes.labels import organ

__all__ = ["dicom_masks"]

Mask = npt.NDArray[np.bool_]
_GIVE = "give DICOM-SEG or RTSTRUCT"


def dicom_masks(
    path: Path,
    geometry: Geometry,
    *,
    slices: Sequence[Path] = (),
    on_note: Callable[[str], None] = lambda _: None,
) -> Iterator[tuple[str, Mask]]:
    """Read the segments that are our organs or pairs, one after another.

    Args:
        path: DICOM-SEG or RTSTRUCT.
        geometry: The CT's grid.
        slices: The CT's DICOM files, if it has any: they say its frame of reference.
        on_note: Told what a person should know of the masks, and which segments were not used and why.

    Raises:
        UnreadableImageError: The file is neither, none of its segments is our organ, or none can be used.
        GridMismatchError: None of them lies on the CT's grid.
    """
    data = _opened(path)
    is_seg = data.get("Modality") == "SEG"
    names, notes = segment_names(data) if is_seg else structure_names(data)
    for note in notes:
        on_note(note)
    wanted = _by_organ(names)
    if not wanted:
        said = ", ".join(repr(one.label) for one in names.values()) or "it names none"
        seen = "; ".join([f"none of its segments ({said}) is one of our organs", *notes])
        raise UnreadableImageError(path, seen, "name them as in `labels.json`")
    _tell_others(names, on_note)
    try:
        reader = _Reader(data, geometry, ct_frame(slices), on_note)
    except Exception as error:  # a header may be anything
        raise UnreadableImageError(path, _unreadable(error), "export it anew") from error
    reader.tell_undescribed(data)
    for name, numbers in wanted.items():
        mask = reader.organ(name, {number: names[number].label for number in numbers})
        if mask is not None:
            yield name, mask
    reader.refuse_if_all_failed(path, len(wanted))


def _opened(path: Path) -> pydicom.Dataset:
    try:
        data = read_dataset(path)
        modality = data.get("Modality")
    except Exception:  # what it raises for other files depends on their bytes
        raise UnreadableImageError(path, "it is no DICOM", _GIVE) from None
    if modality not in {"SEG", "RTSTRUCT"}:
        seen = f"its modality is {modality!r}" if modality else "it is no DICOM"
        raise UnreadableImageError(path, seen, _GIVE)
    return data


def _by_organ(names: Mapping[int, SegmentName]) -> dict[str, list[int]]:
    """Give the segments of each organ or pair, in the order of their numbers."""
    found: dict[str, list[int]] = {}
    for number, name in sorted(names.items()):
        if name.organ is not None:
            found.setdefault(name.organ, []).append(number)
    return found


def _tell_others(names: Mapping[int, SegmentName], on_note: Callable[[str], None]) -> None:
    others = [
        repr(one.label)
        for one in names.values()
        if one.organ is None and one.label.casefold() != "background"
    ]
    if others:
        on_note(f"left out, as no organ of ours has their names: {', '.join(others)}")


class _Reader:
    """Reads the masks of a file's organs, and remembers which could not be used."""

    def __init__(
        self, data: pydicom.Dataset, geometry: Geometry, ct: CtFrame, on_note: Callable[[str], None]
    ) -> None:
        self._data, self._ct, self._on_note = data, ct, on_note
        self._is_seg = data.get("Modality") == "SEG"
        self._masks = (Segmentation if self._is_seg else StructureSet)(data, geometry)
        self._errors: list[ImageError] = []

    def organ(self, name: str, labels: Mapping[int, str]) -> Mask | None:
        """Read an organ from its segments, by number; `None` if one of them cannot be used."""
        try:
            mask = self._joined(name, labels)
        except ImageError as error:
            self._errors.append(error)
            self._on_note(f"{name} is unknown: {error}")
            return None
        return mask

    def tell_undescribed(self, data: pydicom.Dataset) -> None:
        """Tell of voxels in segments that the file does not describe: they may be of any organ."""
        if not isinstance(self._masks, Segmentation):
            return
        described = {whole_number(one, "SegmentNumber") for one in data.get("SegmentSequence") or ()}
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of odd values, as below
                others = sorted(self._masks.numbers() - described)
        except ImageError:
            return  # told of each organ
        if others:
            said = ", ".join(map(str, others))
            self._on_note(f"voxels of segment {said}, which the file does not describe, were left out")

    def refuse_if_all_failed(self, path: Path, n_organs: int) -> None:
        """Refuse the file if no organ could be read."""
        if len(self._errors) < n_organs:
            return
        is_off = all(isinstance(one, GridMismatchError) for one in self._errors)
        reasons: dict[tuple[str, str], list[str]] = {}
        for one in self._errors:
            seen, _, cure = str(one).rpartition("; ")
            segment, _, why = seen.partition(": ")
            reasons.setdefault((why, cure), []).append(segment)
        parts = [f"{', '.join(segments)}: {why}" for (why, _), segments in reasons.items()]
        cures = dict.fromkeys(cure for _, cure in reasons)
        seen = f"none of its organs can be used ({'; '.join(parts)})"
        raise (GridMismatchError if is_off else UnreadableImageError)(path, seen, ", or ".join(cures))

    def _joined(self, name: str, labels: Mapping[int, str]) -> Mask:
        labels = self._drawn(name, labels)
        joined: Mask | None = None
        for number, label in labels.items():
            mask = self._one(name, number, label)
            if joined is None:
                joined = mask
                continue
            if not self._is_seg and _is_other_draft(name, joined, mask):
                seen = f"{' and '.join(map(repr, labels.values()))} overlap and differ"
                raise UnreadableImageError("its segments", seen, "leave only one of them in the file")
            joined |= mask
        assert joined is not None
        if len(labels) > 1:
            self._on_note(f"{name}: joined from {', '.join(map(repr, labels.values()))}")
        return joined

    def _drawn(self, name: str, labels: Mapping[int, str]) -> Mapping[int, str]:
        """Leave out structures without contours, where another one of the organ is drawn."""
        drawn = {number: label for number, label in labels.items() if is_drawn(self._data, number)}
        if self._is_seg or not drawn:
            return labels
        for number in labels.keys() - drawn.keys():
            self._on_note(f"{name}: segment {number} ({labels[number]!r}) has no contour, and was left out")
        return drawn

    def _one(self, name: str, number: int, label: str) -> Mask:
        try:
            check_frame(self._data, number, self._ct)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of values that are no valid DICOM, and can be read
                mask, notes = self._masks.mask(number)
        except ImageError as error:
            kind = GridMismatchError if isinstance(error, GridMismatchError) else UnreadableImageError
            seen, _, cure = str(error).rpartition("; ")
            raise kind(f"segment {number} ({label!r})", seen, cure) from error
        except Exception as error:  # a header may be anything
            where = f"segment {number} ({label!r})"
            raise UnreadableImageError(where, _unreadable(error), "export it anew") from error
        for note in notes:
            self._on_note(f"{name}: {note}")
        return mask


def _unreadable(error: Exception) -> str:
    said = " ".join(str(error).split()) or type(error).__name__
    return f"its header cannot be read ({said})"


def _is_other_draft(name: str, mask: Mask, other: Mask) -> bool:
    """Tell whether two structures of one name contradict each other; lesions may be many, and overlap."""
    try:
        is_lesion = organ(name).kind != "organ"
    except UnknownOrganError:  # a pair
        is_lesion = False
    return not is_lesion and bool((mask & other).any()) and not np.array_equal(mask, other)
