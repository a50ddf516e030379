"""How are the slabs that a network gives put together? Organ by organ, each in the box where it is.

In:  probabilities of all organs in one slab after another, on the network's axes.
Out: probabilities of each organ on axes parallel to the CT's. Memory: what is likely, and one whole organ.
"""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import numpy.typing as npt

from omentum.volumes.boxes import bounding_box, grown
from omentum.volumes.geometry import Box
from omentum.volumes.probabilities import LEAST, ProbabilityMaps
from omentum.volumes.volume import Volume

__all__ = ["join_slabs"]

_Bytes = npt.NDArray[np.uint8]
_Part = tuple[Box, _Bytes]


def join_slabs(
    slabs: Iterable[tuple[slice, _Bytes]],
    organs: Sequence[str],
    shape: tuple[int, int, int],
    turned: Callable[[_Bytes], Volume],
) -> ProbabilityMaps:
    """Put slabs together.

    Args:
        slabs: Place along z and `(organ, x, y, slab)`, on the network's grid.
        organs: Names, in the order of the slabs.
        shape: Of the network's grid.
        turned: Turns a map `(x, y, z)` on that grid to axes parallel to the CT's.

    Returns:
        Each organ's values in the box of those that are `LEAST` or more, one voxel wider on every side.
        Lower values are 0, so that it does not matter where one slab ends.
    """
    pieces: list[list[_Part]] = [[] for _ in organs]
    for z, slab in slabs:
        for own, values in zip(pieces, slab, strict=True):
            likely = _likely(values, z.start)
            if likely is not None:
                own.append(likely)
    geometry = turned(np.zeros(shape, dtype=np.uint8)).geometry
    parts = {}
    for name, own in zip(organs, pieces, strict=True):
        if own:
            values = turned(_whole(own, shape)).voxels
            own.clear()
            box = bounding_box(values > 0)
            assert box is not None
            box = grown(box, 1, values.shape)
            parts[name] = box, np.ascontiguousarray(values[box])
    return ProbabilityMaps(geometry, tuple(organs), parts)


def _likely(values: _Bytes, first_z: int) -> _Part | None:
    box = bounding_box(values >= LEAST)
    if box is None:
        return None
    x, y, z = box
    found = values[box].copy()
    found[found < LEAST] = 0
    return (x, y, slice(first_z + z.start, first_z + z.stop)), found


def _whole(pieces: Iterable[_Part], shape: tuple[int, int, int]) -> _Bytes:
    values = np.zeros(shape, dtype=np.uint8)
    for box, found in pieces:
        values[box] = found
    return values
