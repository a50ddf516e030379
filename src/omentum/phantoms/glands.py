"""Model spleen, pancreas and kidneys (labelled) and the adrenal glands."""

import numpy as np

from omentum.phantoms.patient import Patient
from omentum.phantoms.shapes import ellipsoid, smooth_max
from omentum.phantoms.space import Space, stream
from omentum.phantoms.structure import KEEP, Core, Fill, Structure, fitted, fitted_within, ruffled
from omentum.phantoms.tissue import Tissues
from omentum.phantoms.torso import Torso
from omentum.volumes.labels import organ

__all__ = ["adrenal_glands", "kidneys", "pancreas", "spleen"]

_PANCREAS = np.array(
    [
        (4, 73, -50, 7), (11, 78, -38, 12), (10, 82, -24, 14), (-3, 88, -13, 10), (-24, 88, -7, 9.5),
        (-48, 81, -1, 10), (-70, 68, 8, 10.5), (-92, 50, 18, 9),
    ],
    dtype=np.float64,
)  # fmt: skip


def spleen(space: Space, torso: Torso, patient: Patient, tissues: Tissues) -> list[Structure]:
    """Give the spleen: a thick shell between the left wall, the stomach and the left kidney."""
    rng = stream(patient.seed, "spleen")
    centre = np.array([-103.0, 2.0, 36.0]) + rng.normal(0.0, 5.0 * patient.variation, 3)
    size = rng.normal(1.0, 0.08 * patient.variation) * (1.35 if patient.large_spleen else 1.0)
    box = space.box(centre - 80 * size, centre + 80 * size)
    points = space.at(box)
    turn = (float(rng.normal(0.0, 8.0)), float(rng.normal(0.0, 8.0)), float(rng.normal(25.0, 8.0)))
    shape = ellipsoid(points, centre.tolist(), (np.array([40.0, 50.0, 54.0]) * size).tolist(), turn)
    room = smooth_max(torso.cavity[box] + 2.5, torso.dome[box] + 2.5, 8.0)
    hollow = ellipsoid(points, np.add(centre, (44, 34, 4)).tolist(), (40 / size, 46, 60))
    shape = ruffled(space, rng, box, smooth_max(shape, -hollow, 12.0), broad_mm=2.0 * patient.variation)
    usual_ml = float(np.clip(rng.lognormal(np.log(265.0), 0.2), 160.0, 420.0))
    shape = fitted_within(
        shape, room, usual_ml * (rng.uniform(1.8, 3.0) if patient.large_spleen else 1.0), 8.0
    )
    patchy = 16.0 if patient.phase == "arterial" else 3.0
    fill = Fill(hu=tissues["spleen"], texture_hu=4.0, patchy_hu=patchy)
    return [Structure("spleen", box, shape, fill, label=organ("spleen").index)]


def pancreas(space: Space, patient: Patient, tissues: Tissues) -> list[Structure]:
    """Give the pancreas: a lobed, bent bar from the duodenum to the spleen."""
    rng = stream(patient.seed, "pancreas")
    knots = _PANCREAS.copy()
    knots[:, :3] += rng.normal(0.0, 3.5 * patient.variation, 3) + rng.normal(
        0.0, 2.0 * patient.variation, (len(knots), 3)
    )
    climb = np.linspace(0.0, 1.0, len(knots)) * rng.normal(0.0, 9.0 * patient.variation)
    knots[:, 2] += climb
    box, distance = space.tube(knots, flat=(1.0, 1.12, 0.88))
    distance = ruffled(space, rng, box, distance, broad_mm=1.2, fine_mm=1.3)
    volume_ml = float(np.clip(rng.lognormal(np.log(90.0), 0.2), 50.0, 130.0))
    marbled = float(rng.uniform(6.0, 22.0))
    fill = Fill(hu=tissues["pancreas"] - 0.5 * marbled, texture_hu=marbled)
    shape = fitted(distance, volume_ml, most_mm=5.0)
    return [Structure("pancreas", box, shape, fill, label=organ("pancreas").index)]


