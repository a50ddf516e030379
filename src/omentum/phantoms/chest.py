"""Model the diaphragm and what lies above it: lungs (labelled), heart, oesophagus."""

import numpy as np

from omentum.phantoms.interpolate import FloatArray
from omentum.phantoms.patient import Patient
from omentum.phantoms.shapes import ellipsoid, smooth_max
from omentum.phantoms.space import Space, stream
from omentum.phantoms.structure import KEEP, Core, Fill, Structure, ruffled
from omentum.phantoms.tissue import Tissues
from omentum.phantoms.torso import Torso
from omentum.volumes.boxes import BoxedArray
from omentum.volumes.geometry import Box
from omentum.volumes.labels import organ

__all__ = ["chest"]


def chest(space: Space, torso: Torso, patient: Patient, tissues: Tissues) -> list[Structure]:
    """Give diaphragm, lungs with their vessels, heart, gullet, and fluid beside the lungs in some."""
    rng = stream(patient.seed, "chest")
    box = space.box((-190, -100, -20), (190, 190, 236))
    heart_box, heart = _heart(space, torso, rng)
    chest_wall = torso.cavity[box] - 1.0
    middle = _mediastinum(space, box)
    inside = smooth_max(chest_wall, 1.5 - torso.dome[box], 4.0)
    about_heart = np.full(inside.shape, -np.inf, dtype=np.float32)
    BoxedArray(heart_box, 3.0 - heart).shift(box, -1).put(about_heart)
    lung = np.maximum(np.maximum(inside, -middle), about_heart)
    sheet = np.maximum(np.abs(torso.dome[box]) - 2.0, chest_wall)
    found = [
        Structure("diaphragm", box, sheet, Fill(hu=tissues["muscle"], texture_hu=4.0)),
        *_lungs(space, rng, box, lung),
        *_effusion(space, patient, box, inside),
    ]
    blood = Fill(hu=tissues["heart"], patchy_hu=10.0, texture_hu=4.0)
    found.append(Structure("heart", heart_box, heart, blood))
    gullet = [(2, 26, 235, 8), (0, 24, 160, 8), (-8, 34, 105, 8), (-17, 43, 80, 8), (-32, 50, 64, 9)]
    tube_box, tube = space.tube(gullet)
    gas = Core(hu=5.0, depth_mm=4.5, gas_share=0.4)
    found.append(Structure("gullet", tube_box, tube, Fill(hu=tissues["stomach_wall"], core=gas)))
    return found


def _heart(space: Space, torso: Torso, rng: np.random.Generator) -> tuple[Box, FloatArray]:
    centre = np.array([-24.0, 92.0, 114.0]) + rng.normal(0.0, 4.0, 3)
    box = space.box(centre - 75, centre + 85)
    radii = np.array([68.0, 46.0, 52.0]) * rng.normal(1.0, 0.06)
    shape = ellipsoid(space.at(box), centre.tolist(), radii.tolist(), (0.0, -25.0, 25.0))
    above = 5.0 - torso.dome[box]
    return box, ruffled(space, rng, box, smooth_max(shape, above, 12.0), broad_mm=2.0)


def _mediastinum(space: Space, box: Box) -> FloatArray:
    """Give the distance to what lies between the lungs: narrow behind, wide about the heart."""
    x, y, z = space.at(box)
    narrow = 13.0 + 14.0 * np.exp(-(((y - 18.0) / 26.0) ** 2)) + 10.0 * np.clip((z - 170.0) / 60.0, 0.0, 1.0)
    return np.asarray(np.abs(x + 9.0) - narrow, dtype=np.float32)


def _lungs(space: Space, rng: np.random.Generator, box: Box, lung: FloatArray) -> list[Structure]:
    x, _, _ = space.at(box)
    air = float(rng.normal(-850.0, 25.0))
    fill = Fill(hu=air, texture_hu=25.0, patchy_hu=20.0)
    threads = np.maximum(lung + 7.0, (1.75 - space.noise(rng, box, broad=False)) * 4.0)
    found = [
        Structure(
            f"lung {side}",
            box,
            np.maximum(lung, -np.float32(sign) * x),
            fill,
            label=organ(f"lung_{side}").index,
        )
        for side, sign in (("right", 1.0), ("left", -1.0))
    ]
    return [
        *found,
        Structure("lung vessels", box, threads, Fill(hu=-20.0), label=KEEP),
    ]


def _effusion(space: Space, patient: Patient, box: Box, inside: FloatArray) -> list[Structure]:
    if not patient.effusion:
        return []
    rng = stream(patient.seed, "effusion")
    x, y, _ = space.at(box)
    side = float(rng.choice((1.0, -1.0)))
    level = y - np.float32(rng.uniform(-30.0, 0.0))
    pool = np.maximum(np.maximum(inside, level), 25.0 - np.float32(side) * x)
    return [Structure("effusion", box, pool, Fill(hu=10.0, texture_hu=4.0))]
