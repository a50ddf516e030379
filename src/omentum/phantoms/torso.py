"""Model the body's outline, its wall and the diaphragm, to which organs are fitted."""

from dataclasses import dataclass

import numpy as np

from omentum.phantoms.interpolate import FloatArray
from omentum.phantoms.patient import Patient
from omentum.phantoms.shapes import outline, smooth_max
from omentum.phantoms.space import Space, stream
from omentum.phantoms.structure import Fill, Structure
from omentum.phantoms.tissue import Tissues

__all__ = ["Torso", "make_torso", "wall"]

_HEIGHT_MM = (-230.0, -140.0, -90.0, -30.0, 30.0, 80.0, 130.0, 180.0, 235.0)
_CAVITY_HALF_WIDTH_MM = (112.0, 124.0, 126.0, 131.0, 140.0, 138.0, 130.0, 118.0, 96.0)
_CAVITY_FRONT_MM = (112.0, 116.0, 120.0, 128.0, 146.0, 150.0, 142.0, 130.0, 112.0)
_CAVITY_BACK_MM = (-30.0, -34.0, -36.0, -38.0, -42.0, -46.0, -50.0, -50.0, -46.0)
_WALL_SIDE_MM = (38.0, 24.0, 15.0, 14.0, 14.0, 15.0, 18.0, 26.0, 34.0)
_WALL_FRONT_MM = (9.0, 9.0, 9.0, 9.0, 10.0, 12.0, 15.0, 18.0, 18.0)
_BACK_MM = -74.0


@dataclass(frozen=True, slots=True, eq=False)
class Torso:
    """Distances in mm on the whole coarse grid, negative inside.

    Attributes:
        skin: To the body's outline.
        muscle: To the outside of the wall's muscle.
        cavity: To the inside of the wall.
        dome: To the diaphragm; negative below it.
    """

    skin: FloatArray
    muscle: FloatArray
    cavity: FloatArray
    dome: FloatArray


def make_torso(space: Space, patient: Patient) -> Torso:
    """Draw the outlines and the diaphragm."""
    rng = stream(patient.seed, "torso")
    x, y, z = space.points
    girth = float(np.clip(rng.normal(0.0, 5.0 * patient.variation), -10.0, 10.0))
    half_width = _at(z, _CAVITY_HALF_WIDTH_MM) + np.float32(girth - 4.0 * patient.leanness)
    belly = np.float32(rng.normal(0.0, 5.0 * patient.variation) - 9.0 * patient.leanness)
    front = _at(z, _CAVITY_FRONT_MM) + belly * np.clip(1.2 - np.abs(z + 30) / 150, 0, 1)
    back = _at(z, _CAVITY_BACK_MM)
    cavity = outline(x, y, half_width, (back, front))
    groove = 9.0 * np.exp(-((x / 16.0) ** 2))
    far_back = _BACK_MM + groove.astype(np.float32)
    wide = half_width + _at(z, _WALL_SIDE_MM)
    ahead = front + _at(z, _WALL_FRONT_MM)
    muscle = outline(x, y, wide, (far_back, ahead))
    fat = np.float32(patient.fat_mm)
    love_handles = 1.0 + 0.5 * np.clip(-z / 140.0, 0, 1)
    skin = outline(
        x, y, wide + fat * love_handles * 0.9, (far_back - 4.0 - 0.5 * fat, ahead + 2.0 + fat * love_handles)
    )
    return Torso(skin, muscle, cavity, _diaphragm(space, rng, patient.variation))


def wall(space: Space, torso: Torso, patient: Patient, tissues: Tissues) -> list[Structure]:
    """Give skin, fat under it, muscle, and the fat of the cavity, over the whole grid."""
    rng = stream(patient.seed, "wall")
    box = space.everywhere
    x, y, z = space.points
    linea_alba = np.maximum(np.abs(x) - 4.0, 100.0 - y)
    muscle = np.maximum(torso.muscle, -linea_alba)
    layer = np.abs(torso.muscle + 6.5 + space.noise(rng, box)) - np.float32(1.2)
    plane = np.maximum(np.maximum(layer, 12.0 - y), (z - 20.0) * 0.5)
    fat = tissues["fat"]
    strands = np.maximum(
        np.maximum(torso.cavity + 5.0, 42.0 - y), (1.8 - space.noise(rng, box, broad=False)) * 4.0
    )
    return [
        Structure("skin", box, torso.skin, Fill(hu=0.0)),
        Structure("subcutaneous fat", box, torso.skin + 2.0, Fill(hu=fat - 4.0, texture_hu=4.0)),
        Structure("wall muscle", box, muscle, Fill(hu=tissues["muscle"], texture_hu=7.0)),
        Structure("fat planes", box, plane, Fill(hu=fat)),
        Structure("cavity fat", box, torso.cavity, Fill(hu=fat, texture_hu=6.0, patchy_hu=5.0)),
        Structure("strands", box, strands, Fill(hu=tissues["bowel_wall"] - 15.0)),
    ]


def _at(z: FloatArray, values: tuple[float, ...]) -> FloatArray:
    """Interpolate a profile along the body at atlas heights."""
    return np.interp(z, _HEIGHT_MM, values).astype(np.float32)


def _diaphragm(space: Space, rng: np.random.Generator, variation: float) -> FloatArray:
    """Give the distance to two domes, the right one higher, joined in the middle."""
    x, y, z = space.points
    breath = rng.normal(0.0, 7.0 * variation)
    domes = []
    for side, top, half in ((60.0, 97.0, 82.0), (-64.0, 86.0, 76.0)):
        top_mm = np.float32(top + breath + rng.normal(0.0, 3.0 * variation))
        dx = (x - np.float32(side)) / np.float32(half)
        dy = (y - 66.0) / np.where(y < 66.0, np.float32(97.0), np.float32(105.0))
        out = dx**2 + dy**2
        fall = 30.0 + 100.0 * out
        steep = np.sqrt(1.0 + (fall * dx / np.float32(half)) ** 2 + (fall * dy / 101.0) ** 2)
        domes.append((z - (top_mm - 15.0 * out - 25.0 * out**2)) / steep)
    low = -smooth_max(-domes[0], -domes[1], 26.0)
    return low + space.noise(rng, space.everywhere) * np.float32(1.5)
