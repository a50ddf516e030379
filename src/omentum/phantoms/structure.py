"""One solid of a synthetic patient: where it is, what fills it, which organ it belongs to."""

from dataclasses import dataclass, replace

import numpy as np

from omentum.phantoms.interpolate import FloatArray, RealArray
from omentum.phantoms.shapes import smooth_max
from omentum.phantoms.space import FAR_MM, STEP_MM, Space
from omentum.volumes.boxes import BoxedArray, bounding_box, box_shape, grown, shifted
from omentum.volumes.geometry import Box

__all__ = [
    "BACKGROUND",
    "KEEP",
    "Core",
    "Fill",
    "Structure",
    "distance_at",
    "fitted",
    "fitted_within",
    "ruffled",
    "trimmed",
]

KEEP = -1
"""Label of a structure that leaves the labels below it as they are."""
BACKGROUND = 0
MM3_PER_ML = 1000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Core:
    """What a structure holds further in than its wall.

    Attributes:
        depth_mm: Thickness of the wall.
        texture_hu: Standard deviation of its fine texture.
        rough_mm: How much the depth varies from place to place.
        gas_above_mm: Height, in the scanner's y, above which there is gas: the patient lies on the back.
        gas_share: Share of it that is gas in pockets; below `gas_above_mm`, if that is said too.
        specks: Whether the pockets are as small as in stool.
        patchy_hu: Standard deviation of its broad, patchy texture: food.
        settled_below_mm: Height, in the scanner's y, below which contrast medium has settled.
        settled_hu: HU of what has settled.
    """

    hu: float
    depth_mm: float
    texture_hu: float = 0.0
    rough_mm: float = 0.0
    gas_above_mm: float | None = None
    gas_share: float = 0.0
    specks: bool = False
    patchy_hu: float = 0.0
    settled_below_mm: float | None = None
    settled_hu: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """How bright a structure is.

    Attributes:
        texture_hu: Standard deviation of its fine texture.
        patchy_hu: Standard deviation of its broad, patchy texture.
        core: What it holds inside, if that is something else.
    """

    hu: float
    texture_hu: float = 0.0
    patchy_hu: float = 0.0
    core: Core | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Structure:
    """One solid of the anatomy.

    Attributes:
        name: For people.
        box: Where its nodes are on the coarse grid.
        distance: Signed distance in mm at those nodes, negative inside.
        fill: How bright it is.
        label: 32-class index of its organ; 0 for none; `KEEP` for what lies within an organ.
    """

    name: str
    box: Box
    distance: RealArray
    fill: Fill
    label: int = BACKGROUND


def distance_at(structure: Structure, box: Box) -> FloatArray:
    """Give a structure's distance at another box's nodes, `FAR_MM` where it has none."""
    distance = np.full(box_shape(box), FAR_MM, dtype=np.float32)
    BoxedArray(structure.box, np.asarray(structure.distance, np.float32)).shift(box, -1).put(distance)
    return distance


def fitted(distance: FloatArray, volume_ml: float, most_mm: float = 8.0) -> FloatArray:
    """Grow or shrink a solid by up to `most_mm` all round until it has a volume."""
    n_nodes = int(np.clip(volume_ml * MM3_PER_ML / STEP_MM**3, 1, distance.size - 1))
    level = np.partition(distance, n_nodes, axis=None)[n_nodes]
    return distance - np.float32(np.clip(level, -most_mm, most_mm))


def fitted_within(surface: FloatArray, room: FloatArray, volume_ml: float, blend_mm: float) -> FloatArray:
    """Fill a room up to a surface, moved by up to 25 mm so that the solid has a volume.

    The room's walls stay where they are: an organ that lies against one still does when it is larger.
    """
    inside = surface[room < 0.0]
    if not inside.size:
        return smooth_max(room, surface, blend_mm)
    n_nodes = min(int(volume_ml * MM3_PER_ML / STEP_MM**3), inside.size - 1)
    level = np.clip(np.partition(inside, n_nodes)[n_nodes], -25.0, 25.0)
    return smooth_max(room, surface - np.float32(level), blend_mm)


def ruffled(
    space: Space,
    rng: np.random.Generator,
    box: Box,
    distance: RealArray,
    *,
    broad_mm: float,
    fine_mm: float = 0.0,
) -> FloatArray:
    """Move a solid's surface in and out at random."""
    moved = np.asarray(distance, dtype=np.float32) + space.noise(rng, box) * np.float32(broad_mm)
    if fine_mm:
        moved += space.noise(rng, box, broad=False) * np.float32(fine_mm)
    return moved


def trimmed(structure: Structure, margin_mm: float = 7.0) -> Structure | None:
    """Cut a structure's box down to where it is; `None` if it is nowhere."""
    inner = bounding_box(structure.distance < margin_mm)
    if inner is None:
        return None
    inner = grown(inner, 1, structure.distance.shape)
    return replace(structure, box=shifted(inner, structure.box), distance=structure.distance[inner])
