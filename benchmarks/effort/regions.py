"""Where is a mask wrong? Error regions, as they are counted here.

In:  a mask and the truth.
Out: regions: connected voxels (26 neighbours) of one and not of the other, deeper than 3 mm from the true
     surface, of 0.5 mL or more. What is nearer is where two experts differ.
"""

from dataclasses import dataclass

import edt
import numpy as np
import numpy.typing as npt

from omentum.measures.boxes import bounding_box, grown, joint_box
from omentum.measures.components import pieces_of
from omentum.measures.surface import surface_of
from omentum.volumes.geometry import Box, Geometry

__all__ = ["DEEPER_THAN_MM", "LEAST_ML", "Regions", "error_regions"]

DEEPER_THAN_MM = 3.0
LEAST_ML = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Regions:
    """The error regions of one organ.

    Attributes:
        volumes_ml: One a region.
        numbers: Number of the region that a voxel of `box` is in, from 1; 0 elsewhere.
        box: Part of the CT's grid; `None` where there is no error.
    """

    volumes_ml: tuple[float, ...]
    numbers: npt.NDArray[np.uint16]
    box: Box | None

    def touched(self, box: Box, mask: npt.NDArray[np.bool_]) -> tuple[int, ...]:
        """Name the regions, from 0, that share a voxel with a mask that lies in a box of the CT's grid."""
        if self.box is None:
            return ()
        low = [max(a.start, b.start) for a, b in zip(self.box, box, strict=True)]
        high = [min(a.stop, b.stop) for a, b in zip(self.box, box, strict=True)]
        if any(a >= b for a, b in zip(low, high, strict=True)):
            return ()

        def part(of: Box) -> tuple[slice, ...]:
            return tuple(slice(a - o.start, b - o.start) for a, b, o in zip(low, high, of, strict=True))

        found = np.unique(self.numbers[part(self.box)][mask[part(box)]])
        return tuple(int(number) - 1 for number in found if number)


def error_regions(shown: npt.NDArray[np.bool_], true: npt.NDArray[np.bool_], geometry: Geometry) -> Regions:
    """Find where a mask `(x, y, z)` is wrong."""
    box = joint_box([bounding_box(shown), bounding_box(true)])
    if box is None:
        return Regions((), np.zeros((0, 0, 0), dtype=np.uint16), None)
    box = grown(box, 1, shown.shape)
    shown, true = np.ascontiguousarray(shown[box]), np.ascontiguousarray(true[box])
    wrong = shown ^ true
    if true.any():
        surface = surface_of(true)
        depth_mm = edt.edt(~surface, anisotropy=geometry.spacing_mm, black_border=False, parallel=1)
        wrong &= depth_mm > DEEPER_THAN_MM
    pieces = pieces_of(wrong)
    kept = [number for number in pieces.by_size if pieces.n_voxels[number] * geometry.voxel_ml >= LEAST_ML]
    renumbered = np.zeros(len(pieces.n_voxels), dtype=np.uint16)
    renumbered[kept] = np.arange(1, len(kept) + 1)
    volumes_ml = tuple(float(pieces.n_voxels[number] * geometry.voxel_ml) for number in kept)
    return Regions(volumes_ml, renumbered[pieces.numbers], box)
