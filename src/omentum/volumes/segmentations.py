"""Read segmentations of any program, and place each mask on the CT's grid."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from omentum.errors import GridMismatchError, ImageError, LabelValueError, UnreadableImageError
from omentum.volumes.boxes import BoxedArray, BoxedMask, whole
from omentum.volumes.geometry import Box, Geometry
from omentum.volumes.itk_io import read_itk_fields, read_itk_layers
from omentum.volumes.label_values import as_labels, label_boxes, values_shown
from omentum.volumes.labels import ORGANS, organ
from omentum.volumes.lattice import Placement, lattice_placement, put_on_grid
from omentum.volumes.library_errors import said_by
from omentum.volumes.nifti_headers import header_file
from omentum.volumes.read import is_volume, not_a_volume, read_volume
from omentum.volumes.segment_fields import Segment, segments_in
from omentum.volumes.stated_names import header_names, names_segments
from omentum.volumes.volume import Volume

__all__ = [
    "NamedMask",
    "OpenSegments",
    "open_segments",
    "read_mask",
    "read_on_grid",
    "read_segmentation",
]

_ANY_ORGAN_VALUES = (1, 255)
"""Values that a mask of any organ may have."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NamedMask:
    """One mask of a file.

    Attributes:
        name: What the file calls it; `None` where the file has no names.
        mask: The mask `(x, y, z)` on the CT's grid; without a voxel, it says that the organ is absent.
        notes: What was done to place it, for people; empty where it was on the CT's grid.
        is_completed: Whether the file says that its reader has finished it.
    """

    name: str | None
    mask: npt.NDArray[np.bool_]
    notes: tuple[str, ...] = ()
    is_completed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OpenSegments:
    """The layers of a file that names segments.

    Attributes:
        path: The file.
        segments: What its header names.
        grid: The CT's grid.
        notes: What was mended to find the file's grid, for people.
        layers: Values `(x, y, z)` on the file's grid, and the box of each; none where all segments are empty.
        placement: Of the file's grid on the CT's; `None` where there is no layer.
    """

    path: Path
    segments: tuple[Segment, ...]
    grid: Geometry
    notes: tuple[str, ...] = ()
    layers: tuple[tuple[npt.NDArray[np.uint8], dict[int, Box]], ...] = ()
    placement: Placement | None = None

    def mask(self, segment: Segment) -> NamedMask:
        """Place the mask of a segment on the CT's grid.

        Raises:
            GridMismatchError: All of it lies beyond the CT.
        """
        if self.placement is None:
            found = NamedMask(name=segment.name, mask=_nothing(self.grid))
        else:
            pieces = _pieces(segment, *self.layers[segment.layer])
            found = _named(self.path, segment.name, pieces, (self.grid, self.placement))
        return replace(found, notes=(*self.notes, *found.notes), is_completed=segment.is_completed)


def read_mask(path: Path, grid: Geometry, *, may_cut: bool = False) -> Volume:
    """Read a label map or a mask that lies on the CT's lattice.

    Args:
        path: A NIfTI, NRRD or MetaImage file.
        grid: The CT's grid.
        may_cut: Cut voxels that lie beyond the CT, and note it, instead of refusing them.

    Returns:
        uint8 labels `(x, y, z)` on `grid`; 0 where the file has no voxels.

    Raises:
        GridMismatchError: See `read_on_grid`.
        LabelValueError: A value is not a whole number from 0 to 255, but for the rounding of scaled files.
        ImageError: It cannot be read.
    """
    volume, placement = _on_lattice(path, grid)
    return _placed(path, replace(volume, voxels=as_labels(path, volume.voxels)), (grid, placement), may_cut)


def read_on_grid(path: Path, grid: Geometry) -> Volume:
    """Read any voxels that lie on the CT's lattice, the file's axes turned to the CT's.

    Raises:
        GridMismatchError: Its grid is more than a tenth of a voxel off the CT's lattice, or a voxel that is
            not 0 lies beyond the CT.
        ImageError: It cannot be read.
    """
    volume, placement = _on_lattice(path, grid)
    return _placed(path, volume, (grid, placement), False)


