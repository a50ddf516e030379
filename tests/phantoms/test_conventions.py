"""What belongs to an organ at a site, drawn on modelled anatomy."""

from dataclasses import replace

import numpy as np
import pytest

from omentum.phantoms.anatomy import build_anatomy
from omentum.phantoms.conventions import Conventions, as_drawn, draw_conventions
from omentum.phantoms.patient import draw_patient
from omentum.phantoms.render import render
from omentum.phantoms.site_scans import painted_labels
from omentum.phantoms.styles import style_named
from omentum.volumes.geometry import Geometry
from omentum.volumes.labels import SUBSETS, organ

GRID = Geometry((80, 64, 80), np.array([[4, 0, 0, -158], [0, 4, 0, -70], [0, 0, 4, -180], [0, 0, 0, 1.0]]))
ANATOMICAL = Conventions(
    aorta_mm=(-np.inf, np.inf),
    iliac_arteries_mm=0.0,
    postcava_top_mm=np.inf,
    iliac_veins_mm=0.0,
    renal_veins=False,
    liver_postcava=False,
    liver_vessels=True,
    stomach_wall=True,
    kidney_sinus=False,
    kidney_pelvis=False,
    gall_bladder_wall=True,
    gall_bladder_neck_mm=0.0,
    splenic_vein=False,
    border_mm={},
)
"""Conventions that draw what the modelled anatomy names."""


@pytest.fixture(scope="module")
def modelled():
    """One patient's space and structures, and what the renderer paints of them."""
    traits = {"has_gall_bladder": True, "missing_kidney": None, "small_kidney": None}
    patient = replace(draw_patient(4, style_named("mixed")), **traits)
    space, structures = build_anatomy(patient)
    return space, structures, render(space, structures, GRID, patient)[1]


@pytest.fixture(scope="module")
def drawn(modelled):
    """Gives the labels by conventions that differ in something from the anatomical ones."""
    space, structures, _ = modelled
    return lambda **changes: painted_labels(
        space, as_drawn(space, structures, replace(ANATOMICAL, **changes)), GRID
    )


def inside(labels: np.ndarray, name: str) -> np.ndarray:
    return labels == organ(name).index


def heights_mm(labels: np.ndarray, name: str) -> np.ndarray:
    return GRID.affine[2, 3] + 4.0 * np.flatnonzero(inside(labels, name).any(axis=(0, 1)))


def test_without_habits_labels_are_those_of_the_renderer(modelled, drawn):
    _, _, painted = modelled
    assert (drawn() == painted).all()


def test_an_aorta_ends_where_the_site_says(modelled, drawn):
    _, _, painted = modelled
    part = heights_mm(drawn(aorta_mm=(-75.0, 36.0)), "aorta")
    whole = heights_mm(painted, "aorta")
    assert whole.min() + 20 < part.min() < part.max() < whole.max() - 50


def test_iliac_arteries_make_the_aorta_longer(modelled, drawn):
    _, _, painted = modelled
    longer = heights_mm(drawn(iliac_arteries_mm=40.0), "aorta")
    assert longer.min() < heights_mm(painted, "aorta").min() - 15


def test_renal_and_iliac_veins_may_be_drawn_as_postcava(modelled, drawn):
    _, _, painted = modelled
    for habit in ({"renal_veins": True}, {"iliac_veins_mm": 30.0}):
        added = inside(drawn(**habit), "postcava") & ~inside(painted, "postcava")
        assert added.sum() * GRID.voxel_ml > 1.0, habit


def test_the_postcava_within_the_liver_may_be_drawn_as_liver(modelled, drawn):
    _, _, painted = modelled
    joined = drawn(liver_postcava=True, postcava_top_mm=46.0)
    moved = inside(painted, "postcava") & inside(joined, "liver")
    assert moved.sum() * GRID.voxel_ml > 5.0
    assert heights_mm(joined, "postcava").max() < heights_mm(painted, "postcava").max() - 30


def test_vessels_may_be_left_out_of_the_liver(modelled, drawn):
    _, _, painted = modelled
    left_out = inside(painted, "liver") & (drawn(liver_vessels=False) == 0)
    assert 5.0 < left_out.sum() * GRID.voxel_ml < 120.0


@pytest.mark.parametrize("name", ["stomach", "gall_bladder"])
def test_the_wall_of_a_hollow_organ_may_be_left_out(modelled, drawn, name):
    _, _, painted = modelled
    lumen = inside(drawn(**{f"{name}_wall": False}), name)
    assert not (lumen & ~inside(painted, name)).any()
    assert 0.4 < lumen.sum() / inside(painted, name).sum() < 0.9


def test_the_neck_of_the_gall_bladder_may_be_left_out(modelled, drawn):
    _, _, painted = modelled
    cut = heights_mm(drawn(gall_bladder_neck_mm=14.0), "gall_bladder")
    assert cut.max() < heights_mm(painted, "gall_bladder").max() - 8
    assert cut.min() == heights_mm(painted, "gall_bladder").min()


def test_a_kidney_is_fuller_with_its_sinus_and_fullest_with_its_pelvis(modelled, drawn):
    _, _, painted = modelled
    sinus = drawn(kidney_sinus=True)
    both = drawn(kidney_sinus=True, kidney_pelvis=True)
    for name in ("kidney_left", "kidney_right"):
        assert inside(painted, name).sum() < inside(sinus, name).sum() < inside(both, name).sum()


def test_the_splenic_vein_may_be_drawn_as_pancreas_and_spleen(modelled, drawn):
    _, _, painted = modelled
    with_vein = drawn(splenic_vein=True)
    assert inside(with_vein, "pancreas").sum() > inside(painted, "pancreas").sum()
    assert inside(with_vein, "spleen").sum() >= inside(painted, "spleen").sum()


def test_a_border_is_drawn_outside_or_inside(modelled, drawn):
    _, _, painted = modelled
    sizes = [inside(drawn(border_mm={"spleen": mm}), "spleen").sum() for mm in (-1.0, 1.0)]
    assert sizes[0] < inside(painted, "spleen").sum() < sizes[1]


def test_sites_differ_in_every_habit():
    sites = [draw_conventions(np.random.default_rng(seed)) for seed in range(60)]
    for name in Conventions.__slots__:
        assert len({str(getattr(site, name)) for site in sites}) > 1, name
    for site in sites:
        assert set(site.border_mm) == set(SUBSETS["abdomenatlas-1.0"])
        assert max(abs(mm) for mm in site.border_mm.values()) <= 1.2
        assert site.kidney_sinus or not site.kidney_pelvis
