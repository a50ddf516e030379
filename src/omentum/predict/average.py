"""What do several networks say together? The mean of their probabilities, organ by organ.

In:  probabilities of one case, each network's on a grid of its own.
Out: their mean on the finest of those grids, kept as any network's, so that masks are decided alike.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from omentum.measures.boxes import joint_box, shifted
from omentum.measures.probability_bytes import kept_part, nearest_bytes
from omentum.volumes.geometry import Box, Geometry
from omentum.volumes.labels import organs_named
from omentum.volumes.probabilities import ProbabilityMaps

__all__ = ["averaged"]

_Part = tuple[Box, npt.NDArray[np.float32]]


def averaged(maps: Sequence[ProbabilityMaps]) -> ProbabilityMaps:
    """Average the probabilities of the networks that know an organ.

    A network that knows an organ and sees it nowhere says 0 everywhere; one that does not know it has no
    say. Memory: one organ at a time, as float32 in the box of all that the networks see of it.

    Args:
        maps: At least one; grids are parallel, of any spacing. Spacings are compared by a voxel's volume.

    Returns:
        The mean on the finest grid, rounded to the nearest byte, halves down: where one of two networks
        is sure of yes and the other of no, the mean is a half and that is not over a half.

    Raises:
        ConfigError: The grids are not parallel.
    """
    finest = min((one.geometry for one in maps), key=lambda grid: grid.voxel_ml)
    organs = tuple(row.name for row in organs_named(name for one in maps for name in one.organs))
    parts = {}
    for name in organs:
        part = _mean_of([one for one in maps if name in one.organs], name, finest)
        if part is not None:
            parts[name] = part
    return ProbabilityMaps(finest, organs, parts)


def _mean_of(
    maps: Sequence[ProbabilityMaps], name: str, grid: Geometry
) -> tuple[Box, npt.NDArray[np.uint8]] | None:
    """Average one organ of networks that all know it; `None` where they do not see enough of it to keep."""
    total: _Part | None = None
    for one in maps:
        found = one.on_grid(name, grid)
        if found is not None:
            total = found if total is None else _sum(total, found)
    if total is None:
        return None
    box, probability = total
    probability /= len(maps)
    kept = kept_part(nearest_bytes(probability))
    return None if kept is None else (shifted(kept[0], origin=box), kept[1])


def _sum(one: _Part, other: _Part) -> _Part:
    """Add two parts of one grid, zero around each, in the box of both."""
    box = joint_box([one[0], other[0]])
    assert box is not None
    total = np.zeros([side.stop - side.start for side in box], dtype=np.float32, order="F")
    for part_box, values in (one, other):
        total[shifted(part_box, box, sign=-1)] += values
    return box, total
