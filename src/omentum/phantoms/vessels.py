"""Model aorta and postcava (labelled), and unlabelled branches about the pancreas and kidneys."""

from collections.abc import Sequence

import numpy as np

from omentum.phantoms.patient import Patient
from omentum.phantoms.space import Space, stream
from omentum.phantoms.structure import Fill, Structure, ruffled
from omentum.phantoms.tissue import Tissues
from omentum.volumes.labels import organ

__all__ = ["branches", "great_vessels"]

_AORTA = [
    (-26, 8, 235, 12.5), (-27, 8, 190, 12.5), (-29, 8, 150, 12), (-31, 14, 100, 12), (-27, 26, 65, 11.8),
    (-22, 36, 30, 11.5), (-20, 43, 0, 11.2), (-17, 50, -30, 10), (-14, 56, -60, 9.5), (-12, 60, -90, 9.2),
    (-10, 58, -116, 9),
]  # fmt: skip
_POSTCAVA = [
    (8, 60, 108, 13), (13, 58, 92, 14), (19, 57, 76, 13.5), (24, 52, 60, 13), (26, 50, 40, 12.5),
    (25, 51, 15, 13), (24, 54, -5, 13.5), (21, 55, -30, 13), (17, 55, -60, 12), (14, 56, -90, 11.5),
    (13, 54, -120, 12),
]  # fmt: skip
_BRANCHES: tuple[tuple[str, Sequence[tuple[float, float, float, float]]], ...] = (
    (
        "portal_vein",
        [(-104, 40, 26, 3.5), (-84, 52, 14, 4), (-56, 68, 2, 4.5), (-26, 75, -3, 5), (2, 76, -4, 6)],
    ),
    ("portal_vein", [(2, 76, -4, 7), (14, 76, 8, 7.5), (24, 78, 19, 7.5), (34, 78, 29, 7)]),
    ("portal_vein", [(2, 77, -4, 6.5), (0, 80, -25, 6), (4, 88, -60, 5.5), (8, 94, -95, 4)]),
    (
        "aorta",
        [(-19, 52, -3, 4), (-14, 66, -12, 4), (-10, 78, -28, 3.8), (-10, 86, -60, 3.5), (-4, 92, -95, 3)],
    ),
    ("aorta", [(-20, 46, 8, 4), (-17, 62, 10, 4), (-2, 72, 12, 3.2), (18, 82, 12, 3)]),
    ("aorta", [(-17, 62, 10, 3.2), (-40, 70, 14, 3), (-70, 58, 20, 3), (-100, 40, 30, 2.8)]),
    ("postcava", [(-58, 22, -10, 5), (-40, 42, -14, 4.8), (-16, 64, -14, 4.2), (8, 60, -12, 5)]),
    ("postcava", [(56, 24, -18, 5.5), (40, 40, -16, 5.5), (28, 50, -14, 6)]),
    ("aorta", [(-26, 44, -12, 3.4), (-42, 30, -12, 3.2), (-58, 20, -11, 3)]),
    ("aorta", [(-14, 46, -12, 3.4), (18, 38, -12, 3.2), (40, 30, -17, 3), (56, 20, -18, 3)]),
    ("aorta", [(-10, 58, -112, 7), (-24, 56, -135, 6.5), (-40, 48, -160, 6), (-52, 50, -195, 5.5)]),
    ("aorta", [(-10, 58, -112, 7), (8, 58, -135, 6.5), (28, 52, -160, 6), (46, 52, -195, 5.5)]),
    ("postcava", [(13, 52, -120, 9), (-8, 46, -145, 7.5), (-36, 36, -170, 7), (-50, 40, -200, 7)]),
    ("postcava", [(13, 52, -120, 9), (26, 44, -145, 7.5), (38, 38, -170, 7), (50, 40, -200, 7)]),
)


def great_vessels(space: Space, patient: Patient, tissues: Tissues) -> list[Structure]:
    """Give the aorta, round and left of the middle, and the postcava, flat and right of it."""
    rng = stream(patient.seed, "great_vessels")
    sway = rng.normal(0.0, (2.0, 1.0, 0.0)) * patient.variation
    wide = float(np.clip(rng.normal(1.02, 0.09 * patient.variation), 0.8, 1.5))
    aorta = np.array(_AORTA, dtype=np.float64)
    aorta[:, :3] += sway + rng.normal(0.0, (1.5, 0.7, 0.0), (len(aorta), 3))
    aorta[:, 3] *= wide
    box, distance = space.tube(aorta)
    blood = Fill(hu=tissues["aorta"], texture_hu=4.0)
    found = [Structure("aorta", box, distance, blood, label=organ("aorta").index)]
    postcava = np.array(_POSTCAVA, dtype=np.float64)
    postcava[:, :3] += sway + rng.normal(0.0, (1.5, 1.0, 0.0), (len(postcava), 3))
    postcava[:, 3] *= float(np.clip(rng.normal(1.0, 0.09 * patient.variation), 0.7, 1.3))
    box, distance = space.tube(postcava, flat=(1.0, float(rng.uniform(1.15, 1.6)), 1.0))
    distance = ruffled(space, rng, box, distance, broad_mm=0.7)
    mixed = Fill(
        hu=tissues["postcava"], texture_hu=4.0, patchy_hu=0.0 if patient.phase == "non_contrast" else 10.0
    )
    found.append(Structure("postcava", box, distance, mixed, label=organ("postcava").index))
    if rng.random() < 0.35:
        found.append(_plaque(space, rng, found[0]))
    return found


def branches(space: Space, patient: Patient, tissues: Tissues) -> list[Structure]:
    """Give vessels that belong to no labelled organ: splenic, portal, mesenteric, renal and iliac ones."""
    rng = stream(patient.seed, "branches")
    found = []
    for tissue, knots in _BRANCHES:
        path = np.array(knots, dtype=np.float64)
        path[1:-1, :3] += rng.normal(0.0, 2.0, (len(path) - 2, 3))
        box, distance = space.tube(path)
        found.append(Structure(f"{tissue} branch", box, distance, Fill(hu=tissues[tissue])))
    return found


def _plaque(space: Space, rng: np.random.Generator, aorta: Structure) -> Structure:
    """Give specks of lime in the aorta's wall."""
    specks = (2.1 - space.noise(rng, aorta.box, broad=False)) * 4.0
    rim = np.abs(aorta.distance + 1.5) - 2.0
    return Structure("plaque", aorta.box, np.maximum(rim, specks), Fill(hu=550.0), label=aorta.label)
