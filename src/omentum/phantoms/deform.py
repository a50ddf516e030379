"""Deform signed distances of a real anatomy into the space of a synthetic patient."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from omentum.phantoms.anatomy_map import Part
from omentum.phantoms.interpolate import FloatArray
from omentum.phantoms.space import FAR_MM, Space
from omentum.volumes.geometry import Box

__all__ = ["AnatomyPlacement", "fit_placement", "placed"]


@dataclass(frozen=True, slots=True, eq=False)
class AnatomyPlacement:
    """A scale and a shift along each axis, from the atlas to a map's own.

    Attributes:
        scale: Three factors.
        shift_mm: Three lengths, added after scaling.
    """

    scale: npt.NDArray[np.float64] = field(default_factory=lambda: np.ones(3))
    shift_mm: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(3))

    def back(self, own_mm: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Give atlas places of a map's own, the last axis being x, y, z."""
        return np.asarray((own_mm - self.shift_mm) / self.scale)


def fit_placement(host: Mapping[str, Part], guest: Mapping[str, Part]) -> AnatomyPlacement:
    """Find the scale and shift by which organs of two people come to lie best on each other.

    Args:
        host: Organs in the atlas.
        guest: The same organs in the guest's own; the least squares are over their centres.
    """
    common = sorted(set(host) & set(guest))
    at = np.array([host[name].centre_mm for name in common])
    own = np.array([guest[name].centre_mm for name in common])
    spread = at - at.mean(axis=0)
    scale = np.clip((spread * own).sum(axis=0) / (spread**2).sum(axis=0), 0.7, 1.4)
    return AnatomyPlacement(scale, own.mean(axis=0) - scale * at.mean(axis=0))


def placed(
    space: Space, part: Part, placement: AnatomyPlacement, moved_mm: npt.ArrayLike = (0.0, 0.0, 0.0)
) -> tuple[Box, FloatArray]:
    """Sample a part's distances at the nodes near it.

    Args:
        space: The coarse grid.
        part: Of an anatomy map.
        placement: From the atlas to the map's own.
        moved_mm: How far it is moved in the atlas besides.

    Returns:
        The box of nodes, and the distance in mm at them; `FAR_MM` beyond the part's own box.
    """
    shift = np.asarray(moved_mm, dtype=np.float64)
    low, high = placement.back(part.ends_mm) + shift
    box = space.box(low.tolist(), high.tolist())
    nodes = np.empty((3, *(span.stop - span.start for span in box)), dtype=np.float32)
    for axis, points in enumerate(space.at(box)):
        factor = placement.scale[axis] / part.step_mm[axis]
        start = (placement.shift_mm[axis] - part.origin_mm[axis]) / part.step_mm[axis] - shift[axis] * factor
        nodes[axis] = points * np.float32(factor) + np.float32(start)
    distance = np.empty(nodes.shape[1:], dtype=np.float32)
    ndimage.map_coordinates(part.distance, nodes, output=distance, order=1, mode="constant", cval=FAR_MM)
    distance /= np.float32(np.cbrt(np.prod(placement.scale)))
    return box, distance
