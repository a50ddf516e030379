"""Read segmentations of any program, and place each mask on the CT's grid."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from omentum.errors import GridMismatchError, ImageError, LabelValueError, UnreadableImageError
from omentum.volumes.boxes import BoxedArray, BoxedMask, whole
from omentum.volumes.geometry import Box, Geometry
from omentum.volumes.itk_io import is_itk, read_itk_fields, read_itk_layers
from omentum.volumes.labels import ORGANS, organ
from omentum.volumes.lattice import Placement, lattice_placement, put_on_grid
from omentum.volumes.library_errors import said_by
from omentum.volumes.nifti_headers import header_file
from omentum.volumes.read import check_finite, is_volume, not_a_volume, read_volume
from omentum.volumes.segment_fields import Segment, has_segments, segments_in
from omentum.volumes.volume import Volume

__all__ = ["NamedMask", "read_mask", "read_on_grid", "read_segmentation"]

_ANY_ORGAN_VALUES = (1, 255)
"""Values that a mask of any organ may have."""

_VALUES_SHOWN = 8
_ROUNDING = 1e-3
"""Labels in scaled or floating files may be this far from whole numbers."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NamedMask:
    """One mask of a file.

    Attributes:
        name: What the file calls it; `None` where the file has no names.
        mask: The mask `(x, y, z)` on the CT's grid; without a voxel, it says that the organ is absent.
        notes: What was done to place it, for people; empty where it was on the CT's grid.
    """

    name: str | None
    mask: npt.NDArray[np.bool_]
    notes: tuple[str, ...] = ()


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
    return _placed(path, replace(volume, voxels=_labels(path, volume.voxels)), (grid, placement), may_cut)


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
        fields = read_itk_fields(path) if is_itk(path) else {}
        if has_segments(fields):
            return _segments(path, fields, grid)
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
    labels = _labels(path, volume.voxels)
    boxes = _boxes(labels)
    _check_value(path, list(boxes), values)
    pieces = [BoxedArray(box, labels[box] != 0) for box in boxes.values()]
    named = _named(path, None, pieces, (grid, placement))
    return replace(named, notes=(*volume.notes, *named.notes))


def _check_value(path: Path, found: list[int], values: Collection[int]) -> None:
    """Refuse several values, and one that says another organ than the file's name."""
    if len(found) > 1:
        seen = f"it holds {_listed(found)}, and a mask has one value besides 0"
        raise LabelValueError(path, seen, "save one organ a file, or give the segments names in a .seg.nrrd")
    for value in found:
        if value not in {*_ANY_ORGAN_VALUES, *values} and value <= len(ORGANS):
            seen = f"the file is named {path.name!r}, but its value {value} is that of {organ(value).name}"
            raise LabelValueError(path, seen, "save the mask with the value 1, under the name of its organ")


def _segments(path: Path, fields: dict[str, str], grid: Geometry) -> list[NamedMask]:
    """Read the masks of a file that names them."""

    def check(own: Geometry) -> None:
        if own.shape != (1, 1, 1):
            lattice_placement(path, own, grid)

    image = read_itk_layers(path, check=check)
    segments = segments_in(path, fields, n_layers=len(image.voxels))
    if image.geometry.shape == (1, 1, 1) and not image.voxels.any():  # so Slicer says that all are empty
        return [NamedMask(name=one.name, mask=_nothing(grid)) for one in segments]
    placement = lattice_placement(path, image.geometry, grid)
    layers = [_labels(path, layer) for layer in image.voxels]
    boxes = [_boxes(layer) for layer in layers]
    _check_layers(path, segments, boxes)
    masks = [
        _named(path, one.name, _pieces(one, layers[one.layer], boxes[one.layer]), (grid, placement))
        for one in segments
    ]
    return [replace(one, notes=(*image.notes, *one.notes)) for one in masks]


def _check_layers(path: Path, segments: list[Segment], boxes: list[dict[int, Box]]) -> None:
    """Refuse values that no segment names, and several where a segment should have one."""
    for layer, found in enumerate(boxes):
        stated = {one.value for one in segments if one.layer == layer}
        unnamed = sorted(set(found) - stated)
        if unnamed and (None not in stated or len(found) > 1):
            seen = f"its layer {layer} holds {_listed(unnamed)}, and its header gives no segment for it"
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


def _boxes(labels: npt.NDArray[Any]) -> dict[int, Box]:
    """Give the box of each value that is not 0."""
    found = ndimage.find_objects(labels.T)  # three times as fast where x varies fastest, as in files
    return {value: (box[2], box[1], box[0]) for value, box in enumerate(found, start=1) if box is not None}


def _listed(values: list[int]) -> str:
    shown = ", ".join(str(value) for value in values[:_VALUES_SHOWN])
    more = f" and {len(values) - _VALUES_SHOWN} more" if len(values) > _VALUES_SHOWN else ""
    return f"the value {shown}" if len(values) == 1 else f"the values {shown}{more}"


def _labels(path: Path, voxels: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    check_finite(path, voxels)
    low, high = float(voxels.min()), float(voxels.max())
    if low < -_ROUNDING or high > 255 + _ROUNDING:
        seen = f"its values run from {low:g} to {high:g}, and label ids from 0 to 255"
        raise LabelValueError(path, seen, "map its ids to the label table first")
    if voxels.dtype.kind in "iu":
        return voxels.astype(np.uint8, copy=False)
    labels = np.empty(voxels.shape, dtype=np.uint8, order="F")
    for z in range(voxels.shape[2]):
        nearest = np.rint(voxels[:, :, z])
        off = np.abs(nearest - voxels[:, :, z])
        if off.max() > _ROUNDING:
            seen = f"it holds {voxels[:, :, z].flat[off.argmax()]:g}, and labels are whole numbers"
            raise LabelValueError(path, seen, "save the mask, not probabilities")
        labels[:, :, z] = nearest
    return labels
