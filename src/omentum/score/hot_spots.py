"""Find the hot spots of an organ's attention, and describe them as boxes in mm and in voxels."""

from itertools import product
from typing import Any

import cc3d
import numpy as np
import numpy.typing as npt

from omentum.measures.canonical_grid import CANONICAL_MM
from omentum.measures.components import pieces_of
from omentum.measures.morphology import dilated
from omentum.volumes.boxes import shifted
from omentum.volumes.geometry import Box, Geometry

__all__ = ["MOST_SPOTS", "described_box", "hot_spots", "joined"]

MOST_SPOTS = 20
"""Spots kept of one organ; later ones are specks that a reader meets anyway."""
JOINED_MM = 10.0
"""Pieces of attention with no more than this between them are one hot spot, as both are seen together."""
_GROWN_VOXELS = round(JOINED_MM / (2 * CANONICAL_MM))


def hot_spots(
    organ: str, binary: npt.NDArray[np.bool_], origin: Box, geometry: Geometry
) -> list[dict[str, Any]]:
    """List the largest connected regions (26 neighbours) of an organ's binary attention.

    Args:
        organ: Its name.
        binary: Where attention is needed, inside `origin`.
        origin: That part of the CT's grid.
        geometry: The CT's grid.

    Returns:
        By falling volume: `organ`, `volume_ml`, the region's `centre_mm`, its box from `low_mm` to
        `high_mm` (outer faces of voxels, RAS+) and from `low_voxel` to `high_voxel` (inclusive).
    """
    pieces = pieces_of(binary)
    found = cc3d.statistics(pieces.numbers)
    return [
        {
            "organ": organ,
            "volume_ml": round(int(pieces.n_voxels[number]) * geometry.voxel_ml, 4),
            **described_box(shifted(found["bounding_boxes"][number], origin), geometry),
            "centre_mm": _rounded(
                geometry.to_mm(found["centroids"][number] + [part.start for part in origin])
            ),
        }
        for number in pieces.by_size[:MOST_SPOTS]
    ]


def joined(flagged: npt.NDArray[np.bool_]) -> npt.NDArray[np.integer]:
    """Number the hot spots of an organ from 1: its pieces, those at most `JOINED_MM` apart as one.

    Example:
        >>> flagged = np.zeros((20, 1, 1), dtype=bool)
        >>> flagged[[0, 5, 11]] = True
        >>> joined(flagged)[[0, 5, 11], 0, 0].tolist()
        [1, 1, 2]
    """
    return np.where(flagged, pieces_of(dilated(flagged, _GROWN_VOXELS)).numbers, 0)


def described_box(box: Box, geometry: Geometry) -> dict[str, Any]:
    """Give a box for JSON: its centre and its box in mm (outer faces, RAS+), and in voxels (inclusive)."""
    faces = np.array(list(product(*((part.start - 0.5, part.stop - 0.5) for part in box))))
    corners_mm = geometry.to_mm(faces)
    return {
        "centre_mm": _rounded(geometry.to_mm([(part.start + part.stop - 1) / 2 for part in box])),
        "low_mm": _rounded(corners_mm.min(axis=0)),
        "high_mm": _rounded(corners_mm.max(axis=0)),
        "low_voxel": [int(part.start) for part in box],
        "high_voxel": [int(part.stop) - 1 for part in box],
    }


def _rounded(point_mm: npt.NDArray[np.float64]) -> list[float]:
    rounded: list[float] = np.round(point_mm, 3).tolist()
    return rounded
