"""Spleen, pancreas, kidneys, adrenal glands."""

import numpy as np
import pytest

from omentum.phantoms.glands import adrenal_glands, kidneys, pancreas, spleen
from omentum.phantoms.structure import KEEP
from omentum.volumes.labels import organ


def spleen_of(body):
    return spleen(body.space, body.torso, body.patient, body.tissues)[0]


def kidneys_of(body):
    return kidneys(body.space, body.patient, body.tissues)


def test_the_spleen_lies_against_the_left_wall_behind(bodies):
    for body in bodies:
        found = spleen_of(body)
        inside = body.inside(found)
        x, y, _ = body.middle_mm(found)
        assert found.label == organ("spleen").index
        assert (x < -60, y < 35) == (True, True)
        assert (body.torso.cavity[inside] < 0).all()
        assert body.torso.cavity[inside].max() > -10


def test_a_large_spleen_is_larger(body):
    usual, large = (body.volume_ml(spleen_of(body.changed(large_spleen=large))) for large in (False, True))
    assert 120 < usual < 430
    assert large > 1.4 * usual


def test_the_arterial_spleen_is_patchy(body):
    arterial, later = (spleen_of(body.changed(phase=phase)) for phase in ("arterial", "portal_venous"))
    assert arterial.fill.patchy_hu > 3 * later.fill.patchy_hu


def test_the_pancreas_runs_from_the_right_up_to_the_left(bodies):
    for body in bodies:
        found = pancreas(body.space, body.patient, body.tissues)[0]
        inside, (x, y, z) = body.inside(found), body.space.points
        head, tail = inside & (x > 0), inside & (x < -65)
        assert 40 < body.volume_ml(found) < 140
        assert z[tail].mean() > z[head].mean() + 10
        assert y[tail].mean() < y[head].mean() - 5


def test_kidneys_lie_on_both_sides_of_the_spine_and_lean_inwards_and_back_above(bodies):
    for body in bodies:
        both = body.changed(missing_kidney=None, small_kidney=None)
        for side, sign in (("right", 1), ("left", -1)):
            found = next(s for s in kidneys_of(both) if s.name == f"kidney {side}")
            inside, (x, y, z) = body.inside(found), body.space.points
            middle = body.middle_mm(found)
            assert found.label == organ(f"kidney_{side}").index
            assert 45 < sign * middle[0] < 105
            assert 90 < body.volume_ml(found) < 280
            above, below = (inside & (way * (z - middle[2]) > 25) for way in (1, -1))
            assert sign * x[above].mean() < sign * x[below].mean()
            assert y[above].mean() < y[below].mean() + 5


@pytest.mark.parametrize("side", ["right", "left"])
def test_a_missing_kidney_is_not_there_and_a_small_one_is_small(body, side):
    missing = kidneys_of(body.changed(missing_kidney=side))
    assert {s.name for s in missing if s.name.startswith("kidney")} == {f"kidney {_other(side)}"}
    sizes = {
        s.name: body.volume_ml(s)
        for s in kidneys_of(body.changed(small_kidney=side))
        if s.name.startswith("kidney")
    }
    assert sizes[f"kidney {side}"] < 0.5 * sizes[f"kidney {_other(side)}"]


def _other(side: str) -> str:
    return {"right": "left", "left": "right"}[side]


def test_the_sinus_opens_towards_the_spine_and_holds_fat(body):
    found = kidneys_of(body)
    for number, structure in enumerate(found):
        if structure.name == "renal sinus":
            kidney = found[number - 1]
            assert abs(body.middle_mm(structure)[0]) < abs(body.middle_mm(kidney)[0])
            assert structure.fill.hu < -40
            assert structure.label == 0


def test_cortex_outshines_medulla_in_the_arterial_phase_and_urine_all_in_the_delayed(body):
    arterial = kidneys_of(body.changed(phase="arterial"))[0].fill
    assert arterial.core is not None
    assert arterial.hu > arterial.core.hu + 50
    delayed = kidneys_of(body.changed(phase="delayed"))
    pelvis = next(s for s in delayed if s.name == "renal pelvis")
    assert pelvis.fill.hu > delayed[0].fill.hu


def test_cysts_stay_in_the_kidney_and_keep_its_label(bodies):
    cysts = []
    for body in bodies:
        found = kidneys_of(body.changed(lesions=6))
        for number, structure in enumerate(found):
            if structure.name == "renal cyst":
                cysts.append(structure)
                assert structure.label == KEEP
                assert not (body.inside(structure) & ~body.inside(found[number - 3])).any()
    assert cysts


def test_adrenal_glands_are_small_and_have_no_label(body):
    found = adrenal_glands(body.space, body.patient, body.tissues)
    assert {structure.label for structure in found} == {0}
    assert 2 < np.sum([body.volume_ml(structure) for structure in found]) < 20
