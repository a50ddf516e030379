"""Trace the contours of a mask in a slice as closed polygons along the pixels' edges.

One polygon surrounds each piece (pixels that share an edge) and one each hole. Polygons lie 0.005 pixels
inside of the edges: areas change by a thousandth, and rounding points to pixels gives the mask's own pixels.
"""

from collections import defaultdict

import numpy as np
import numpy.typing as npt

__all__ = ["contours"]

_INSIDE_PIXELS = 0.005

_Point = tuple[int, int]
_DIRECTIONS: tuple[_Point, ...] = ((1, 0), (0, 1), (-1, 0), (0, -1))
"""To the right, down, to the left, up; each is a right turn after the one before (y points down)."""


def contours(mask: npt.NDArray[np.bool_]) -> list[npt.NDArray[np.float64]]:
    """Trace the contours of a slice.

    Args:
        mask: `(y, x)`.

    Returns:
        Polygons of corners `(n, 2)`, `(x, y)` in pixels; the centre of the first pixel is at 0. With y
        pointing down, pieces run clockwise and holes anticlockwise, so that the mask is on the right.

    Example:
        >>> (polygon,) = contours(np.ones((2, 3), dtype=bool))
        >>> np.round(polygon, 1).tolist()
        [[-0.5, -0.5], [2.5, -0.5], [2.5, 1.5], [-0.5, 1.5]]
    """
    leaving = _edges(mask)
    polygons = []
    while leaving:
        start, ways = next(iter(leaving.items()))
        polygons.append(_corners(_followed(leaving, start, min(ways))))
    return polygons


def _edges(mask: npt.NDArray[np.bool_]) -> dict[_Point, set[int]]:
    """Find the edges between mask and background: the directions in which they leave each pixel corner."""
    padded = np.pad(mask, 1)
    inside = padded[1:-1, 1:-1]
    neighbours = (padded[:-2, 1:-1], padded[1:-1, 2:], padded[2:, 1:-1], padded[1:-1, :-2])
    starts = ((0, 0), (1, 0), (1, 1), (0, 1))  # of the upper, right, lower and left edge of a pixel
    leaving: dict[_Point, set[int]] = defaultdict(set)
    for direction, (neighbour, (right, down)) in enumerate(zip(neighbours, starts, strict=True)):
        for y, x in np.argwhere(inside & ~neighbour).tolist():
            leaving[x + right, y + down].add(direction)
    return leaving


def _followed(leaving: dict[_Point, set[int]], start: _Point, first: int) -> list[tuple[_Point, int]]:
    """Follow edges until they come back, using them up; pixels that touch by a corner stay apart."""
    path = []
    point, direction = start, first
    while True:
        path.append((point, direction))
        point = (point[0] + _DIRECTIONS[direction][0], point[1] + _DIRECTIONS[direction][1])
        direction = _turned(leaving[point], direction)
        leaving[point].discard(direction)
        if not leaving[point]:
            del leaving[point]
        if (point, direction) == (start, first):
            return path


def _turned(ways: set[int], direction: int) -> int:
    """Turn right if that is a way on, else go straight on, else turn left."""
    return next(way for turn in (1, 0, 3) if (way := (direction + turn) % 4) in ways)


def _corners(path: list[tuple[_Point, int]]) -> npt.NDArray[np.float64]:
    """Keep the points where a path turns, and move each a little into the mask, which is on the right."""
    corners = []
    for place, (point, direction) in enumerate(path):
        before = path[place - 1][1]
        if before != direction:
            inwards = np.add(_DIRECTIONS[(before + 1) % 4], _DIRECTIONS[(direction + 1) % 4])
            corners.append(np.array(point) - 0.5 + _INSIDE_PIXELS * inwards)
    return np.array(corners)
