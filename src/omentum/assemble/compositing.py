"""Combine the masks of one case slice by slice: each organ as it is, overlaps and all, and one map.

The combined map is painted from bottom to top:
1. predicted masks, by rising index;
2. background, where a revision that an original label overrules has a voxel: a reader corrected the
   prediction there;
3. revised masks, by rising index;
4. original masks, by rising index.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from omentum.assemble.inputs import CaseInputs
from omentum.errors import GridMismatchError, UnreadableImageError
from omentum.records import MaskSource, StandingMask
from omentum.volumes.labels import organ
from omentum.volumes.mask_files import read_sets
from omentum.volumes.nifti_slices import Plane, label_planes

__all__ = ["SliceMasks", "open_slice_masks"]

_Bytes = npt.NDArray[np.uint8]
_Opener = Callable[[Path], Iterator[Plane]]
_N_BY_COMPARING = 3
"""Codes that are compared one by one; more are looked up, at the price of about three."""


@dataclass(frozen=True, slots=True, eq=False)
class SliceMasks:
    """The masks in one slice of a case."""

    masks: Mapping[str, _Bytes]
    """Of each organ that has a voxel in it, the mask `(y, x)`, 0 or 1."""
    combined: _Bytes
    """The combined map `(y, x)`, 32-class indices."""


@contextmanager
def open_slice_masks(inputs: CaseInputs) -> Iterator[Iterator[SliceMasks]]:
    """Open all files of a case, and yield its slices along z; a slice of each is in memory at a time.

    Raises:
        GridMismatchError: A mask does not lie on the CT's grid.
        ImageError: A file cannot be read.
    """
    by_source = {source: [one for one in inputs.masks if one.source is source] for source in MaskSource}
    x, y, n_slices = inputs.case.geometry.shape
    opened: list[Iterator[Plane]] = []
    with ExitStack() as files:

        def planes_of(path: Path) -> Iterator[Plane]:
            opened.append(files.enter_context(label_planes(path, inputs.case.geometry)))
            return opened[-1]

        predicted = [_Predicted(masks, planes_of) for masks in [by_source[MaskSource.PREDICTED]] if masks]
        overruled = {one.organ: planes_of(one.path) for one in inputs.overruled}
        revised = {one.organ: planes_of(one.path) for one in by_source[MaskSource.REVISED]}
        original = [_Original(masks, planes_of) for masks in [by_source[MaskSource.ORIGINAL]] if masks]

        def slices() -> Iterator[SliceMasks]:
            for _ in range(n_slices):
                combined = np.zeros((y, x), dtype=np.uint8)
                yield _slice_masks(combined, predicted, overruled, revised, original)
            for planes in opened:
                next(planes, None)  # each file checks itself at its end

        yield slices()


def _slice_masks(
    combined: _Bytes,
    predicted: Sequence["_Predicted"],
    overruled: Mapping[str, Iterator[Plane]],
    revised: Mapping[str, Iterator[Plane]],
    original: Sequence["_Original"],
) -> SliceMasks:
    masks: dict[str, _Bytes] = {}
    for one in predicted:
        one.paint(masks, combined)
    for mask in _next_masks(overruled).values():
        np.copyto(combined, 0, where=mask.view(np.bool_))
    for name, mask in _next_masks(revised).items():
        masks[name] = mask
        np.copyto(combined, organ(name).index, where=mask.view(np.bool_))
    for label in original:
        label.paint(masks, combined)
    return SliceMasks(masks=masks, combined=combined)


def _next_masks(planes: Mapping[str, Iterator[Plane]]) -> dict[str, _Bytes]:
    """Read the masks of the next slice, of organs that have a voxel in it; each organ has a file."""
    found = {name: next(of_organ) for name, of_organ in planes.items()}
    return {name: (plane != 0).view(np.uint8) for name, plane in found.items() if plane.any()}


class _Predicted:
    """The predicted masks: one set-coded map."""

    def __init__(self, masks: Sequence[StandingMask], planes_of: _Opener) -> None:
        path = masks[0].path
        self._sets, _ = read_sets(path)
        try:
            self._planes = planes_of(path)
        except GridMismatchError:
            cure = "run `omentum predict` again for this case"
            raise GridMismatchError(path, "its grid is not the CT's", cure) from None
        indices = {organ(mask.organ).index: mask.organ for mask in masks}
        self._codes = {
            name: np.array([index in members for members in self._sets]) for index, name in indices.items()
        }
        tops = [max((index for index in members if index in indices), default=0) for members in self._sets]
        self._top = np.array(tops, dtype=np.uint8)

    def paint(self, masks: dict[str, _Bytes], combined: _Bytes) -> None:
        """Add the masks of the next slice, and paint them into the empty map."""
        codes = next(self._planes)
        box = _occupied(codes)
        if box is None:
            return
        codes = codes[box]
        present = np.flatnonzero(np.bincount(codes.ravel(), minlength=len(self._sets)))
        self._check(int(present[-1]))
        for name, holds in self._codes.items():
            held = present[holds[present]]
            if held.size:
                masks[name] = np.zeros(combined.shape, dtype=np.uint8)
                masks[name][box] = _is_in(codes, held, holds)
        combined[box] = self._top.take(codes)

    def _check(self, code: int) -> None:
        if code >= len(self._sets):
            seen = f"it holds code {code}, and its table has {len(self._sets)} sets"
            raise UnreadableImageError("masks.nii.gz", seen, "run `omentum predict` again for this case")


class _Original:
    """The original label: one label map."""

    def __init__(self, masks: Sequence[StandingMask], planes_of: _Opener) -> None:
        self._indices = {mask.organ: organ(mask.organ).index for mask in masks}
        self._planes = planes_of(masks[0].path)
        self._kept = np.zeros(256, dtype=np.uint8)
        self._kept[list(self._indices.values())] = list(self._indices.values())

    def paint(self, masks: dict[str, _Bytes], combined: _Bytes) -> None:
        """Add the masks of the next slice, and lay them on top of the map."""
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
