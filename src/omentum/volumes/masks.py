"""Keep the masks of one case, which may overlap, in one set-coded map.

Every voxel holds the number of a set of organs, and a table says which set: one byte a voxel.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import fastremap
import numpy as np
import numpy.typing as npt

from omentum.errors import UnknownOrganError
from omentum.volumes.boxes import BoxedArray, BoxedMask, joint_box
from omentum.volumes.geometry import Box, Geometry
from omentum.volumes.labels import organ, organs_named

__all__ = ["MaskSet", "NamedPart", "organ_boxes"]

NamedPart = tuple[str, BoxedMask | npt.NDArray[np.bool_]]
"""An organ's name, and its mask: in a box, or on the whole grid."""


@dataclass(frozen=True, slots=True, eq=False)
class MaskSet:
    """The masks of one case, which may overlap.

    Attributes:
        codes: Number of the voxel's set in `sets`, shape `(x, y, z)`; uint8, or as wide as there are sets.
        sets: Organ indices of each set, rising; the first is the empty set.
        organs: Names of the organs that were looked for: without a voxel, one of them is *empty*; any other
            organ is *unknown*.
        geometry: The grid.
    """

    codes: npt.NDArray[Any]
    sets: tuple[tuple[int, ...], ...]
    organs: tuple[str, ...]
    geometry: Geometry

    @classmethod
    def build(cls, geometry: Geometry, organs: Iterable[str], parts: Iterable[NamedPart]) -> "MaskSet":
        """Code masks one after another; each is held only while it is added.

        Args:
            geometry: The grid of the whole map.
            organs: Every organ that was looked for, also those without a voxel.
            parts: Masks; several of one organ are joined.

        Raises:
            UnknownOrganError: An organ is not in the label table, or a part's is not in `organs`.

        Example:
            >>> grid = Geometry((2, 1, 1), np.eye(4))
            >>> both = np.ones((2, 1, 1), dtype=bool)
            >>> first = both & (np.arange(2)[:, None, None] == 0)
            >>> masks = MaskSet.build(grid, ["liver", "spleen"], [("liver", both), ("spleen", first)])
            >>> masks.sets, masks.codes.ravel().tolist()
            (((), (6,), (1, 6)), [2, 1])
        """
        names = tuple(row.name for row in organs_named(organs))
        codes = np.zeros(geometry.shape, dtype=np.uint8, order="F")
        numbers: dict[tuple[int, ...], int] = {(): 0}
        for name, part in parts:
            if organ(name).name not in names:
                raise UnknownOrganError(name, names)
            boxed = part if isinstance(part, BoxedArray) else BoxedArray.whole(part)
            codes = _add(codes, numbers, organ(name).index, boxed)
        return cls(codes, tuple(numbers), names, geometry)

    @classmethod
    def from_labels(cls, labels: npt.NDArray[Any], geometry: Geometry, organs: Iterable[str]) -> "MaskSet":
        """Take a label map of 32-class indices; organs that are not named are dropped."""
        names = tuple(row.name for row in organs_named(organs))
        indices = [organ(name).index for name in names]
        lut = np.zeros(256, dtype=np.uint8)
        lut[indices] = np.arange(1, len(indices) + 1)
        sets = ((), *((index,) for index in indices))
        return cls(lut[labels.astype(np.uint8, copy=False)], sets, names, geometry)

    def mask(self, name: str) -> npt.NDArray[np.bool_]:
        """Give one organ's mask `(x, y, z)`.

        Raises:
            UnknownOrganError: The organ is unknown to the map.
        """
        if organ(name).name not in self.organs:
            raise UnknownOrganError(name, self.organs)
        index = organ(name).index
        holds = np.array([index in members for members in self.sets])
        return np.asarray(holds[self.codes])

    def mask_in(self, name: str, box: Box) -> npt.NDArray[np.bool_]:
        """Give one organ's mask inside a box of the grid; errors as `mask`."""
        part = MaskSet(self.codes[box], self.sets, self.organs, self.geometry.cropped(box))
        return part.mask(name)

    def only(self, organs: Collection[str]) -> "MaskSet":
        """Give the map of these organs alone."""
        names = tuple(name for name in self.organs if name in organs)
        kept = {organ(name).index for name in names}
        numbers: dict[tuple[int, ...], int] = {(): 0}
        moved_to = [
            numbers.setdefault(tuple(index for index in members if index in kept), len(numbers))
            for members in self.sets
        ]
        lut = np.array(moved_to, dtype=np.min_scalar_type(len(numbers) - 1))
        return MaskSet(lut[self.codes], tuple(numbers), names, self.geometry)

    def replaced(self, name: str, mask: npt.NDArray[np.bool_]) -> "MaskSet":
        """Replace or add one organ's mask `(x, y, z)`.

        Raises:
            UnknownOrganError: There is no such organ.

        Example:
            >>> masks = MaskSet.build(Geometry((2, 1, 1), np.eye(4)), ["liver"], [])
            >>> masks.replaced("spleen", np.ones((2, 1, 1), dtype=bool)).volumes_ml()
            {'spleen': 0.002, 'liver': 0.0}
        """
        row = organ(name)
        rest = self.only([other for other in self.organs if other != row.name])
        numbers = {members: number for number, members in enumerate(rest.sets)}
        codes = _add(rest.codes, numbers, row.index, BoxedArray.whole(mask))
        names = tuple(one.name for one in organs_named([*rest.organs, row.name]))
        return MaskSet(codes, tuple(numbers), names, self.geometry)

    def with_parts(self, parts: Mapping[str, BoxedMask | None]) -> "MaskSet":
        """Replace or add several organs' masks at once, each in a box of the grid; `None` is empty.

        Raises:
            UnknownOrganError: There is no such organ.
        """
        rest = self.only([name for name in self.organs if name not in parts])
        codes, numbers = rest.codes, {members: number for number, members in enumerate(rest.sets)}
        for name, part in parts.items():
            if part is not None:
                codes = _add(codes, numbers, organ(name).index, part)
        names = tuple(one.name for one in organs_named([*rest.organs, *parts]))
        return MaskSet(codes, tuple(numbers), names, self.geometry)

    def volumes_ml(self) -> dict[str, float]:
        """Measure every organ, in mL, in one pass over the voxels."""
        counts = np.zeros(len(self.sets), dtype=np.int64)
        present, n_voxels = fastremap.unique(self.codes, return_counts=True)
        counts[present] = n_voxels
        per_index = {organ(name).index: 0 for name in self.organs}
        for members, count in zip(self.sets, counts.tolist(), strict=True):
            for index in members:
                per_index[index] += count
        return {organ(index).name: count * self.geometry.voxel_ml for index, count in per_index.items()}

    def painted(self, order: Sequence[str] | None = None) -> npt.NDArray[np.uint8]:
        """Paint one label map `(x, y, z)` of 32-class indices; later organs lie on top.

        Args:
            order: Organs from bottom to top; by rising index where not said, as published.
        """
        names = [organ(name).index for name in (order or self.organs)]
        rank = {index: place for place, index in enumerate(names)}
        shown = [[index for index in members if index in rank] for members in self.sets]
        lut = np.array([max(s, key=rank.__getitem__) if s else 0 for s in shown], dtype=np.uint8)
        return np.asarray(lut[self.codes])


