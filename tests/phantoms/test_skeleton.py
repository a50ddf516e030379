"""Spine, ribs, hips and the muscles beside them."""

import numpy as np
from scipy import ndimage

from omentum.phantoms.skeleton import bones, muscles


def test_the_spine_is_in_the_middle_and_behind(bodies, named):
    for body in bodies:
        spine = named(bones(body.space, body.torso, body.patient), "vertebrae")
        x, y, _ = body.middle_mm(spine)
        assert abs(x) < 4
        assert -20 < y < 25


def test_discs_part_the_vertebrae(body, named):
    spine = body.inside(named(bones(body.space, body.torso, body.patient), "vertebrae"))
    x, y, _ = body.space.points
    # In the front half of the bodies there is no arch that joins them.
    spine &= (np.abs(x) < 10) & (y > 15)
    assert ndimage.label(spine)[1] >= 8


def test_the_cord_runs_behind_the_vertebral_bodies(body, named):
    found = bones(body.space, body.torso, body.patient)
    canal, spine = named(found, "spinal canal"), named(found, "vertebrae")
    level = np.abs(body.space.points[2]) < 60
    y = body.space.points[1]
    assert y[body.inside(canal) & level].mean() < y[body.inside(spine) & level].mean() + 5
    assert (canal.fill.hu, spine.fill.hu > 300) == (25.0, True)


def test_ribs_lie_in_the_wall_of_the_chest(bodies, named):
    for body in bodies:
        ribs = body.inside(named(bones(body.space, body.torso, body.patient), "ribs"))
        assert (body.torso.skin[ribs] < 0).all()
        assert (body.torso.cavity[ribs] < -8).mean() < 0.02
        assert ndimage.label(ribs, np.ones((3, 3, 3)))[1] >= 10


def test_there_are_no_ribs_about_the_navel(body, named):
    ribs = body.inside(named(bones(body.space, body.torso, body.patient), "ribs"))
    z = body.space.points[2]
    assert not ribs[z < -80].any()
    assert ribs[z > 40].any()


def test_bones_are_brighter_in_their_rind_than_within(body):
    for structure in bones(body.space, body.torso, body.patient):
        if structure.name in {"vertebrae", "ribs", "breast bone", "hip"}:
            assert structure.fill.core is not None
            assert structure.fill.hu > structure.fill.core.hu + 200


def test_the_psoas_grows_downwards_on_both_sides(body):
    found = [s for s in muscles(body.space, body.patient, body.tissues) if s.name == "psoas"]
    assert [round(np.sign(body.middle_mm(one)[0])) for one in found] == [1, -1]
    for one in found:
        inside, z = body.inside(one), body.space.points[2]
        assert (inside & (np.abs(z + 100) < 8)).sum() > 2 * (inside & (np.abs(z + 25) < 8)).sum()
