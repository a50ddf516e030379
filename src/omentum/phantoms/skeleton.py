"""Model spine, ribs, hips and the muscles beside the spine, without labels."""

import numpy as np

from omentum.phantoms.interpolate import FloatArray
from omentum.phantoms.patient import Patient
from omentum.phantoms.shapes import Points, ellipsoid, smooth_max, smooth_min
from omentum.phantoms.space import Space, stream
from omentum.phantoms.structure import Core, Fill, Structure, ruffled
from omentum.phantoms.tissue import Tissues
from omentum.phantoms.torso import Torso

__all__ = ["bones", "muscles"]

_DISC_Z_MM = np.array([-160, -125, -91, -54, -18, 16, 48, 78, 105, 130, 154, 178, 202, 225], dtype=np.float64)
_CURVE_Z_MM = (-230.0, -185.0, -140.0, -109.0, -72.0, -36.0, 0.0, 33.0, 65.0, 93.0, 140.0, 235.0)
_CURVE_Y_MM = (-46.0, -20.0, 0.0, 7.0, 8.0, 4.0, 0.0, -3.0, -8.0, -14.0, -20.0, -16.0)
_MUSCLES: tuple[tuple[str, list[tuple[float, float, float, float]], tuple[float, float, float]], ...] = (
    (
        "psoas",
        [(26, -1, 5, 4), (32, 3, -25, 10), (37, 11, -65, 15), (46, 16, -105, 18), (60, 26, -145, 20),
         (76, 45, -200, 18)],
        (1, 1, 1),
    ),
    (
        "quadratus",
        [(52, -20, 5, 6), (66, -16, -40, 11), (76, -12, -85, 13), (82, -8, -112, 10)],
        (0.8, 1.4, 1),
    ),
    ("crus", [(13, 42, 45, 5), (15, 42, 15, 6), (14, 42, -15, 5), (12, 42, -40, 3)], (1, 0.7, 1)),
)  # fmt: skip
"""Muscles beside the spine on the right: name, knots `(x, y, z, radius)` in mm, and flatness."""
_RIB_STEP_MM = 28.5
_RIB_REACH = ((30.0, 38.0, 74.0, 104.0, 132.0, 300.0), (-20.0, 0.0, 44.0, 76.0, 100.0, 104.0))


def muscles(space: Space, patient: Patient, tissues: Tissues) -> list[Structure]:
    """Give psoas, back muscles, the muscles beside the psoas and the crura, on both sides."""
    rng = stream(patient.seed, "muscles")
    fill = Fill(hu=tissues["muscle"], texture_hu=7.0, patchy_hu=3.0)
    rim = Fill(hu=tissues["fat"] + 15.0)
    bulk = float(rng.normal(1.0, 0.1 * patient.variation))
    found = []
    for side in (1.0, -1.0):
        for name, knots, flat in _MUSCLES:
            path = np.array(knots, dtype=np.float64) * (side, 1.0, 1.0, bulk)
            box, distance = space.tube(path, flat=flat)
            found.append(Structure(name, box, distance, fill))
        box = space.box((side * 38 - 46, -80, -232), (side * 38 + 46, 0, 236))
        x, y, z = space.at(box)
        slim = 1.0 - 0.22 * np.clip((z - 20.0) / 60.0, 0.0, 1.0)
        column = ellipsoid(
            ((x - side * 38) / slim, (y + 49) / slim, np.zeros_like(x)), (0, 0, 0), (39 * bulk, 24, 1e4)
        )
        distance = ruffled(space, rng, box, column, broad_mm=2.0)
        found += [
            Structure("back fat plane", box, distance - 1.5, rim),
            Structure("back muscle", box, distance, fill),
        ]
    return found


def bones(space: Space, torso: Torso, patient: Patient) -> list[Structure]:
    """Give spine, discs, cord, ribs with their cartilage, breast bone and hips."""
    rng = stream(patient.seed, "bones")
    spongy = float(np.clip(rng.normal(175.0, 45.0), 70.0, 290.0))
    bone = Fill(hu=330.0 + spongy, texture_hu=40.0, core=Core(hu=spongy, depth_mm=1.8, texture_hu=30.0))
    return [*_spine(space, rng, bone), *_ribs(space, torso, rng, bone), *_hips(space, bone)]


