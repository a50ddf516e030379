"""Model what lies round the organs of a label map: skin, fat, muscle, unlabelled tissue."""

import numpy as np

from omentum.phantoms.anatomy_map import AnatomyMap
from omentum.phantoms.deform import AnatomyPlacement, placed
from omentum.phantoms.interpolate import FloatArray, lattice_noise
from omentum.phantoms.patient import Patient
from omentum.phantoms.scanner_table import scanner_table
from omentum.phantoms.space import FAR_MM, STEP_MM, Space, stream
from omentum.phantoms.structure import Fill, Structure
from omentum.phantoms.tissue import Tissues
from omentum.phantoms.torso import Torso

__all__ = ["body_wall", "threads"]


def body_wall(space: Space, host: AnatomyMap, patient: Patient, tissues: Tissues) -> list[Structure]:
    """Give table, skin, the fat under it, muscle, and what fills the gaps between the organs."""
    rng = stream(patient.seed, "mapped wall")
    body = _everywhere(space, host)
    uneven = space.noise(rng, space.everywhere)
    thick = np.float32(rng.uniform(4.0, 16.0)) + np.float32(1.0) * uneven
    muscle = body - thick
    typical_fat_mm = np.float32(rng.gamma(2.0, 6.5) + 3.0)
    slow = lattice_noise(rng, space.shape, 110.0 / STEP_MM)
    skin = muscle - typical_fat_mm * (1.0 + 0.3 * np.clip(slow, -2.0, 2.0))
    inside = body + np.float32(rng.uniform(2.0, 9.0)) + np.float32(1.5) * uneven
    torso = Torso(skin=skin, muscle=muscle, cavity=inside, dome=inside)
    box, fat = space.everywhere, tissues["fat"]
    cavity_fat = Fill(hu=fat + float(rng.uniform(0.0, 25.0)), texture_hu=8.0, patchy_hu=8.0)
    soft = Fill(hu=float(rng.uniform(15.0, 60.0)), texture_hu=10.0, patchy_hu=10.0)
    share = np.float32(rng.uniform(0.6, 2.2))
    meat = np.maximum((share - lattice_noise(rng, space.shape, 22.0 / STEP_MM)) * 8.0, inside)
    return [
        *scanner_table(space, torso, patient),
        Structure("skin", box, skin, Fill(hu=0.0)),
        Structure("fat", box, skin + 2.0, Fill(hu=fat - 4.0, texture_hu=5.0)),
        Structure("muscle", box, muscle, Fill(hu=tissues["muscle"], texture_hu=8.0, patchy_hu=6.0)),
        Structure("cavity fat", box, inside, cavity_fat),
        Structure("unnamed tissue", box, meat, soft),
        Structure(
            "unnamed vessels",
            box,
            np.maximum(threads(space, rng, 1.8), inside),
            Fill(hu=tissues["portal_vein"]),
        ),
        *_discs(space, host),
    ]


def threads(space: Space, rng: np.random.Generator, radius_mm: float) -> FloatArray:
    """Give the distance to random winding threads: where two smooth fields are both 0."""
    period = 26.0 / STEP_MM
    first, second = (lattice_noise(rng, space.shape, period) for _ in range(2))
    return np.asarray(np.hypot(first, second) * np.float32(11.0) - np.float32(radius_mm), dtype=np.float32)


def _everywhere(space: Space, host: AnatomyMap) -> FloatArray:
    box, distance = placed(space, host.body, AnatomyPlacement())
    body = np.full(space.shape, FAR_MM, dtype=np.float32)
    body[box] = distance
    return body


def _discs(space: Space, host: AnatomyMap) -> list[Structure]:
    """Fill the gaps about the spinal cord, which maps leave between vertebrae."""
    if "cord" not in host.parts:
        return []
    box, cord = placed(space, host.parts["cord"], AnatomyPlacement())
    front_box, front = placed(space, host.parts["cord"], AnatomyPlacement(), (0.0, 24.0, 0.0))
    disc = Fill(hu=85.0, texture_hu=6.0)
    return [
        Structure("discs", front_box, front - 13.0, disc),
        Structure("canal", box, cord - 3.0, Fill(hu=20.0)),
    ]
