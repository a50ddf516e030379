"""Plan how a reader corrects one slice of a mask, by rules that were written before anything was measured.

In:  the voxels of a slice that are to be added or removed.
Out: discs to paint, or an outline to draw, in voxels of the slice.

Rules:
 1. Pieces of an error below 0.2 cm2 in a slice are left; so is what is left of a piece once 85 % are right.
 2. A disc is put where most of the piece lies around it, with the page's largest size that fits; and again.
 3. A threshold brush may reach `BEYOND_MM` further than fits, as its band keeps it inside.
 4. An outline follows the piece's border, a corner about each `CORNER_MM`.
 5. With filling between slices, every `EACH_SLICE`-th slice is drawn, and the last one of the error.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from skimage.measure import find_contours

__all__ = ["BEYOND_MM", "EACH_SLICE", "Disc", "discs", "drawn_slices", "outline", "pieces"]

Mask = npt.NDArray[np.bool_]
RADII_MM = (0.5, 1, 1.5, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40)
"""Sizes that the page's keys step through."""
LEAST_MM2 = 20.0
ENOUGH = 0.85
BEYOND_MM = 4.0
CORNER_MM = 4.0
EACH_SLICE = 4
MOST_DISCS = 60


@dataclass(frozen=True, slots=True)
class Disc:
    """A disc to paint, its middle in voxels of the slice."""

    at: tuple[int, int]
    radius_mm: float


def pieces(error: Mask, spacing_mm: tuple[float, float]) -> Iterator[Mask]:
    """Give the pieces of an error in a slice that are worth a correction."""
    labels, number = ndimage.label(error, np.ones((3, 3)))
    sizes = np.bincount(labels.ravel(), minlength=number + 1)
    for one in range(1, number + 1):
        if sizes[one] * spacing_mm[0] * spacing_mm[1] >= LEAST_MM2:
            yield labels == one


def discs(piece: Mask, spacing_mm: tuple[float, float], *, beyond_mm: float = 0.0) -> list[Disc]:
    """Cover a piece with discs, each the largest that fits."""
    left, planned, wanted = piece.copy(), [], np.count_nonzero(piece) * (1 - ENOUGH)
    places = [np.arange(side) * edge for side, edge in zip(piece.shape, spacing_mm, strict=True)]
    while np.count_nonzero(left) > wanted and len(planned) < MOST_DISCS:
        deep = ndimage.distance_transform_edt(np.pad(left, 1), sampling=spacing_mm)[1:-1, 1:-1]
        i, j = np.unravel_index(int(np.argmax(deep)), deep.shape)
        fits = [one for one in RADII_MM if one <= deep[i, j] + beyond_mm]
        radius_mm = fits[-1] if fits else RADII_MM[0]
        far = (places[0][:, None] - places[0][i]) ** 2 + (places[1][None] - places[1][j]) ** 2
        left &= far > radius_mm**2
        left[i, j] = False
        planned.append(Disc((int(i), int(j)), radius_mm))
    return sorted(planned, key=lambda disc: -disc.radius_mm)


def outline(piece: Mask, spacing_mm: tuple[float, float]) -> list[tuple[float, float]]:
    """Follow the border of a piece, between its outermost voxels and their neighbours."""
    border = max(find_contours(np.pad(piece, 1).astype(float), 0.5), key=len) - 1.0
    steps = np.linalg.norm(np.diff(border, axis=0) * spacing_mm, axis=1)
    n_corners = max(4, round(float(steps.sum()) / CORNER_MM))
    chosen = np.linspace(0, len(border) - 1, n_corners, endpoint=False).astype(int)
    return [(float(i), float(j)) for i, j in border[chosen]]


def drawn_slices(slices: list[int], *, between: bool) -> list[int]:
    """Choose the slices that are drawn: all, or every few where those between are filled."""
    return slices if not between or len(slices) <= 2 else sorted({*slices[::EACH_SLICE], slices[-1]})
