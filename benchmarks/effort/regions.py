"""Which error regions does a mask have? Worked out near the organ alone, which is as exact and faster.

In:  a mask and the true one, on a CT's grid.
Out: volumes of the error regions, and their numbers.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from omentum.measures.error_regions import error_regions
from omentum.volumes.boxes import BoxedArray, bounding_box, grown, shifted
from omentum.volumes.geometry import Geometry

__all__ = ["regions_of"]

Mask = npt.NDArray[np.bool_]


def regions_of(mask: Mask, true: Mask, grid: Geometry) -> tuple[tuple[float, ...], BoxedArray[Any] | None]:
    """Give the volumes of the error regions in mL, and the number of each of their voxels, from 1."""
    around = bounding_box(mask | true)
    if around is None:
        return (), None
    box = grown(around, 2, grid.shape)  # distances need the voxel beside the organ, and no more
    found = error_regions(mask[box], true[box], grid.spacing_mm)
    part = BoxedArray.cut_out(found.numbers, least=1)
    return found.volumes_ml, part and BoxedArray(shifted(part.box, box), part.values)
