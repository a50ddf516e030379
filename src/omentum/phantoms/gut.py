"""Model stomach, colon and intestine (labelled), the duodenum, and what they hold."""

import numpy as np
import numpy.typing as npt

from omentum.phantoms.interpolate import FloatArray
from omentum.phantoms.patient import Patient
from omentum.phantoms.shapes import smooth_max
from omentum.phantoms.space import STEP_MM, Space, stream
from omentum.phantoms.structure import Core, Fill, Structure, fitted_within, ruffled
from omentum.phantoms.tissue import Tissues
from omentum.phantoms.torso import Torso
from omentum.volumes.geometry import Box
from omentum.volumes.labels import organ

__all__ = ["bowel", "stomach"]

_STOMACH = np.array(
    [
        (-58, 36, 72, 22), (-74, 46, 60, 34), (-80, 68, 42, 34), (-76, 92, 22, 28), (-58, 106, 4, 22),
        (-32, 109, -6, 18), (-8, 103, -9, 15), (10, 96, -6, 9),
    ],
    dtype=np.float64,
)  # fmt: skip
_DUODENUM = np.array(
    [
        (10, 96, -6, 9), (24, 92, -8, 12), (31, 80, -20, 12), (34, 70, -42, 12), (26, 66, -62, 12),
        (4, 70, -70, 11), (-24, 66, -70, 11), (-44, 68, -58, 11), (-50, 82, -50, 11),
    ],
    dtype=np.float64,
)  # fmt: skip
_COLON = np.array(
    [
        (74, 72, -165, 24), (92, 58, -140, 28), (102, 46, -112, 25), (98, 42, -84, 23), (86, 50, -62, 22),
        (70, 90, -58, 21), (52, 118, -66, 21), (14, 120, -72, 20), (-28, 120, -62, 20), (-70, 114, -36, 20),
        (-108, 92, -8, 20), (-120, 58, 8, 19), (-116, 28, -14, 18), (-114, 18, -50, 16), (-112, 18, -90, 15),
        (-110, 34, -125, 15), (-92, 56, -155, 16), (-60, 62, -180, 17), (-20, 50, -200, 17),
    ],
    dtype=np.float64,
)  # fmt: skip


def stomach(space: Space, torso: Torso, patient: Patient, tissues: Tissues) -> list[Structure]:
    """Give the stomach with gas above its fluid, contrast medium or meal, and the duodenum after it."""
    rng = stream(patient.seed, "stomach")
    knots = _STOMACH.copy()
    fullness = float(np.clip(rng.normal(0.92, 0.16 * patient.variation), 0.55, 1.3))
    knots[:, 3] *= fullness
    shift = (
        rng.normal(0.0, 4.0 * patient.variation, (len(knots), 3)) * np.linspace(1.0, 0.0, len(knots))[:, None]
    )
    knots[:, :3] += shift + rng.normal(0.0, (5.0, 3.0, 5.0)) * patient.variation
    knots[3:7, 2] += rng.normal(0.0, 12.0 * patient.variation)
    box, distance = space.tube(knots, flat=(1.0, 0.95, 1.0))
    distance = ruffled(space, rng, box, distance, broad_mm=2.2)
    volume_ml = float(np.clip(rng.lognormal(np.log(330.0), 0.35) * fullness**2, 120.0, 700.0))
    room = smooth_max(np.maximum(torso.cavity[box], torso.dome[box]) + 3.0, _bed(space, box), 12.0)
    distance = fitted_within(distance, room, volume_ml, 6.0)
    inside = _scanner_y(space, box)[distance < -5.0]
    level = float(np.quantile(inside, rng.uniform(0.55, 1.0))) if inside.size else None
    content = Core(
        hu=_content_hu(rng, patient), depth_mm=4.5, texture_hu=12.0, rough_mm=1.2, gas_above_mm=level
    )
    fill = Fill(hu=tissues["stomach_wall"], texture_hu=5.0, core=content)
    found = [Structure("stomach", box, distance, fill, label=organ("stomach").index)]
    path = _DUODENUM.copy()
    path[0, :3] = knots[-1, :3]
    path[1:, :3] += rng.normal(0.0, 3.0 * patient.variation, (len(path) - 1, 3))
    box, distance = space.tube(path)
    fluid = Core(hu=_content_hu(rng, patient), depth_mm=3.5, texture_hu=10.0, gas_share=0.08)
    bent = ruffled(space, rng, box, distance, broad_mm=1.5, fine_mm=0.8)
    return [
        Structure("duodenum", box, bent, Fill(hu=tissues["bowel_wall"], core=fluid)),
        *found,
    ]


