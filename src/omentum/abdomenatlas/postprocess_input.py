"""Hold the masks of one case as post-processing rules see them: axes point right, front and head."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from omentum.volumes.boxes import BoxedArray, BoxedMask
from omentum.volumes.geometry import Box, Geometry
from omentum.volumes.labels import organ
from omentum.volumes.volume import Volume

__all__ = ["Mask", "PostprocessInput", "PostprocessResult", "Rule"]

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class PostprocessResult:
    """What a rule did.

    Attributes:
        parts: New masks of the organs that it looked at.
        notes: What a person should know of, one sentence each.
    """

    parts: Mapping[str, BoxedMask] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class PostprocessInput:
    """The masks of one case on a grid whose axes point right, front and head.

    Attributes:
        geometry: The grid.
        parts: Each organ that has a voxel, in the smallest box, row-major; so neither the axes of the
            source nor its boxes show in what a rule does.
        looked_for: Every organ that was given, also those without a voxel.
    """

    geometry: Geometry
    parts: Mapping[str, BoxedMask]
    looked_for: frozenset[str]

    @classmethod
    def of(cls, parts: Mapping[str, BoxedMask], geometry: Geometry) -> "PostprocessInput":
        """Turn masks in boxes of any grid.

        Raises:
            UnknownOrganError: A name is not in the label table.
        """
        grid = geometry.reoriented("RAS")
        found = {organ(name).name: part.tight() for name, part in parts.items()}
        turned = {name: _turned(part, geometry, grid) for name, part in found.items() if part is not None}
        return cls(grid, turned, frozenset(found))

    def parts_on(self, geometry: Geometry) -> dict[str, BoxedMask]:
        """Give the masks as they lie in `geometry`: this case's grid before it was turned."""
        return {name: _turned(part, self.geometry, geometry) for name, part in self.parts.items()}

    def changed(self, parts: Mapping[str, BoxedMask]) -> "PostprocessInput":
        """Put new masks in the place of some organs'; an organ without a voxel leaves."""
        fresh = {name: part.tight() for name, part in parts.items()}
        kept = {**self.parts, **fresh}
        return replace(self, parts={name: part for name, part in kept.items() if part is not None})

    def n_voxels(self, name: str) -> int:
        """Count an organ's voxels."""
        return int(np.count_nonzero(self.parts[name][1])) if name in self.parts else 0

    def seen(self, name: str, box: Box) -> Mask:
        """Show an organ inside a box of the grid; a new array, all `False` for an organ that is not there."""
        if name in self.parts:
            return self.parts[name].crop(box)
        return np.zeros([side.stop - side.start for side in box], dtype=np.bool_)

    def joined(self, names: Iterable[str]) -> BoxedMask | None:
        """Join organs to one mask; `None` where none has a voxel."""
        parts = [self.parts[name] for name in names if name in self.parts]
        return parts[0].union(*parts[1:]) if parts else None


Rule = Callable[[PostprocessInput], PostprocessResult]
"""Looks at a case and says which masks change; the first line of its docstring says how."""


def _turned(part: BoxedMask, source: Geometry, target: Geometry) -> BoxedMask:
    """Turn a mask from one grid to the same grid with other axes; voxels keep their places in mm."""
    box, mask = part
    turned = Volume(mask, source.cropped(box)).reoriented(target.orientation)
    starts = np.rint(target.to_index(turned.geometry.affine[:3, 3])).astype(int).tolist()
    x, y, z = (slice(start, start + side) for start, side in zip(starts, turned.voxels.shape, strict=True))
    return BoxedArray((x, y, z), np.ascontiguousarray(turned.voxels))
