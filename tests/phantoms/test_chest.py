"""Lungs, heart, diaphragm."""

import numpy as np
import pytest

from omentum.phantoms.chest import chest
from omentum.volumes.labels import organ


def of(body):
    return chest(body.space, body.torso, body.patient, body.tissues)


def test_lungs_lie_above_the_diaphragm_on_their_own_side(bodies, named):
    for body in bodies:
        for side, sign in (("right", 1), ("left", -1)):
            lung = named(of(body), f"lung {side}")
            inside = body.inside(lung)
            assert lung.label == organ(f"lung_{side}").index
            assert (body.torso.dome[inside] > 0).all()
            assert (body.torso.cavity[inside] < 2).all()
            assert (sign * body.space.points[0][inside] >= 0).all()


def test_lungs_reach_further_down_behind_than_at_the_dome(body, named):
    inside = body.inside(named(of(body), "lung right"))
    x, y, z = body.space.points
    behind, dome = inside & (y < -10), inside & (np.abs(x - 60) < 20) & (np.abs(y - 66) < 20)
    assert z[behind].min() < z[dome].min() - 15


def test_the_heart_lies_left_of_the_middle_between_the_lungs(bodies, named):
    for body in bodies:
        found = of(body)
        heart = body.inside(named(found, "heart"))
        assert body.middle_mm(named(found, "heart"))[0] < -5
        for side in ("right", "left"):
            shared = heart & body.inside(named(found, f"lung {side}"))
            assert shared.sum() < 0.01 * heart.sum()


def test_the_heart_is_a_heart_in_size(bodies, named):
    for body in bodies:
        assert 300 < body.volume_ml(named(of(body), "heart")) < 1100


@pytest.mark.parametrize("effusion", [True, False])
def test_fluid_collects_behind_where_there_is_any(body, named, effusion):
    found = of(body.changed(effusion=effusion))
    assert ("effusion" in {structure.name for structure in found}) is effusion
    if effusion:
        assert body.middle_mm(named(found, "effusion"))[1] < 0


def test_the_gullet_enters_the_abdomen_left_of_the_middle(body, named):
    gullet = named(of(body), "gullet")
    inside, (x, _, z) = body.inside(gullet), body.space.points
    assert -45 < x[inside & (np.abs(z - 66) < 8)].mean() < -10
    assert gullet.label == 0
