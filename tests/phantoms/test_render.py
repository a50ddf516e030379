"""Painting: soft borders, labels, slabs."""

import numpy as np
import pytest

from omentum.phantoms import render as module
from omentum.phantoms.patient import draw_patient
from omentum.phantoms.render import render
from omentum.phantoms.shapes import ellipsoid
from omentum.phantoms.space import make_space
from omentum.phantoms.structure import KEEP, Core, Fill, Structure
from omentum.phantoms.styles import style_named
from omentum.volumes.geometry import Geometry


@pytest.fixture(scope="module")
def space():
    return make_space(0, np.eye(3), warp_mm=0.0)


@pytest.fixture
def quiet_patient():
    """A patient whose scan has no noise to speak of."""
    patient = draw_patient(0, style_named("easy"))
    object.__setattr__(patient, "noise_hu", 1e-3)
    return patient


@pytest.fixture
def grid() -> Geometry:
    """40 voxels of 3 mm a side about the origin."""
    affine = np.diag([3.0, 3.0, 3.0, 1.0])
    affine[:3, 3] = -58.5
    return Geometry((40, 40, 40), affine)


def ball(space, radius_mm: float, fill: Fill, label: int) -> Structure:
    distance = ellipsoid(space.points, (0, 0, 0), (radius_mm,) * 3)
    return Structure(name="ball", box=space.everywhere, distance=distance, fill=fill, label=label)


def test_a_ball_is_painted_with_its_volume_its_hu_and_a_soft_border(space, quiet_patient, grid):
    ct, labels = render(space, [ball(space, 40, Fill(hu=100.0), 6)], grid, quiet_patient)
    assert (labels == 6).sum() * grid.voxel_ml == pytest.approx(4 / 3 * np.pi * 4**3, rel=0.02)
    assert (ct[18:22, 18:22, 18:22] == 100).all()
    assert (ct[0, 0, 0], labels[0, 0, 0]) == (-1000, 0)
    border = ct[(ct > -950) & (ct < 50)]
    assert 0.02 < border.size / ct.size < 0.2


def test_what_comes_later_lies_on_top_and_kept_labels_stay(space, quiet_patient, grid):
    below = ball(space, 40, Fill(hu=100.0), 6)
    vein = ball(space, 10, Fill(hu=200.0), KEEP)
    gap = ball(space, 10, Fill(hu=-90.0), 0)
    ct, labels = render(space, [below, vein], grid, quiet_patient)
    assert (ct[20, 20, 20], labels[20, 20, 20]) == (200, 6)
    ct, labels = render(space, [below, gap], grid, quiet_patient)
    assert (ct[20, 20, 20], labels[20, 20, 20]) == (-90, 0)


def test_a_hollow_organ_has_a_wall_fluid_and_gas_in_front(space, quiet_patient, grid):
    content = Core(hu=10.0, depth_mm=6.0, gas_above_mm=5.0)
    ct, labels = render(space, [ball(space, 40, Fill(hu=70.0, core=content), 7)], grid, quiet_patient)
    assert ct[20, 26, 20] == pytest.approx(-985, abs=1)
    assert ct[20, 14, 20] == pytest.approx(10, abs=1)
    wall = ct[labels == 7]
    assert ((wall > 50) & (wall <= 70)).any()
    assert labels[20, 26, 20] == labels[20, 14, 20] == 7


def test_specks_of_gas_fill_about_the_share_asked_for(space, quiet_patient, grid):
    stool = Core(hu=10.0, depth_mm=0.0, gas_share=0.4, specks=True)
    ct, labels = render(space, [ball(space, 50, Fill(hu=40.0, core=stool), 18)], grid, quiet_patient)
    assert (ct[labels == 18] < -500).mean() == pytest.approx(0.4, abs=0.12)


def test_slabs_do_not_show(space, quiet_patient, grid, monkeypatch):
    structures = [ball(space, 40, Fill(hu=100.0, texture_hu=20.0, patchy_hu=10.0), 6)]
    whole = render(space, structures, grid, quiet_patient)
    monkeypatch.setattr(module, "_SLAB_VOXELS", 40 * 40 * 7)
    parts = render(space, structures, grid, quiet_patient)
    assert np.abs(whole[0].astype(int) - parts[0]).max() <= 1
    assert (whole[1] == parts[1]).all()


def test_noise_has_the_strength_asked_for(space, quiet_patient, grid):
    object.__setattr__(quiet_patient, "noise_hu", 20.0)
    ct, _ = render(space, [ball(space, 90, Fill(hu=50.0), 6)], grid, quiet_patient)
    assert ct[10:30, 10:30, 10:30].std() == pytest.approx(20.0, rel=0.12)
