"""Aorta, postcava and their branches; and the table, which is a tube's opposite: a sheet."""

import numpy as np
import pytest

from omentum.phantoms.scanner_table import scanner_table
from omentum.phantoms.vessels import branches, great_vessels
from omentum.volumes.labels import organ


def of(body):
    return great_vessels(body.space, body.patient, body.tissues)


def test_the_aorta_runs_left_and_the_postcava_right_of_the_middle(bodies, named):
    for body in bodies:
        found = of(body)
        x, _, z = body.space.points
        aorta, postcava = body.inside(named(found, "aorta")), body.inside(named(found, "postcava"))
        for height in (-60, 0, 40):
            level = np.abs(z - height) < 6
            assert x[aorta & level].mean() < -5 < 8 < x[postcava & level].mean()


def test_the_aorta_is_round_and_the_postcava_flat(bodies, named):
    ratios = {"aorta": [], "postcava": []}
    for body in bodies:
        for name, into in ratios.items():
            inside, (x, y, z) = body.inside(named(of(body), name)), body.space.points
            level = inside & (np.abs(z) < 10)
            into.append(x[level].std() / y[level].std())
    assert np.mean(ratios["postcava"]) > np.mean(ratios["aorta"]) + 0.1


def test_the_aorta_moves_forward_on_its_way_down(body, named):
    inside, (_, y, z) = body.inside(named(of(body), "aorta")), body.space.points
    assert y[inside & (np.abs(z + 80) < 6)].mean() > y[inside & (np.abs(z - 80) < 6)].mean() + 20


def test_great_vessels_are_labelled_and_branches_are_not(body):
    labels = {structure.name: structure.label for structure in of(body)}
    assert labels["aorta"] == organ("aorta").index
    assert labels["postcava"] == organ("postcava").index
    assert {structure.label for structure in branches(body.space, body.patient, body.tissues)} == {0}


@pytest.mark.parametrize(("phase", "brighter"), [("arterial", "aorta"), ("portal_venous", "portal_vein")])
def test_branches_shine_with_their_vessel(body, phase, brighter):
    found = branches(body.space, body.changed(phase=phase).patient, body.changed(phase=phase).tissues)
    mean_hu = {
        name: np.mean([s.fill.hu for s in found if s.name == f"{name} branch"])
        for name in ("aorta", "portal_vein", "postcava")
    }
    assert mean_hu[brighter] >= max(mean_hu.values()) - 15


def test_the_table_lies_under_the_body_if_it_is_in_view(bodies):
    for body in bodies:
        (found,) = scanner_table(body.space, body.torso, body.changed(has_table=True).patient)
        assert (body.inside(found) & (body.torso.skin < 0)).sum() < 0.03 * body.inside(found).sum()
        heights = np.flatnonzero(body.inside(found).any(axis=(0, 2)))
        lowest = np.flatnonzero((body.torso.skin < 0).any(axis=(0, 2)))[0]
        assert heights.min() < lowest
        assert scanner_table(body.space, body.torso, body.changed(has_table=False).patient) == []