def organ_boxes(masks: MaskSet) -> dict[str, Box | None]:
    """Find the box of every organ of a map, in one pass over its voxels; `None` where empty."""
    from scipy import ndimage  # slow to import, and commands that look do not need it

    codes = masks.codes.T if masks.codes.flags.f_contiguous else masks.codes
    found: list[Any] = [None, *ndimage.find_objects(codes, max_label=len(masks.sets) - 1)]
    if codes is not masks.codes:  # scipy walks in C order, six times faster along the memory
        found = [box and box[::-1] for box in found]
    by_set = list(zip(found, masks.sets, strict=True))
    return {
        name: joint_box(box for box, members in by_set if organ(name).index in members)
        for name in masks.organs
    }


def _add(
    codes: npt.NDArray[Any],
    numbers: dict[tuple[int, ...], int],
    index: int,
    part: BoxedMask,
) -> npt.NDArray[Any]:
    """Add an organ to the sets of some voxels; extends `numbers`, and widens `codes` if needed."""
    box, mask = part
    touched = codes[box][mask]
    old_sets = list(numbers)
    moved_to = np.arange(len(old_sets))
    for code in fastremap.unique(touched).tolist():
        joined = tuple(sorted({*old_sets[code], index}))
        moved_to[code] = numbers.setdefault(joined, len(numbers))
    wide = np.min_scalar_type(len(numbers) - 1)
    if wide.itemsize > codes.dtype.itemsize:
        codes = codes.astype(wide)
    codes[box][mask] = moved_to[touched]
    return codes
