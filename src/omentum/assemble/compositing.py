"""Lay the masks of one case over each other, slice by slice.

In:  the mask that stands for each organ (`inputs`), each in its own file.
Out: for each slice, every organ's mask as it is, overlaps and all, and the one combined map.

The combined map is painted from bottom to top:
1. what was predicted, by rising index;
2. nothing, where a revision has a voxel that counts for no organ since an original label stands in its
   place: a person said that what was predicted there is wrong, and another what is right;
3. what was revised, by rising index;
4. what is original, by rising index.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from omentum.assemble.inputs import CaseInputs
from omentum.errors import GridMismatchError, UnreadableImageError
from omentum.records import MaskSource, StandingMask
from omentum.volumes.geometry import Geometry
from omentum.volumes.labels import organ
from omentum.volumes.mask_files import read_sets
from omentum.volumes.nifti_slices import Plane, label_planes

__all__ = ["Layer", "open_layers"]

_Bytes = npt.NDArray[np.uint8]
_N_BY_COMPARING = 3
"""Codes that are compared one by one; more are looked up, at the price of about three."""


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """One slice of a case.

    Attributes:
        masks: Of each organ that has a voxel in it, the mask `(y, x)`, 0 or 1.
        combined: The combined map `(y, x)`, 32-class indices.
    """

    masks: Mapping[str, _Bytes]
    combined: _Bytes


@contextmanager
def open_layers(inputs: CaseInputs) -> Iterator[Iterator[Layer]]:
    """Open all files of a case, and yield its slices along z; a slice of each is in memory at a time.

    Raises:
        GridMismatchError: A mask does not lie on the CT's grid.
        ImageError: A file cannot be read.
    """
    by_source = {source: [one for one in inputs.masks if one.source is source] for source in MaskSource}
    geometry = inputs.case.geometry
    with ExitStack() as files:
        predicted = _Predicted.open(files, geometry, by_source[MaskSource.PREDICTED])
        beaten = _Drawn.open(files, geometry, {one.organ: one.path for one in inputs.overruled})
        revised = _Drawn.open(files, geometry, {one.organ: one.path for one in by_source[MaskSource.REVISED]})
        original = _Original.open(files, geometry, by_source[MaskSource.ORIGINAL])

        def layer() -> Layer:
            masks: dict[str, _Bytes] = {}
            combined = predicted.paint(masks)
            for mask in beaten.masks().values():
                np.copyto(combined, 0, where=mask.view(np.bool_))
            for name, mask in revised.masks().items():
                masks[name] = mask
                np.copyto(combined, organ(name).index, where=mask.view(np.bool_))
            original.paint(masks, combined)
            return Layer(masks=masks, combined=combined)

        def layers() -> Iterator[Layer]:
            for _ in range(geometry.shape[2]):
                yield layer()
            for source in (predicted, beaten, revised, original):
                source.end()

        yield layers()


class _Predicted:
    """What a network made of the case: one set-coded map."""

    def __init__(self, shape: tuple[int, int], planes: Iterator[Plane] | None = None) -> None:
        self._shape = shape
        self._planes = planes
        self._sets: tuple[tuple[int, ...], ...] = ()
        self._codes: dict[str, npt.NDArray[np.bool_]] = {}
        self._top = np.zeros(1, dtype=np.uint8)

    @classmethod
    def open(cls, files: ExitStack, geometry: Geometry, masks: Sequence[StandingMask]) -> "_Predicted":
        x, y, _ = geometry.shape
        if not masks:
            return cls((y, x))
        path = masks[0].path
        sets, _ = read_sets(path)
        try:
            made = cls((y, x), files.enter_context(label_planes(path, geometry)))
        except GridMismatchError:
            cure = "run `omentum predict` again for this case"
            raise GridMismatchError(path, "its grid is not the CT's", cure) from None
        made._sets = sets
        indices = {organ(mask.organ).index: mask.organ for mask in masks}
        made._codes = {
            name: np.array([index in members for members in sets]) for index, name in indices.items()
        }
        tops = [max((index for index in members if index in indices), default=0) for members in sets]
        made._top = np.array(tops, dtype=np.uint8)
        return made

    def paint(self, masks: dict[str, _Bytes]) -> _Bytes:
        """Add the masks of the next slice, and give the map that they make."""
        combined = np.zeros(self._shape, dtype=np.uint8)
        if self._planes is None:
            return combined
        codes = next(self._planes)
        box = _occupied(codes)
        if box is None:
            return combined
        codes = codes[box]
        present = np.flatnonzero(np.bincount(codes.ravel(), minlength=len(self._sets)))
        self._check(int(present[-1]))
        for name, holds in self._codes.items():
            held = present[holds[present]]
            if held.size:
                masks[name] = np.zeros(self._shape, dtype=np.uint8)
                masks[name][box] = _is_in(codes, held, holds)
        combined[box] = self._top.take(codes)
        return combined

    def _check(self, code: int) -> None:
        if code >= len(self._sets):
            seen = f"it holds code {code}, and its table has {len(self._sets)} sets"
            raise UnreadableImageError("masks.nii.gz", seen, "run `omentum predict` again for this case")

    def end(self) -> None:
        """Let the file check itself."""
        if self._planes is not None:
            next(self._planes, None)


class _Drawn:
    """What readers drew: a file an organ."""

    def __init__(self, planes: Mapping[str, Iterator[Plane]]) -> None:
        self._planes = planes

    @classmethod
    def open(cls, files: ExitStack, geometry: Geometry, paths: Mapping[str, Path]) -> "_Drawn":
        return cls({name: files.enter_context(label_planes(path, geometry)) for name, path in paths.items()})

    def masks(self) -> dict[str, _Bytes]:
        """Give the masks of the next slice, of organs that have a voxel in it."""
        planes = {name: next(planes) for name, planes in self._planes.items()}
        return {name: (plane != 0).view(np.uint8) for name, plane in planes.items() if plane.any()}

    def end(self) -> None:
        """Let the files check themselves."""
        for planes in self._planes.values():
            next(planes, None)


class _Original:
    """What came with the data set: one label map."""

    def __init__(self, indices: Mapping[str, int], planes: Iterator[Plane] | None) -> None:
        self._indices = indices
        self._planes = planes
        self._kept = np.zeros(256, dtype=np.uint8)
        self._kept[list(indices.values())] = list(indices.values())

    @classmethod
    def open(cls, files: ExitStack, geometry: Geometry, masks: Sequence[StandingMask]) -> "_Original":
        if not masks:
            return cls({}, None)
        indices = {mask.organ: organ(mask.organ).index for mask in masks}
        return cls(indices, files.enter_context(label_planes(masks[0].path, geometry)))

    def paint(self, masks: dict[str, _Bytes], combined: _Bytes) -> None:
        """Add the masks of the next slice, and lay them on top of the map."""
        if self._planes is None:
            return
        labels = next(self._planes)
        box = _occupied(labels)
        if box is None:
            return
        kept = self._kept.take(labels[box])
        present = np.bincount(kept.ravel(), minlength=256)
        for name, index in self._indices.items():
            if present[index]:
                masks[name] = np.zeros(combined.shape, dtype=np.uint8)
                masks[name][box] = kept == index
        np.copyto(combined[box], kept, where=kept != 0)

    def end(self) -> None:
        """Let the file check itself."""
        if self._planes is not None:
            next(self._planes, None)


def _occupied(plane: Plane) -> tuple[slice, slice] | None:
    """Find the rows and columns of a slice that are not zero."""
    rows = np.flatnonzero(plane.any(axis=1))
    if not rows.size:
        return None
    y = slice(int(rows[0]), int(rows[-1]) + 1)
    columns = np.flatnonzero(plane[y].any(axis=0))
    return y, slice(int(columns[0]), int(columns[-1]) + 1)


def _is_in(codes: Plane, held: npt.NDArray[np.intp], holds: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Tell for each voxel whether its set holds an organ, given the sets of the slice that do."""
    if held.size > _N_BY_COMPARING:
        return holds.take(codes)
    found: npt.NDArray[np.bool_] = codes == held[0]
    for code in held[1:]:
        found |= codes == code
    return found
