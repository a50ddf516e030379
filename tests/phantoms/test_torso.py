"""Body outline, wall and diaphragm."""

import numpy as np
import pytest

from omentum.phantoms.space import STEP_MM
from omentum.phantoms.torso import wall


def test_skin_holds_muscle_holds_cavity(bodies):
    for body in bodies:
        skin, muscle, cavity = (
            distance < 0 for distance in (body.torso.skin, body.torso.muscle, body.torso.cavity)
        )
        assert not (cavity & ~muscle).any()
        assert not (muscle & ~skin).any()


def test_the_trunk_is_as_wide_and_deep_as_an_adults(bodies):
    for body in bodies:
        level = (body.torso.skin < 0)[:, :, body.space.shape[2] // 2]
        width_mm, depth_mm = (STEP_MM * level.any(axis=other).sum() for other in (1, 0))
        assert 270 < width_mm < 470
        assert 170 < depth_mm < 360
        assert width_mm > 1.15 * depth_mm


def test_fat_patients_have_a_thicker_ring_of_fat(bodies):
    rings = [
        ((body.torso.skin < 0).sum() - (body.torso.muscle < 0).sum()) / (body.torso.muscle < 0).sum()
        for body in bodies
    ]
    fat_mm = [body.patient.fat_mm for body in bodies]
    assert np.corrcoef(rings, fat_mm)[0, 1] > 0.8


def test_the_right_dome_is_higher_than_the_left(bodies):
    tops = []
    for body in bodies:
        x, _, z = body.space.points
        below = body.torso.dome < 0
        tops.append([z[below & (side * x > 30)].max() for side in (1, -1)])
        assert 55 < min(tops[-1]) <= max(tops[-1]) < 150
    right, left = np.mean(tops, axis=0)
    assert right > left + 4


def test_the_diaphragm_falls_towards_the_wall(body):
    x, y, z = body.space.points
    on_it = np.abs(body.torso.dome) < 3
    middle = on_it & (np.abs(x - 60) < 15) & (np.abs(y - 66) < 15)
    edge = on_it & (np.abs(x - 130) < 10) & (np.abs(y - 66) < 30)
    assert z[middle].mean() > z[edge].mean() + 20


def test_the_wall_is_painted_from_the_outside_in(body):
    names = [structure.name for structure in wall(body.space, body.torso, body.patient, body.tissues)]
    assert names.index("skin") < names.index("subcutaneous fat") < names.index("wall muscle")
    assert names.index("wall muscle") < names.index("cavity fat")


@pytest.mark.parametrize("name", ["subcutaneous fat", "cavity fat", "fat planes"])
def test_fat_is_as_dark_as_fat(body, named, name):
    found = named(wall(body.space, body.torso, body.patient, body.tissues), name)
    assert -130 < found.fill.hu < -80
