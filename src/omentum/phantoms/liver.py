"""Model liver and gall bladder (labelled), vessels and lesions under the right dome of the diaphragm."""

import numpy as np
import numpy.typing as npt

from omentum.phantoms.interpolate import FloatArray
from omentum.phantoms.patient import Patient
from omentum.phantoms.shapes import ellipsoid, smooth_max, smooth_min
from omentum.phantoms.space import Space, stream
from omentum.phantoms.structure import (
    KEEP,
    Core,
    Fill,
    Structure,
    distance_at,
    fitted,
    fitted_within,
    ruffled,
)
from omentum.phantoms.tissue import Tissues
from omentum.phantoms.torso import Torso
from omentum.volumes.geometry import Box
from omentum.volumes.labels import organ

__all__ = ["gall_bladder", "liver"]

_VEINS: tuple[tuple[str, list[tuple[float, float, float, float]]], ...] = (
    ("hepatic_vein", [(22, 56, 78, 6), (55, 55, 76, 5), (88, 48, 62, 4), (112, 40, 42, 2.5)]),
    ("hepatic_vein", [(22, 58, 79, 6), (40, 82, 74, 5), (58, 108, 60, 4), (70, 122, 42, 2.5)]),
    ("hepatic_vein", [(18, 60, 78, 5), (-4, 82, 70, 4.5), (-30, 100, 56, 3)]),
    ("portal_vein", [(30, 78, 27, 7), (58, 72, 32, 6), (84, 62, 38, 4.5), (108, 52, 46, 3)]),
    ("portal_vein", [(62, 72, 32, 5), (84, 84, 24, 4), (102, 98, 10, 3)]),
    ("portal_vein", [(78, 64, 36, 4.5), (90, 40, 22, 3.5), (98, 28, 0, 2.5)]),
    ("portal_vein", [(32, 79, 28, 6), (16, 92, 38, 5), (-6, 106, 40, 4), (-32, 110, 38, 3)]),
)
_LABEL = organ("liver").index


def liver(space: Space, torso: Torso, patient: Patient, tissues: Tissues) -> list[Structure]:
    """Give liver, the vessels in it, and lesions in some."""
    rng = stream(patient.seed, "liver")
    box = space.box((-130, -70, -125), (165, 180, 115))
    room = smooth_max(torso.cavity[box] + 2.5, torso.dome[box] + 2.5, 5.0)
    surface = _lower_surface(space, rng, box, patient.variation)
    surface = ruffled(space, rng, box, surface, broad_mm=1.8 * patient.variation)
    volume_ml = float(np.clip(rng.lognormal(np.log(1620.0), 0.13 * patient.variation), 900.0, 2600.0))
    shape = fitted_within(surface, room, volume_ml * float(np.prod(patient.size)) ** 0.7, 8.0)
    fill = Fill(hu=tissues["liver"], texture_hu=4.0, patchy_hu=3.0)
    found = [Structure("liver", box, shape, fill, label=_LABEL)]
    found += _vessels(space, rng, found[0], tissues)
    return found + _lesions(space, rng, found[0], patient)


def gall_bladder(space: Space, torso: Torso, patient: Patient, tissues: Tissues) -> list[Structure]:
    """Give the gall bladder, unless it was taken out."""
    rng = stream(patient.seed, "gall_bladder")
    if not patient.has_gall_bladder:
        return []
    knots = np.array(
        [(38, 88, -2, 5), (48, 92, -14, 10), (58, 98, -28, 14), (68, 106, -42, 14), (73, 110, -50, 11)],
        dtype=float,
    )
    knots[:, :3] += rng.normal(0.0, 4.0 * patient.variation, 3) + rng.normal(0.0, 1.5, (len(knots), 3))
    box, distance = space.tube(knots)
    volume_ml = float(np.clip(rng.lognormal(np.log(36.0), 0.4), 12.0, 90.0))
    distance = fitted(ruffled(space, rng, box, distance, broad_mm=0.8), volume_ml)
    distance = np.maximum(distance, torso.cavity[box] + 3.0)
    bile = Core(hu=tissues["bile"], depth_mm=1.8, texture_hu=2.0)
    found = [
        Structure(
            "gall bladder",
            box,
            distance,
            Fill(hu=tissues["bowel_wall"], core=bile),
            label=organ("gall_bladder").index,
        )
    ]
    if rng.random() < 0.12:
        x, y, z, _ = knots[-2] + rng.normal(0.0, 3.0, 4)
        radius = rng.uniform(3.0, 7.0)
        stone = ellipsoid(space.at(box), (x, y - 5.0, z), (radius,) * 3)
        stone = np.maximum(stone, distance + 1.5)
        found.append(Structure("gall stone", box, stone, Fill(hu=260.0), label=KEEP))
    return found


