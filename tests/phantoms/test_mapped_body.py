"""What lies round the organs of a label map."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from omentum.phantoms.deform import AnatomyPlacement, placed
from omentum.phantoms.mapped_body import body_wall, threads
from omentum.phantoms.space import make_space, stream
from omentum.phantoms.structure import BACKGROUND
from omentum.phantoms.tissue import draw_tissues

ENDS_MM = np.array([[-220.0, -140.0, -80.0], [220.0, 200.0, 80.0]])


@pytest.fixture(scope="module")
def space():
    return make_space(0, np.eye(3), warp_mm=0.0, ends_mm=ENDS_MM)


def wall(space, host, patient):
    return body_wall(space, host, patient, draw_tissues(patient))


def inside(space, structure) -> np.ndarray:
    found = np.zeros(space.shape, dtype=bool)
    found[structure.box] = structure.distance < 0
    return found


def test_skin_holds_fat_which_holds_muscle_which_holds_the_gaps(space, toy_map, still, named):
    for seed in range(4):
        found = wall(space, toy_map, replace(still, seed=seed))
        layers = [inside(space, named(found, name)) for name in ("skin", "fat", "muscle", "cavity fat")]
        for outer, inner in pairwise(layers):
            assert inner.any()
            assert not (inner & ~outer).any()
            assert inner.sum() < outer.sum()


def test_everything_that_the_map_names_is_under_the_skin(space, toy_map, still, named):
    skin = inside(space, named(wall(space, toy_map, still), "skin"))
    for tissue, part in toy_map.parts.items():
        box, distance = placed(space, part, AnatomyPlacement())
        assert not ((distance < 0) & ~skin[box]).any(), tissue


def test_what_nobody_labelled_stays_within_the_muscle_and_carries_no_label(space, toy_map, still, named):
    found = wall(space, toy_map, still)
    muscle = inside(space, named(found, "muscle"))
    for name in ("unnamed tissue", "unnamed vessels"):
        assert inside(space, named(found, name)).any()
        assert not (inside(space, named(found, name)) & ~muscle).any()
    assert {structure.label for structure in found} == {BACKGROUND}


def test_the_table_is_behind_the_skin_and_some_patients_lie_on_none(space, toy_map, still, named):
    found = wall(space, toy_map, still)
    y = np.broadcast_to(space.node_mm(1)[None, :, None], space.shape)
    lies, skin = inside(space, named(found, "table")), inside(space, named(found, "skin"))
    middle = np.abs(space.node_mm(0)) < 30
    assert y[middle][lies[middle]].max() < y[skin].min() + 4
    assert "table" not in {one.name for one in wall(space, toy_map, replace(still, has_table=False))}


def test_discs_lie_in_front_of_the_canal_and_need_a_cord(space, toy, toy_map, still, named):
    found = wall(space, toy_map, still)
    canal, discs = (space.points[1][inside(space, named(found, name))].mean() for name in ("canal", "discs"))
    assert discs - canal == pytest.approx(24.0, abs=3.0)
    without = wall(space, toy(without=("cord",)).map(), still)
    assert {"canal", "discs"}.isdisjoint({structure.name for structure in without})


def test_threads_are_thin_and_wind_through_everything(space):
    thin, wide = (threads(space, stream(1, "threads"), radius) for radius in (1.8, 3.6))
    assert wide == pytest.approx(thin - 1.8, abs=1e-4)
    assert thin.dtype == np.float32
    assert 0.002 < (thin < 0).mean() < (wide < 0).mean() < 0.15
    slabs = (wide < 0).reshape(-1, *space.shape[1:]).any(axis=(1, 2))
    assert slabs.mean() > 0.9
