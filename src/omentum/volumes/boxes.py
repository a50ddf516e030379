"""Find and combine boxes of a grid, and arrays that are kept in a box."""

from collections.abc import Iterable
from typing import Any, Generic, Literal, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from omentum.volumes.geometry import Box

__all__ = [
    "BoxedArray",
    "BoxedBytes",
    "BoxedMask",
    "bounding_box",
    "box_shape",
    "grown",
    "joint_box",
    "shifted",
    "whole",
]

Value = TypeVar("Value", bound=np.generic)


class BoxedArray(NamedTuple, Generic[Value]):
    """An array on a grid that is zero outside a box.

    Attributes:
        box: Where the values lie on the grid.
        values: Those inside the box, `(x, y, z)`.
    """

    box: Box
    values: npt.NDArray[Value]

    @classmethod
    def whole(cls, values: npt.NDArray[Value]) -> "BoxedArray[Value]":
        """Take the values of a whole grid."""
        return cls(whole(values.shape), values)

    @classmethod
    def cut_out(
        cls, values: npt.NDArray[Value], *, least: int = 1, margin_voxels: int = 0
    ) -> "BoxedArray[Value] | None":
        """Cut the smallest box with all values from `least` out of a whole grid; `None` where there are none.

        Args:
            values: Not negative, `(x, y, z)`.
            least: Lower values do not count for the box.
            margin_voxels: By which the box is wider on every side, as far as the grid goes.
        """
        box = bounding_box(np.greater_equal(values, least))
        if box is None:
            return None
        box = grown(box, margin_voxels, values.shape)
        return cls(box, np.ascontiguousarray(values[box]))

    def tight(self) -> "BoxedArray[Value] | None":
        """Shrink the box as far as values other than 0 allow; `None` where there are none."""
        own = bounding_box(self.values)
        return None if own is None else BoxedArray(shifted(own, self.box), self.values[own])

    def shift(self, origin: Box, sign: int = 1) -> "BoxedArray[Value]":
        """Move the box as `shifted` does."""
        return BoxedArray(shifted(self.box, origin, sign), self.values)

    def crop(self, box: Box, *, order: Literal["C", "F"] = "C") -> npt.NDArray[Value]:
        """Give the values inside another box of the grid, as a new array.

        Example:
            >>> part = BoxedArray((slice(1, 3),) * 3, np.ones((2, 2, 2), dtype=bool))
            >>> part.crop((slice(2, 5), slice(0, 3), slice(0, 3)))[:, 1:, 1:].sum(axis=(1, 2)).tolist()
            [4, 0, 0]
        """
        shown = np.zeros(box_shape(box), dtype=self.values.dtype, order=order)
        self.shift(box, -1).put(shown)
        return shown

    def union(self, *others: "BoxedArray[Value]") -> "BoxedArray[Value]":
        """Take the greatest value of several parts, in the box of all of them."""
        box = joint_box(part.box for part in (self, *others))
        assert box is not None
        values = self.crop(box)
        for part in others:
            inner = shifted(part.box, box, sign=-1)
            values[inner] = np.maximum(values[inner], part.values)
        return BoxedArray(box, values)

    def put(self, array: npt.NDArray[Value]) -> None:
        """Write the values into the array of a whole grid; what lies beyond it is left out."""
        low = [max(0, part.start) for part in self.box]
        high = [min(side, part.stop) for part, side in zip(self.box, array.shape, strict=True)]
        if all(first < last for first, last in zip(low, high, strict=True)):
            x, y, z = (slice(first, last) for first, last in zip(low, high, strict=True))
            array[x, y, z] = self.values[shifted((x, y, z), self.box, sign=-1)]


BoxedMask = BoxedArray[np.bool_]
BoxedBytes = BoxedArray[np.uint8]


def bytes_inside(box: Box, part: BoxedBytes | None) -> npt.NDArray[np.uint8]:
    """Give a part's values inside a box, in Fortran order; zeros if there is no part."""
    if part is None:
        return np.zeros(box_shape(box), dtype=np.uint8, order="F")
    return part.values if part.box == box else part.crop(box, order="F")


def whole(shape: tuple[int, ...]) -> Box:
    """Give the box that covers a whole grid."""
    x, y, z = (slice(0, side) for side in shape)
    return x, y, z


def box_shape(box: Box) -> tuple[int, int, int]:
    """Give the number of voxels of a box along each axis."""
    x, y, z = (part.stop - part.start for part in box)
    return x, y, z


def bounding_box(mask: npt.NDArray[Any]) -> Box | None:
    """Find the smallest box around all that is not 0 in a mask `(x, y, z)`; `None` where it is empty.

    Example:
        >>> mask = np.zeros((4, 4, 4), dtype=bool)
        >>> mask[1:3, 2, 0:4] = True
        >>> bounding_box(mask)
        (slice(1, 3, None), slice(2, 3, None), slice(0, 4, None))
    """
    x = _extent(mask.any(axis=(1, 2)))
    if x is None:
        return None
    part = mask[x]
    y, z = _extent(part.any(axis=(0, 2))), _extent(part.any(axis=(0, 1)))
    return None if y is None or z is None else (x, y, z)


def grown(box: Box, margin_voxels: int, shape: tuple[int, ...]) -> Box:
    """Grow a box by a margin on every side, as far as the grid of that shape goes.

    Example:
        >>> grown((slice(1, 3), slice(2, 3), slice(0, 4)), 1, shape=(4, 4, 4))
        (slice(0, 4, None), slice(1, 4, None), slice(0, 4, None))
    """
    x, y, z = (
        slice(max(part.start - margin_voxels, 0), min(part.stop + margin_voxels, side))
        for part, side in zip(box, shape, strict=True)
    )
    return x, y, z


def joint_box(boxes: Iterable[Box | None]) -> Box | None:
    """Find the smallest box around several boxes; `None` counts as empty.

    Example:
        >>> joint_box([(slice(0, 1),) * 3, None, (slice(2, 4),) * 3])
        (slice(0, 4, None), slice(0, 4, None), slice(0, 4, None))
    """
    present = [box for box in boxes if box is not None]
    if not present:
        return None
    x, y, z = (
        slice(min(p.start for p in axis), max(p.stop for p in axis)) for axis in zip(*present, strict=True)
    )
    return x, y, z


def shifted(box: Box, origin: Box, sign: int = 1) -> Box:
    """Move a box by another's start: out of that box's own coordinates, or (`sign=-1`) into them.

    Example:
        >>> shifted((slice(0, 2),) * 3, origin=(slice(5, 9),) * 3)
        (slice(5, 7, None), slice(5, 7, None), slice(5, 7, None))
    """
    x, y, z = (
        slice(part.start + sign * start.start, part.stop + sign * start.start)
        for part, start in zip(box, origin, strict=True)
    )
    return x, y, z


def _extent(occupied: npt.ArrayLike) -> slice | None:
    """Give the range from the first to the last occupied place of one axis."""
    places = np.flatnonzero(occupied)
    return slice(int(places[0]), int(places[-1]) + 1) if places.size else None
