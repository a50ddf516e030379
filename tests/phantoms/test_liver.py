"""Liver, its vessels and lesions, and the gall bladder."""

import numpy as np
import pytest
from scipy import ndimage

from omentum.phantoms.liver import gall_bladder, liver
from omentum.phantoms.structure import KEEP
from omentum.volumes.labels import organ


def of(body):
    return liver(body.space, body.torso, body.patient, body.tissues)


def bladder_of(body):
    return gall_bladder(body.space, body.torso, body.patient, body.tissues)


def test_the_liver_fills_the_right_dome(bodies):
    for body in bodies:
        x, y, _ = body.space.points
        dome = (
            (body.torso.dome < -6) & (body.torso.dome > -14) & (np.abs(x - 60) < 25) & (np.abs(y - 66) < 25)
        )
        assert body.inside(of(body)[0])[dome].mean() > 0.95


def test_the_liver_stays_in_the_cavity_below_the_diaphragm(bodies):
    for body in bodies:
        inside = body.inside(of(body)[0])
        assert (body.torso.cavity[inside] < 0).all()
        assert (body.torso.dome[inside] < 0).all()


def test_the_liver_is_an_adults_in_size_and_mostly_on_the_right(bodies):
    for body in bodies:
        whole = of(body)[0]
        assert whole.label == organ("liver").index
        assert 900 < body.volume_ml(whole) < 2600
        x = body.space.points[0][body.inside(whole)]
        assert (x > 0).mean() > 0.65
        assert (x < -10).mean() > 0.02


def test_the_right_lobe_reaches_lower_than_the_left(bodies):
    for body in bodies:
        inside, (x, _, z) = body.inside(of(body)[0]), body.space.points
        assert z[inside & (x > 70)].min() < z[inside & (x < -15)].min() - 10


def test_vessels_and_lesions_stay_within_the_liver_and_keep_its_label(body):
    found = of(body.changed(lesions=4))
    liver_nodes = body.inside(found[0])
    assert sum(structure.name == "lesion" for structure in found) == 4
    for structure in found[1:]:
        assert structure.label == KEEP
        assert not (body.inside(structure) & ~liver_nodes).any(), structure.name


def test_veins_shine_after_contrast_only(body):
    for phase, least, most in (("non_contrast", -40, 0), ("portal_venous", 20, 120)):
        patient = body.changed(phase=phase, fatty_liver=False)
        found = of(patient)
        veins = [structure.fill.hu for structure in found if structure.name == "hepatic_vein"]
        assert least < np.mean(veins) - found[0].fill.hu < most


def test_a_fatty_liver_is_darker(body):
    lean, fatty = (of(body.changed(fatty_liver=fatty))[0].fill.hu for fatty in (False, True))
    assert fatty < lean - 15


def test_the_gall_bladder_lies_below_the_liver_and_touches_it(bodies):
    n_touching = 0
    for body in bodies:
        healthy = body.changed(has_gall_bladder=True)
        found = bladder_of(healthy)[0]
        nodes, whole = body.inside(found), of(healthy)[0]
        assert body.middle_mm(found)[2] < body.middle_mm(whole)[2]
        assert 5 < body.volume_ml(found) < 110
        assert (body.torso.cavity[nodes] < 0).all()
        n_touching += bool((ndimage.binary_dilation(nodes) & body.inside(whole)).any())
    assert n_touching >= len(bodies) - 1


def test_a_gall_bladder_that_was_taken_out_is_not_there(body):
    assert bladder_of(body.changed(has_gall_bladder=False)) == []


@pytest.mark.parametrize("phase", ["arterial", "portal_venous"])
def test_bile_does_not_take_up_contrast(body, phase):
    core = bladder_of(body.changed(phase=phase))[0].fill.core
    assert core is not None
    assert core.hu < 40