def read_segmentation(path: Path, grid: Geometry, *, values: Collection[int] = ()) -> list[NamedMask]:
    """Read every mask of a file, each on a CT's grid.

    A file whose header names segments gives one mask a segment, also those without a voxel. Any other file
    gives one mask: the voxels that are not 0, all of which must have the same value.

    Args:
        path: A NIfTI, NRRD or MetaImage file.
        grid: The CT's grid.
        values: Besides 1 and 255, the indices of organs that a file without names may hold.

    Raises:
        GridMismatchError: Its grid is not on the CT's lattice, or all of a mask lies beyond the CT.
        LabelValueError: A file without names holds several values, or the index of an organ that is not in
            `values`; a value belongs to no segment; or a value is not a whole number from 0 to 255.
        ImageError: It cannot be read; also whatever a library raises for this file.
    """
    path = header_file(path)
    if not is_volume(path):
        raise not_a_volume(path)
    try:
        if names_segments(path):
            opened = open_segments(path, grid)
            return [opened.mask(one) for one in opened.segments]
        return [_plain(path, grid, values)]
    except ImageError:
        raise
    except Exception as error:  # libraries raise what they like for damaged files
        seen = f"it cannot be read ({said_by(error, path)})"
        raise UnreadableImageError(path, seen, "save it anew from the program it came from") from error


def _on_lattice(path: Path, grid: Geometry) -> tuple[Volume, Placement]:
    volume = read_volume(path, check=partial(lattice_placement, path, ct=grid))
    return volume, lattice_placement(path, volume.geometry, grid)


def _placed(path: Path, volume: Volume, on: tuple[Geometry, Placement], may_cut: bool) -> Volume:
    """Turn voxels to the CT's axes, and crop or pad them to its grid."""
    grid, placement = on
    voxels, notes = placement.turned(volume.voxels), (*volume.notes, *placement.notes)
    if placement.covers:
        return Volume(voxels, grid, notes)
    padded = np.zeros(grid.shape, dtype=voxels.dtype, order="F")
    x, y, z = (slice(low, high) for low, high in placement.spans(whole(volume.voxels.shape)))
    BoxedArray((x, y, z), voxels).put(padded)
    n_all = int(np.count_nonzero(voxels))
    n_cut = n_all - int(np.count_nonzero(padded))
    if n_cut and (n_cut == n_all or not may_cut):
        seen = f"{'all of it' if n_cut == n_all else _voxels(n_cut, grid)} lies beyond the CT"
        raise GridMismatchError(path, seen, "check that it belongs to this CT, and crop it to the CT's grid")
    return Volume(padded, grid, (*notes, *_cut_note(n_cut, grid)))


def _cut_note(n_cut: int, grid: Geometry) -> tuple[str, ...]:
    if not n_cut:
        return ()
    return (f"{_voxels(n_cut, grid)} beyond the CT {'was' if n_cut == 1 else 'were'} cut",)


def _plain(path: Path, grid: Geometry, values: Collection[int]) -> NamedMask:
    """Read the one mask of a file without names."""
    volume, placement = _on_lattice(path, grid)
    labels = as_labels(path, volume.voxels)
    boxes = label_boxes(labels)
    _check_value(path, list(boxes), values)
    pieces = [BoxedArray(box, labels[box] != 0) for box in boxes.values()]
    named = _named(path, _name_in_header(path, boxes), pieces, (grid, placement))
    return replace(named, notes=(*volume.notes, *named.notes))


def _name_in_header(path: Path, found: Collection[int]) -> str | None:
    """Give the name that a header has for the one value of a mask."""
    stated = header_names(path) if found else None
    if stated is None:
        return None
    [value] = found
    names = sorted(stated.scheme.meaning_of(value))
    return names[0] if len(names) == 1 else stated.scheme.unknown.get(value)


