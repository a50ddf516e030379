"""Turn filled planes into slices of the CT: as they are, interpolated by shape, or averaged.

In:  areas at heights, in slices of the CT, and the distance at which planes were drawn.
Out: the area of each slice.

- Planes on slices stay as they are. Between two planes, the boundary is where the signed distances, each
  weighed by its nearness, cancel; a piece without a counterpart in the other plane reaches half way.
- Planes that are denser than the slices are averaged over each slice's thickness.
- At both ends, a structure reaches half a plane distance beyond its last plane. Planes further apart than one
  and a half plane distances are ends: what lies between them stays empty.

Source:
    Raya and Udupa 1990, IEEE Transactions on Medical Imaging 9(1), shape-based interpolation.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from omentum.exchange.importers.contour_planes import Area
from omentum.volumes.lattice import LATTICE_TOLERANCE_VOXELS

__all__ = ["Plane", "is_on_slices", "least_distance", "regular_distance", "runs_of", "slices_of"]

Distances = npt.NDArray[np.float32]

_FARTHEST = 1.5
"""Planes further apart than this, in plane distances, are not joined."""
_ALIKE = 0.1
"""Two distances are alike if they differ by less than this share."""
_REPEATED = 3
"""Distances that must be alike to say at which distance somebody drew."""
_DENSE = 1 - LATTICE_TOLERANCE_VOXELS
"""Planes closer than this, in slices, are averaged."""
_ROUNDING = 0.01
"""Heights in files are rounded by less, in slices: what ends at a slice's middle ends before it."""


class Plane(NamedTuple):
    """The area of a structure at one height, in slices of the CT."""

    height: float
    area: Area


def is_on_slices(heights: npt.NDArray[np.float64]) -> bool:
    """Tell whether all heights are a slice's, to a tenth of it."""
    return bool((np.abs(heights - np.rint(heights)) <= LATTICE_TOLERANCE_VOXELS).all())


def regular_distance(heights: Sequence[float]) -> float | None:
    """Find the distance at which a structure's planes were drawn: the median, if most are alike; else `None`.

    Example:
        >>> regular_distance([0, 2, 4, 6, 20]), regular_distance([3, 9, 40])
        (2.0, None)
    """
    gaps = np.diff(heights)
    if gaps.size < _REPEATED:
        return None
    usual = float(np.median(gaps))
    n_alike = int((np.abs(gaps - usual) <= _ALIKE * usual).sum())
    return usual if n_alike >= max(_REPEATED, gaps.size / 2) else None


def least_distance(heights: Sequence[float]) -> float:
    """Give the distance of planes of which nothing is known: a slice, or less where they are denser.

    Example:
        >>> least_distance([3, 9, 40]), least_distance([3, 3.5])
        (1.0, 0.5)
    """
    return float(np.diff(heights).min(initial=1.0))


def runs_of(planes: Sequence[Plane], distance: float) -> list[list[Plane]]:
    """Separate planes where they are too far apart to be joined."""
    runs = [[planes[0]]]
    for before, after in pairwise(planes):
        if after.height - before.height > _FARTHEST * distance:
            runs.append([])
        runs[-1].append(after)
    return runs


def slices_of(
    planes: Sequence[Plane], distance: float, spacing_mm: tuple[float, float]
) -> Iterator[tuple[int, Area]]:
    """Give the area of each slice that a structure reaches; slices may lie beyond the CT.

    Args:
        planes: By rising height, with areas of one shape.
        distance: Of neighbouring planes, in slices.
        spacing_mm: Of voxels in a plane.
    """
    for run in runs_of(planes, distance):
        if distance < _DENSE:
            yield from _averaged(run, distance)
        else:
            yield from _interpolated(run, distance, spacing_mm)


def _averaged(run: Sequence[Plane], distance: float) -> Iterator[tuple[int, Area]]:
    """Take what fills at least half of a slice's thickness."""
    heights = np.array([plane.height for plane in run])
    middles = (heights[1:] + heights[:-1]) / 2
    ends = np.concatenate([[heights[0] - distance / 2], middles, [heights[-1] + distance / 2]]) - _ROUNDING
    for z in range(round(ends[0]), round(ends[-1]) + 1):
        weights = np.clip(np.minimum(ends[1:], z + 0.5) - np.maximum(ends[:-1], z - 0.5), 0.0, None)
        share = np.zeros(run[0].area.shape, dtype=np.float32)
        for place in np.flatnonzero(weights).tolist():
            share += np.float32(weights[place]) * run[place].area
        yield z, share >= 0.5


def _interpolated(
    run: Sequence[Plane], distance: float, spacing_mm: tuple[float, float]
) -> Iterator[tuple[int, Area]]:
    first, last = run[0].height, run[-1].height
    for z in range(_from(first - distance / 2), _from(first)):
        yield z, run[0].area
    known: dict[int, Distances] = {}
    for lower, upper in pairwise(run):
        yield from _between(lower, upper, spacing_mm, known)
    for z in range(_from(last), _from(last + distance / 2)):
        yield z, run[-1].area


def _from(height: float) -> int:
    """Give the first slice that does not lie below a height."""
    return int(np.ceil(height - LATTICE_TOLERANCE_VOXELS))


def _between(
    lower: Plane, upper: Plane, spacing_mm: tuple[float, float], known: dict[int, Distances]
) -> Iterator[tuple[int, Area]]:
    """Give the slices from one plane on, and below the next; `known` has distances of the lower plane."""
    slices = range(_from(lower.height), _from(upper.height))
    if not slices:
        return
    if abs(slices[0] - lower.height) <= LATTICE_TOLERANCE_VOXELS:
        yield slices[0], lower.area
        slices = slices[1:]
    if not slices:
        return
    low, high = _met(lower.area, upper.area), _met(upper.area, lower.area)
    below, above = known.get(id(low)), _signed_mm(high, spacing_mm)
    below = _signed_mm(low, spacing_mm) if below is None else below
    known.clear()
    if high is upper.area:  # it is the next one's lower plane
        known[id(high)] = above
    for z in slices:
        share = (z - lower.height) / (upper.height - lower.height)
        alone = lower.area & ~low if share < 0.5 - _ROUNDING else upper.area & ~high
        yield z, alone | ((1 - share) * below + share * above > 0)


def _met(area: Area, other: Area) -> Area:
    """Keep the pieces of an area that share a voxel with another area: the same array, if all do."""
    from scipy import ndimage  # slow to import

    pieces, _ = ndimage.label(area)
    is_met = np.zeros(int(pieces.max()) + 1, dtype=np.bool_)
    is_met[pieces[other]] = True
    if is_met[1:].all():
        return area
    is_met[0] = False
    return np.asarray(is_met[pieces])


def _signed_mm(area: Area, spacing_mm: tuple[float, float]) -> Distances:
    """Measure the distance to the boundary, positive inside; far outside where there is nothing."""
    import edt

    if not area.any():
        return np.full(area.shape, -np.inf, dtype=np.float32)
    padded = np.pad(area, 1)  # a structure may fill its box
    return np.asarray(edt.sdf(padded, anisotropy=spacing_mm)[1:-1, 1:-1])
