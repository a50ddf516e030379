"""Stomach, duodenum, small bowel, colon."""

import numpy as np
import pytest

from omentum.phantoms.gut import bowel, stomach
from omentum.volumes.labels import organ


def stomach_of(body):
    return stomach(body.space, body.torso, body.patient, body.tissues)


def bowel_of(body):
    return bowel(body.space, body.torso, body.patient, body.tissues)


def test_the_stomach_lies_under_the_left_dome_in_the_cavity(bodies, named):
    for body in bodies:
        found = named(stomach_of(body), "stomach")
        inside = body.inside(found)
        assert found.label == organ("stomach").index
        assert body.middle_mm(found)[0] < -25
        assert (body.torso.cavity[inside] < 0).all()
        assert (body.torso.dome[inside] < 0).all()
        assert 90 < body.volume_ml(found) < 800


def test_the_stomach_comes_forward_from_fundus_to_antrum(bodies, named):
    for body in bodies:
        inside = body.inside(named(stomach_of(body), "stomach"))
        _, y, z = body.space.points
        top, bottom = (np.quantile(z[inside], share) for share in (0.85, 0.15))
        assert y[inside & (z > top)].mean() < y[inside & (z < bottom)].mean() - 15


def test_the_stomach_lies_in_front_of_the_bed_of_the_pancreas(bodies, named):
    for body in bodies:
        inside, (x, y, z) = body.inside(named(stomach_of(body), "stomach")), body.space.points
        behind = (np.abs(x + 60) < 12) & (np.abs(z) < 14) & (y < 70)
        assert not (inside & behind).any()


def test_the_duodenum_has_no_label_and_bends_round_on_the_right(body, named):
    found = named(stomach_of(body), "duodenum")
    inside, (x, _, z) = body.inside(found), body.space.points
    assert found.label == 0
    assert x[inside & (np.abs(z + 42) < 10)].max() > 25
    assert x[inside].min() < -30


@pytest.mark.parametrize(("oral_contrast", "least", "most"), [(False, -40, 80), (True, 110, 390)])
def test_oral_contrast_fills_stomach_and_bowel(body, named, oral_contrast, least, most):
    filled = body.changed(oral_contrast=oral_contrast)
    for found in (named(stomach_of(filled), "stomach"), named(bowel_of(filled), "small bowel")):
        assert found.fill.core is not None
        assert least < found.fill.core.hu < most


def test_gas_rises_to_the_front_of_the_stomach(bodies, named):
    for body in bodies:
        found = named(stomach_of(body), "stomach")
        assert found.fill.core is not None
        level = found.fill.core.gas_above_mm
        low, high = (body.space.origin_mm[1] + 4.0 * end for end in (found.box[1].start, found.box[1].stop))
        assert level is not None
        assert low + 0.3 * (high - low) < level <= high


def test_the_colon_frames_the_small_bowel(bodies, named):
    for body in bodies:
        found = bowel_of(body)
        colon, loops = body.inside(named(found, "colon")), body.inside(named(found, "small bowel"))
        x, _, z = body.space.points
        level = np.abs(z + 90) < 25
        assert x[colon & level].max() > x[loops & level].max() - 15
        assert x[colon & level].min() < x[loops & level].min() + 15
        assert z[colon].max() > z[loops].max()


def test_bowel_stays_in_the_cavity_and_is_bowel_in_size(bodies, named):
    for body in bodies:
        for name, label in (("colon", "colon"), ("small bowel", "intestine")):
            found = named(bowel_of(body), name)
            assert found.label == organ(label).index
            assert (body.torso.cavity[body.inside(found)] < 0).all()
            assert 200 < body.volume_ml(found) < 2500


def test_stool_holds_specks_of_gas(body, named):
    core = named(bowel_of(body), "colon").fill.core
    assert core is not None
    assert core.specks
    assert 0.05 < core.gas_share < 0.6