def _lower_surface(space: Space, rng: np.random.Generator, box: Box, variation: float) -> FloatArray:
    """Give the distance to the liver's surface below and to the left: planes, and its neighbours' hollows."""
    x, y, z = space.at(box)
    lowest = -82.0 + rng.normal(0.0, 12.0 * variation)
    rise = rng.normal(0.47, 0.04 * variation)
    below = (lowest + rise * (115.0 - x) - z) / np.hypot(1.0, rise)
    behind = (5.0 + rng.normal(0.0, 4.0 * variation) - y - 0.8 * z) / 1.28
    turn = np.radians(rng.normal(52.0, 4.0 * variation))
    left = -(np.cos(turn) * (x - 8.0) + np.sin(turn) * (y - 32.0))
    # Behind the postcava the liver reaches the back wall, along the right side of the spine.
    left = smooth_min(np.asarray(left, dtype=np.float32), 27.0 - x, 10.0)
    tip = -78.0 + rng.normal(0.0, 16.0 * variation) - x
    hilum = ellipsoid((x, y, z), (-6, 62, -32), (48, 40, 52))
    groove = ellipsoid((x, y, z), (8, 118, -42), (9, 60, 42))
    shape = np.asarray(below, dtype=np.float32)
    for cut, blend in ((behind, 16.0), (left, 22.0), (tip, 26.0), (-hilum, 10.0), (-groove, 8.0)):
        shape = smooth_max(shape, np.asarray(cut, dtype=np.float32), blend)
    return shape


def _vessels(space: Space, rng: np.random.Generator, whole: Structure, tissues: Tissues) -> list[Structure]:
    found = []
    for tissue, knots in _VEINS:
        path: npt.NDArray[np.float64] = np.array(knots, dtype=np.float64)
        path[1:, :3] += rng.normal(0.0, 4.0, (len(path) - 1, 3))
        box, distance = space.tube(path)
        distance = np.maximum(distance, distance_at(whole, box) + 2.0)
        found.append(Structure(tissue, box, distance, Fill(hu=tissues[tissue]), label=KEEP))
    twigs = np.maximum(whole.distance + 6.0, (2.0 - space.noise(rng, whole.box, broad=False)) * 4.0)
    found.append(Structure("twigs", whole.box, twigs, Fill(hu=tissues["portal_vein"] - 8.0), label=KEEP))
    return found


def _lesions(space: Space, rng: np.random.Generator, whole: Structure, patient: Patient) -> list[Structure]:
    found = []
    nodes = np.argwhere(whole.distance < -9.0)
    if not len(nodes):
        return []
    for _ in range(patient.lesions):
        place = tuple(nodes[rng.integers(len(nodes))])
        centre = [float(axis[whole.box][place]) for axis in space.points]
        radius = float(rng.uniform(4.0, 18.0))
        box = space.box([c - radius for c in centre], [c + radius for c in centre])
        shape = ruffled(space, rng, box, ellipsoid(space.at(box), centre, (radius,) * 3), broad_mm=1.5)
        shape = np.maximum(shape, distance_at(whole, box) + 1.0)
        cyst = rng.random() < 0.5
        hu = float(rng.normal(8.0, 4.0)) if cyst else whole.fill.hu - float(rng.uniform(20.0, 55.0))
        found.append(Structure("lesion", box, shape, Fill(hu=hu, texture_hu=4.0), label=KEEP))
    return found