def bowel(space: Space, torso: Torso, patient: Patient, tissues: Tissues) -> list[Structure]:
    """Give the loops of the small bowel and the colon round them."""
    rng = stream(patient.seed, "bowel")
    return [_loops(space, torso, rng, patient, tissues), _colon(space, torso, rng, patient, tissues)]


def _bed(space: Space, box: Box) -> FloatArray:
    """Give the distance to the stomach's bed: pancreas and splenic vessels, which it lies in front of."""
    x, y, z = space.at(box)
    pancreas_y = np.interp(x, (-92.0, -70.0, -48.0, -24.0, 10.0), (50.0, 68.0, 81.0, 88.0, 84.0))
    bed = pancreas_y + 13.0 - 2.0 * np.maximum(z - 24.0, 0.0) - y
    return np.asarray(bed * 0.7, dtype=np.float32)


def _scanner_y(space: Space, box: Box) -> FloatArray:
    y = space.origin_mm[1] + STEP_MM * np.arange(box[1].start, box[1].stop, dtype=np.float32)
    shape = [part.stop - part.start for part in box]
    return np.broadcast_to(y[None, :, None], shape).astype(np.float32)


def _content_hu(rng: np.random.Generator, patient: Patient) -> float:
    if patient.oral_contrast:
        return float(rng.uniform(120.0, 380.0))
    return float(rng.normal(18.0, 12.0))


def _loops(
    space: Space, torso: Torso, rng: np.random.Generator, patient: Patient, tissues: Tissues
) -> Structure:
    knots = _wander(rng, patient)
    box, distance = space.tube(knots, piece_mm=10.0)
    distance = ruffled(space, rng, box, distance, broad_mm=1.5, fine_mm=1.2)
    distance = np.maximum(distance, torso.cavity[box] + 3.0)
    content = Core(hu=_content_hu(rng, patient), depth_mm=4.0, texture_hu=18.0, rough_mm=3.0, gas_share=0.06)
    fill = Fill(hu=tissues["bowel_wall"], texture_hu=7.0, patchy_hu=9.0, core=content)
    return Structure("small bowel", box, distance, fill, label=organ("intestine").index)


def _wander(rng: np.random.Generator, patient: Patient) -> npt.NDArray[np.float64]:
    """Lay loops to and fro through the middle of the abdomen, rows above each other."""
    rows = []
    direction = 1.0
    for z in np.arange(-35.0, -215.0, -27.0):
        for y in (108.0, 80.0) if z > -60.0 else (104.0, 76.0, 50.0):
            n_knots = int(rng.integers(4, 6))
            half = 72.0 - 0.1 * max(0.0, z + 60.0)
            x = direction * np.linspace(-half, half * 0.85, n_knots) - 12.0
            path = np.stack([x, np.full(n_knots, y), np.full(n_knots, z), np.full(n_knots, 12.5)], axis=1)
            path[:, :3] += rng.normal(0.0, (6.0, 8.0, 7.0), (n_knots, 3))
            path[:, 3] *= rng.lognormal(0.0, 0.13, n_knots) * (1.06 - 0.1 * patient.leanness)
            rows.append(path)
            direction = -direction
    return np.concatenate(rows)


def _colon(
    space: Space, torso: Torso, rng: np.random.Generator, patient: Patient, tissues: Tissues
) -> Structure:
    knots = _COLON.copy()
    knots[:, :3] += rng.normal(0.0, (4.0, 4.0, 6.0), (len(knots), 3)) * patient.variation
    knots[5:10, 2] += rng.normal(4.0, 16.0 * patient.variation)
    knots[:, 3] *= rng.lognormal(0.0, 0.16, len(knots)) * rng.normal(0.95, 0.1)
    box, distance = space.tube(knots, piece_mm=8.0)
    distance = ruffled(space, rng, box, distance, broad_mm=2.5, fine_mm=1.5)
    distance = np.maximum(distance, torso.cavity[box] + 3.0)
    stool = Core(
        hu=float(rng.normal(20.0, 15.0)),
        depth_mm=3.2,
        texture_hu=25.0,
        rough_mm=1.0,
        gas_share=float(rng.uniform(0.08, 0.5)),
        specks=True,
    )
    fill = Fill(hu=tissues["bowel_wall"], texture_hu=6.0, core=stool)
    return Structure("colon", box, distance, fill, label=organ("colon").index)
