"""Where does a mask end in a slice? Its outlines, as closed polygons.

In:  one slice of a mask.
Out: one polygon around each piece (pixels that touch by an edge) and one around each hole, along the edges
     of the pixels: what a polygon encloses is what the pixels cover.

They lie 0.005 pixels inside of the edges. That changes areas by a thousandth, and lets a program that rounds
points to the nearest pixel find the mask's own pixels.
"""

from collections import defaultdict

import numpy as np
import numpy.typing as npt

__all__ = ["outlines"]

_INSIDE_PIXELS = 0.005

_Point = tuple[int, int]
_DIRECTIONS: tuple[_Point, ...] = ((1, 0), (0, 1), (-1, 0), (0, -1))
"""To the right, down, to the left, up; each is a right turn after the one before (y points down)."""


def outlines(mask: npt.NDArray[np.bool_]) -> list[npt.NDArray[np.float64]]:
    """Give the outlines of a slice.

    Args:
        mask: `(y, x)`.

    Returns:
        Polygons of corners `(n, 2)`, `(x, y)` in pixels, the centre of the first pixel at 0. Going along one,
        the mask is on the right; around a piece that is clockwise where y points down, around a hole the
        other way.

    Example:
        >>> (polygon,) = outlines(np.ones((2, 3), dtype=bool))
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
            first, second = _DIRECTIONS[(before + 1) % 4], _DIRECTIONS[(direction + 1) % 4]
            corners.append(
                (
                    point[0] - 0.5 + _INSIDE_PIXELS * (first[0] + second[0]),
                    point[1] - 0.5 + _INSIDE_PIXELS * (first[1] + second[1]),
                )
            )
    return np.array(corners)
