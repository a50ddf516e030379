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
    """The result of one rule.

    Attributes:
        parts: New masks of the organs that it checked.
        notes: For people, one sentence each.
    """

    parts: Mapping[str, BoxedMask] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class PostprocessInput:
    """The masks of one case on a grid whose axes point right, front and head.

    Attributes:
        geometry: The grid.
        parts: Each organ that has a voxel, in its smallest box, row-major; so rules do not depend on the
            axes or boxes of the source.
        looked_for: Every organ that was given, also those without a voxel.
    """

    geometry: Geometry
    parts: Mapping[str, BoxedMask]
    looked_for: frozenset[str]

    @classmethod
    def of(cls, parts: Mapping[str, BoxedMask], geometry: Geometry) -> "PostprocessInput":
        """Reorient masks in boxes of any grid.

        Raises:
            UnknownOrganError: A name is not in the label table.
        """
        grid = geometry.reoriented("RAS")
        found = {organ(name).name: part.tight() for name, part in parts.items()}
        turned = {name: _turned(part, geometry, grid) for name, part in found.items() if part is not None}
        return cls(grid, turned, frozenset(found))

    def parts_on(self, geometry: Geometry) -> dict[str, BoxedMask]:
        """Return the masks on `geometry`, this case's grid before it was reoriented."""
        return {name: _turned(part, self.geometry, geometry) for name, part in self.parts.items()}

    def changed(self, parts: Mapping[str, BoxedMask]) -> "PostprocessInput":
        """Replace the masks of some organs; an organ without a voxel is removed."""
        fresh = {name: part.tight() for name, part in parts.items()}
        kept = {**self.parts, **fresh}
        return replace(self, parts={name: part for name, part in kept.items() if part is not None})

    def n_voxels(self, name: str) -> int:
        """Count an organ's voxels."""
        return int(np.count_nonzero(self.parts[name][1])) if name in self.parts else 0

    def seen(self, name: str, box: Box) -> Mask:
        """Return an organ inside a box of the grid, as a new array; all `False` for an empty organ."""
        if name in self.parts:
            return self.parts[name].crop(box)
        return np.zeros([side.stop - side.start for side in box], dtype=np.bool_)

    def joined(self, names: Iterable[str]) -> BoxedMask | None:
        """Join organs to one mask; `None` if none has a voxel."""
        parts = [self.parts[name] for name in names if name in self.parts]
        return parts[0].union(*parts[1:]) if parts else None


Rule = Callable[[PostprocessInput], PostprocessResult]
"""Returns the masks that change; the first line of its docstring says how."""


def _turned(part: BoxedMask, source: Geometry, target: Geometry) -> BoxedMask:
    """Reorient a mask to the same grid with other axes."""
    box, mask = part
    turned = Volume(mask, source.cropped(box)).reoriented(target.orientation)
    starts = np.rint(target.to_index(turned.geometry.affine[:3, 3])).astype(int).tolist()
    x, y, z = (slice(start, start + side) for start, side in zip(starts, turned.voxels.shape, strict=True))
    return BoxedArray((x, y, z), np.ascontiguousarray(turned.voxels))
