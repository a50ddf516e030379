"""Join the slabs of a network's output: probabilities of each organ in the box where it is."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import numpy.typing as npt

from omentum.volumes.boxes import BoxedArray, BoxedBytes, bounding_box
from omentum.volumes.probabilities import LEAST, ProbabilityMaps
from omentum.volumes.volume import Volume

__all__ = ["join_slabs"]

_Bytes = npt.NDArray[np.uint8]


def join_slabs(
    slabs: Iterable[tuple[slice, _Bytes]],
    organs: Sequence[str],
    shape: tuple[int, int, int],
    turned: Callable[[_Bytes], Volume],
) -> ProbabilityMaps:
    """Join slabs. Memory: what is likely, and one whole organ.

    Args:
        slabs: Place along z and `(organ, x, y, slab)`, on the network's grid.
        organs: Names, in the order of the slabs.
        shape: Of the network's grid.
        turned: Reorients a map `(x, y, z)` from that grid to axes parallel to the CT's.

    Returns:
        Each organ's values in the box of those that are `LEAST` or more, one voxel wider on every side.
        Lower values are 0, so that the result does not depend on where slabs end.
    """
    pieces: list[list[BoxedBytes]] = [[] for _ in organs]
    for z, slab in slabs:
        for own, values in zip(pieces, slab, strict=True):
            likely = _likely(values, z.start)
            if likely is not None:
                own.append(likely)
    geometry = turned(np.zeros(shape, dtype=np.uint8)).geometry
    parts = {}
    for name, own in zip(organs, pieces, strict=True):
        if own:
            part = BoxedArray.cut_out(turned(_whole(own, shape)).voxels, margin_voxels=1)
            own.clear()
            assert part is not None
            parts[name] = part
    return ProbabilityMaps(geometry, tuple(organs), parts)


def _likely(values: _Bytes, first_z: int) -> BoxedBytes | None:
    box = bounding_box(values >= LEAST)
    if box is None:
        return None
    x, y, z = box
    found = values[box].copy()
    found[found < LEAST] = 0
    return BoxedArray((x, y, slice(first_z + z.start, first_z + z.stop)), found)


def _whole(pieces: Iterable[BoxedBytes], shape: tuple[int, int, int]) -> _Bytes:
    values = np.zeros(shape, dtype=np.uint8)
    for box, found in pieces:
        values[box] = found
    return values