def _spine(space: Space, rng: np.random.Generator, bone: Fill) -> list[Structure]:
    box = space.box((-62, -95, -232), (62, 60, 236))
    x, y, z = space.at(box)
    y = y - np.interp(z, _CURVE_Z_MM, _CURVE_Y_MM).astype(np.float32)
    middle, since = _vertebra(z)
    stout = np.interp(z, (-200, -60, 60, 220), (27.0, 24.0, 19.0, 15.5)).astype(np.float32)
    waist = 1.0 + 0.07 * (since / 15.0) ** 2
    column = ellipsoid(
        (x / (stout * waist), (y - 17.0) / (stout * 0.76 * waist), np.zeros_like(x)), (0, 0, 0), (1, 1, 1e4)
    )
    column = column * stout * 0.85
    disc_gap = np.abs(middle) - 4.2
    body = smooth_max(column, -disc_gap, 3.0)
    canal = np.sqrt(x**2 + (y + 11.0) ** 2) - 8.5
    arch = _arch(x, y, since)
    solid = ruffled(space, rng, box, smooth_min(body, arch, 4.0), broad_mm=0.6)
    return [
        Structure("discs", box, column + 0.5, Fill(hu=85.0, texture_hu=6.0)),
        Structure("vertebrae", box, solid, bone),
        Structure("spinal canal", box, canal, Fill(hu=25.0, core=Core(hu=42.0, depth_mm=3.0))),
    ]


def _vertebra(z: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Give the signed distance to the nearest disc, and that to the nearest vertebra's middle."""
    middles = 0.5 * (_DISC_Z_MM[1:] + _DISC_Z_MM[:-1])
    knots = np.sort(np.concatenate([_DISC_Z_MM, middles]))
    to_disc = np.abs(knots - _DISC_Z_MM[np.abs(_DISC_Z_MM[:, None] - knots).argmin(0)])
    to_middle = np.abs(knots - middles[np.abs(middles[:, None] - knots).argmin(0)])
    return np.interp(z, knots, to_disc).astype(np.float32), np.interp(z, knots, to_middle).astype(np.float32)


def _arch(x: FloatArray, y: FloatArray, since: FloatArray) -> FloatArray:
    """Give the back of a vertebra: a ring about the canal, a spine behind it, a process on each side."""
    ring = np.maximum(np.abs(np.sqrt(x**2 + (y + 11.0) ** 2) - 12.5) - 3.5, since - 13.0)
    spine = np.maximum(np.maximum(np.abs(x) - 3.6, np.abs(y + 38.0) - 17.0), since - 10.0)
    process = np.maximum(np.maximum(np.abs(y + 5.0 + 0.25 * np.abs(x)) - 4.0, np.abs(x) - 33.0), since - 5.0)
    return np.asarray(np.minimum(np.minimum(ring, spine), process))


def _ribs(space: Space, torso: Torso, rng: np.random.Generator, bone: Fill) -> list[Structure]:
    box = space.box((-190, -100, -60), (190, 190, 236))
    x, y, z = space.at(box)
    slant = float(rng.normal(1.0, 0.06))
    climb = (
        z + np.float32(slant) * np.clip(y + 50.0, 0.0, 150.0) + 0.35 * (np.minimum(np.abs(x), 110.0) - 110.0)
    )
    phase = np.mod(climb - 38.0 + 0.5 * _RIB_STEP_MM, _RIB_STEP_MM) - 0.5 * _RIB_STEP_MM
    in_wall = 0.5 * (torso.cavity[box] + torso.muscle[box]) + 2.0
    depth = np.clip(torso.cavity[box] - 6.5, in_wall, None)
    rib = np.sqrt((depth / 4.3) ** 2 + (phase / 9.0) ** 2)
    rib = (rib - 1.0) * 4.3
    reach = np.interp(climb, *_RIB_REACH).astype(np.float32)
    bony = np.maximum(np.maximum(rib, (y - reach) * 0.7), np.maximum(24.0 - climb, 20.0 - np.abs(x)))
    gristle = np.maximum(np.maximum(rib, 85.0 - climb), reach - 2.0 - y)
    middle = np.maximum(np.abs(x) - 17.0, np.maximum(70.0 - z, 90.0 - y))
    breastbone = smooth_max(np.abs(depth) - 5.5, middle, 4.0)
    return [
        Structure("rib cartilage", box, gristle, Fill(hu=95.0, texture_hu=8.0)),
        Structure("ribs", box, bony, bone),
        Structure("breast bone", box, breastbone, bone),
    ]


def _hips(space: Space, bone: Fill) -> list[Structure]:
    found = []
    for side in (1.0, -1.0):
        low, high = sorted((side * 20.0, side * 150.0))
        box = space.box((low, -80, -232), (high, 110, -95))
        points: Points = space.at(box)
        wing = ellipsoid(points, (side * 92, 5, -185), (9, 72, 85), (0.0, side * 14.0, -side * 38.0))
        sacrum = ellipsoid(points, (side * 18, -22, -190), (40, 20, 55), (20.0, 0.0, 0.0))
        found.append(Structure("hip", box, np.minimum(wing, sacrum), bone))
    return found
