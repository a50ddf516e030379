"""What do rules see? The masks of one case, with array axes that point right, front and head.

In:  masks in boxes of any grid.
Out: a `PostprocessInput`: the same masks, turned and in tight boxes; unions, and masks seen in other boxes.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from omentum.volumes.boxes import bounding_box, joint_box, shifted
from omentum.volumes.geometry import Box, Geometry
from omentum.volumes.labels import organ
from omentum.volumes.volume import Volume

__all__ = ["Mask", "PostprocessResult", "Part", "Rule", "PostprocessInput", "inside", "tight"]

Mask = npt.NDArray[np.bool_]
Part = tuple[Box, Mask]
"""The box that a mask lies in, and the mask inside that box."""


@dataclass(frozen=True, slots=True, eq=False)
class PostprocessResult:
    """What a rule did.

    Attributes:
        parts: New masks of the organs that it looked at.
        notes: What a person should know of, one sentence each.
    """

    parts: Mapping[str, Part] = field(default_factory=dict)
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
    parts: Mapping[str, Part]
    looked_for: frozenset[str]

    @classmethod
    def of(cls, parts: Mapping[str, Part], geometry: Geometry) -> "PostprocessInput":
        """Turn masks in boxes of any grid.

        Raises:
            UnknownOrganError: A name is not in the label table.
        """
        grid = geometry.reoriented("RAS")
        found = {organ(name).name: tight(part) for name, part in parts.items()}
        turned = {name: _turned(part, geometry, grid) for name, part in found.items() if part is not None}
        return cls(grid, turned, frozenset(found))

    def parts_on(self, geometry: Geometry) -> dict[str, Part]:
        """Give the masks as they lie in `geometry`: this case's grid before it was turned."""
        return {name: _turned(part, self.geometry, geometry) for name, part in self.parts.items()}

    def changed(self, parts: Mapping[str, Part]) -> "PostprocessInput":
        """Put new masks in the place of some organs'; an organ without a voxel leaves."""
        fresh = {name: tight(part) for name, part in parts.items()}
        kept = {**self.parts, **fresh}
        return replace(self, parts={name: part for name, part in kept.items() if part is not None})

    def n_voxels(self, name: str) -> int:
        """Count an organ's voxels."""
        return int(np.count_nonzero(self.parts[name][1])) if name in self.parts else 0

    def seen(self, name: str, box: Box) -> Mask:
        """Show an organ inside a box of the grid; a new array, all `False` for an organ that is not there."""
        if name in self.parts:
            return inside(self.parts[name], box)
        return np.zeros([side.stop - side.start for side in box], dtype=np.bool_)

    def joined(self, names: Iterable[str]) -> Part | None:
        """Join organs to one mask; `None` where none has a voxel."""
        parts = [self.parts[name] for name in names if name in self.parts]
        box = joint_box(box for box, _ in parts)
        if box is None:
            return None
        mask = inside(parts[0], box)
        for own_box, own in parts[1:]:
            mask[shifted(own_box, box, sign=-1)] |= own
        return box, mask


Rule = Callable[[PostprocessInput], PostprocessResult]
"""Looks at a case and says which masks change; the first line of its docstring says how."""


def tight(part: Part) -> Part | None:
    """Shrink a mask's box as far as its voxels allow; `None` where there are none."""
    box, mask = part
    own = bounding_box(mask)
    return None if own is None else (shifted(own, box), mask[own])


def inside(part: Part, box: Box) -> Mask:
    """Show a mask inside another box of the same grid, as a new array.

    Example:
        >>> part = ((slice(1, 3),) * 3, np.ones((2, 2, 2), dtype=bool))
        >>> inside(part, (slice(2, 5), slice(0, 3), slice(0, 3)))[:, 1:, 1:].sum(axis=(1, 2)).tolist()
        [4, 0, 0]
    """
    own_box, mask = part
    shown = np.zeros([side.stop - side.start for side in box], dtype=np.bool_)
    starts = [max(mine.start, side.start) for mine, side in zip(own_box, box, strict=True)]
    stops = [min(mine.stop, side.stop) for mine, side in zip(own_box, box, strict=True)]
    if all(start < stop for start, stop in zip(starts, stops, strict=True)):
        x, y, z = (slice(start, stop) for start, stop in zip(starts, stops, strict=True))
        shown[shifted((x, y, z), box, sign=-1)] = mask[shifted((x, y, z), own_box, sign=-1)]
    return shown


def _turned(part: Part, source: Geometry, target: Geometry) -> Part:
    """Turn a mask from one grid to the same grid with other axes; voxels keep their places in mm."""
    box, mask = part
    turned = Volume(mask, source.cropped(box)).reoriented(target.orientation)
    starts = np.rint(target.to_index(turned.geometry.affine[:3, 3])).astype(int).tolist()
    x, y, z = (slice(start, start + side) for start, side in zip(starts, turned.voxels.shape, strict=True))
    return (x, y, z), np.ascontiguousarray(turned.voxels)
