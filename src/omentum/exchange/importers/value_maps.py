"""Read a label map, or a file of segments, by the meaning of its values."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import fastremap
import numpy as np
import numpy.typing as npt

from omentum.exchange.importers.ignored_regions import known_beside
from omentum.exchange.importers.transfer_labels import TransferredLabel, paint_masks, transfer_map
from omentum.exchange.importers.value_meaning import (
    Meaning,
    Numbering,
    meaning_of_map,
    meaning_of_segments,
    unknown_names,
)
from omentum.volumes.geometry import Geometry
from omentum.volumes.label_values import values_shown
from omentum.volumes.segmentations import OpenSegments, open_segments, read_mask

__all__ = ["read_map", "read_segments"]

_Masks = Iterator[tuple[str, npt.NDArray[Any]]]


def read_map(
    path: Path, numbering: Numbering | None, geometry: Geometry, *, middle_mm: float | None = None
) -> TransferredLabel:
    """Read a label map as 32-class indices.

    Args:
        path: The label map.
        numbering: What a user or a data set says of its values.
        geometry: The CT's grid.
        middle_mm: As of `transfer_map`.

    Raises:
        LabelValueError: See `meaning_of_map`; or a value is not in the numbering.
        GridMismatchError: It does not lie on the CT's grid.
        ImageError: It cannot be read.
    """
    meaning = meaning_of_map(path, numbering)
    own = read_mask(path, geometry, may_cut=True)
    present = [value for value in fastremap.unique(own.voxels).tolist() if value]
    notes = [*own.notes, *unknown_names(meaning, present)]
    scheme = meaning.scheme
    nameless = [value for value in present if value not in scheme.known_values | scheme.ignore]
    is_described = numbering is not None and numbering.is_of_data_set
    if nameless and meaning.where is not None and not is_described:
        n_voxels = int(np.isin(own.voxels, nameless).sum())
        notes.append(
            f"{values_shown(nameless)} ({n_voxels} voxels) have no name ({meaning.where}), and were left out"
        )
        scheme = replace(scheme, others=scheme.others.union(nameless))
    result = transfer_map(own.voxels, geometry, scheme, middle_mm=middle_mm, where=path)
    listed = frozenset() if meaning.looked_for is None else frozenset(result.organs) - meaning.looked_for
    result = replace(result, notes=(*notes, *result.notes), listed=listed)
    ignored = scheme.ignore.intersection(present)
    return _without_ignored(result, np.isin(own.voxels, list(ignored))) if ignored else result


def read_segments(
    path: Path, numbering: Numbering | None, geometry: Geometry, *, middle_mm: float | None = None
) -> TransferredLabel:
    """Read a file that names segments as 32-class indices; arguments and errors as of `read_map`.

    A segment without a voxel says that its organ is absent.
    """
    opened = open_segments(path, geometry)
    meaning = meaning_of_segments(path, opened.segments, numbering)
    notes = unknown_names(meaning, range(1, len(opened.segments) + 1))
    ignored = np.zeros(geometry.shape, dtype=np.bool_, order="F")
    for number in meaning.scheme.ignore:
        ignored |= opened.mask(opened.segments[number - 1]).mask
    told: dict[str, None] = {}
    result = paint_masks(_masks(opened, meaning, told), geometry, middle_mm=middle_mm)
    result = replace(result, notes=(*opened.notes, *notes, *told, *result.notes))
    return _without_ignored(result, ignored)


def _masks(opened: OpenSegments, meaning: Meaning, told: dict[str, None]) -> _Masks:
    """Give the masks of organs and pairs, one after another."""
    for number, segment in enumerate(opened.segments, start=1):
        for name in sorted(meaning.scheme.meaning_of(number)):
            found = opened.mask(segment)
            told.update(dict.fromkeys(note for note in found.notes if note not in opened.notes))
            if not found.mask.any():
                told[f"{name}: its segment {segment.name!r} has no voxel, so it is known to be empty"] = None
            yield name, found.mask


def _without_ignored(result: TransferredLabel, ignored: npt.NDArray[np.bool_]) -> TransferredLabel:
    """Make organs unknown that may go on, or lie, where nothing was annotated."""
    known = known_beside(result.labels, ignored, result.organs)
    unknown = [name for name in result.organs if name not in known]
    if not unknown:
        return result
    note = f"a region of {int(ignored.sum())} voxels is to be ignored; organs that it may hold are unknown: "
    return replace(result, organs=known, notes=(*result.notes, note + ", ".join(unknown)))