def _check_value(path: Path, found: list[int], values: Collection[int]) -> None:
    """Refuse several values, and one that says another organ than the file's name."""
    if len(found) > 1:
        seen = f"it holds {values_shown(found)}, and a mask has one value besides 0"
        raise LabelValueError(path, seen, "save one organ a file, or give the segments names in a .seg.nrrd")
    for value in found:
        if value not in {*_ANY_ORGAN_VALUES, *values} and value <= len(ORGANS):
            seen = f"the file is named {path.name!r}, but its value {value} is that of {organ(value).name}"
            raise LabelValueError(path, seen, "save the mask with the value 1, under the name of its organ")


def open_segments(path: Path, grid: Geometry) -> OpenSegments:
    """Read the layers of a file that names segments; their masks are made one by one.

    Raises:
        LabelValueError: A value belongs to no segment, two segments have one, or it is no whole number.
        ImageError: It cannot be read, or is not on the CT's lattice.
    """

    def check(own: Geometry) -> None:
        if own.shape != (1, 1, 1):
            lattice_placement(path, own, grid)

    image = read_itk_layers(path, check=check)
    segments = tuple(segments_in(path, read_itk_fields(path), n_layers=len(image.voxels)))
    if image.geometry.shape == (1, 1, 1) and not image.voxels.any():  # so Slicer says that all are empty
        return OpenSegments(path=path, segments=segments, grid=grid)
    layers = [as_labels(path, layer) for layer in image.voxels]
    boxes = [label_boxes(layer) for layer in layers]
    _check_layers(path, segments, boxes)
    placement = lattice_placement(path, image.geometry, grid)
    return OpenSegments(
        path=path,
        segments=segments,
        grid=grid,
        notes=image.notes,
        layers=tuple(zip(layers, boxes, strict=True)),
        placement=placement,
    )


def _check_layers(path: Path, segments: Sequence[Segment], boxes: list[dict[int, Box]]) -> None:
    """Refuse values that no segment names, and several where a segment should have one."""
    for layer, found in enumerate(boxes):
        stated = {one.value for one in segments if one.layer == layer}
        unnamed = sorted(set(found) - stated)
        if unnamed and (None not in stated or len(found) > 1):
            seen = f"its layer {layer} holds {values_shown(unnamed)}, and its header gives no segment for it"
            raise LabelValueError(path, seen, "save the segmentation anew from the program it came from")


def _pieces(segment: Segment, labels: npt.NDArray[np.uint8], boxes: dict[int, Box]) -> list[BoxedMask]:
    return [
        BoxedArray(box, labels[box] == value)
        for value, box in boxes.items()
        if segment.value in {None, value}
    ]


def _named(
    path: Path, name: str | None, pieces: list[BoxedMask], on: tuple[Geometry, Placement]
) -> NamedMask:
    """Place a mask that has a voxel, in one piece, or has none."""
    grid, placement = on
    if not pieces:
        return NamedMask(name=name, mask=_nothing(grid), notes=placement.notes)
    [part] = pieces
    mask, n_cut = put_on_grid(part, placement)
    if n_cut == np.count_nonzero(part.values):
        what = "its mask" if name is None else f"its segment {name!r}"
        seen = f"{what} lies wholly beyond the CT, {_voxels(n_cut, grid)}"
        raise GridMismatchError(path, seen, "check that it belongs to this CT")
    return NamedMask(name=name, mask=mask, notes=(*placement.notes, *_cut_note(n_cut, grid)))


def _nothing(grid: Geometry) -> npt.NDArray[np.bool_]:
    return np.zeros(grid.shape, dtype=np.bool_, order="F")


def _voxels(number: int, grid: Geometry) -> str:
    return f"{number} {'voxel' if number == 1 else 'voxels'} ({number * grid.voxel_ml:.3f} mL)"