def kidneys(space: Space, patient: Patient, tissues: Tissues) -> list[Structure]:
    """Give both kidneys, or one, with cortex, medulla, the fat of the sinus and the pelvis."""
    found = []
    for side, sign, middle in (("right", 1.0, (70.0, 9.0, -20.0)), ("left", -1.0, (-73.0, 10.0, -9.0))):
        if side == patient.missing_kidney:
            continue
        found += _kidney(space, patient, tissues, (side, sign, middle))
    return found


def adrenal_glands(space: Space, patient: Patient, tissues: Tissues) -> list[Structure]:
    """Give the adrenal glands, without a label: thin bent bands that look like anything else."""
    rng = stream(patient.seed, "adrenal")
    found = []
    for knots in (
        [(31, 38, 44, 3), (35, 30, 32, 4), (41, 20, 18, 3.5)],
        [(-40, 42, 30, 3), (-48, 44, 16, 4), (-52, 36, 2, 3.5)],
        [(-48, 44, 16, 3.5), (-56, 34, 10, 3)],
    ):
        path = np.array(knots, dtype=float) + rng.normal(0.0, 1.5, 4) * (1, 1, 1, 0.2)
        box, distance = space.tube(path)
        found.append(Structure("adrenal gland", box, distance, Fill(hu=tissues["adrenal"])))
    return found


def _kidney(
    space: Space, patient: Patient, tissues: Tissues, where: tuple[str, float, tuple[float, float, float]]
) -> list[Structure]:
    side, sign, middle = where
    rng = stream(patient.seed, f"kidney_{side}")
    centre = np.array(middle) + rng.normal(0.0, (4.0, 4.0, 9.0)) * patient.variation
    size = 0.62 if patient.small_kidney == side else 1.0
    box = space.box(centre - 75, centre + 75)
    points = space.at(box)
    turn = (
        float(rng.normal(-10.0, 4.0)),
        float(sign * rng.normal(13.0, 4.0)),
        float(sign * rng.normal(40.0, 8.0)),
    )
    radii = np.array([30.0, 24.5, 53.0]) * size
    shape = ellipsoid(points, centre.tolist(), radii.tolist(), turn)
    shape = ruffled(space, rng, box, shape, broad_mm=1.6 * patient.variation)
    volume_ml = float(np.clip(rng.lognormal(np.log(172.0), 0.14), 110.0, 260.0)) * size**3
    shape = fitted(shape, volume_ml, most_mm=6.0)
    hilum = np.array([-sign * 0.77, 0.64, 0.0]) * size
    sinus = ellipsoid(
        points, (centre + 19.0 * hilum).tolist(), (np.array([21.0, 10.0, 25.0]) * size).tolist(), turn
    )
    sinus = np.maximum(ruffled(space, rng, box, sinus, broad_mm=2.5, fine_mm=1.0), shape - 1.0)
    pelvis = ellipsoid(
        points, (centre + 22.0 * hilum).tolist(), (np.array([14.0, 5.0, 10.0]) * size).tolist(), turn
    )
    medulla = Core(hu=tissues["kidney_medulla"], depth_mm=7.0, rough_mm=3.5, texture_hu=4.0)
    fill = Fill(hu=tissues["kidney_cortex"], texture_hu=5.0, core=medulla)
    found = [
        Structure(f"kidney {side}", box, shape, fill, label=organ(f"kidney_{side}").index),
        Structure("renal sinus", box, sinus, Fill(hu=tissues["fat"] + 30.0, texture_hu=15.0)),
        Structure("renal pelvis", box, np.maximum(pelvis, sinus), Fill(hu=tissues["urine"])),
    ]
    if rng.random() < 0.2 * patient.lesions:
        angle, radius = rng.uniform(0.0, 2.0 * np.pi), float(rng.uniform(5.0, 14.0))
        at = centre + np.array([sign * 22.0, 20.0 * np.cos(angle), 35.0 * np.sin(angle)]) * size
        cyst = np.maximum(ellipsoid(points, at.tolist(), (radius,) * 3), shape)
        found.append(Structure("renal cyst", box, cyst, Fill(hu=8.0), label=KEEP))
    return found
