"""What a site's scanner and patients add to a synthetic CT."""

from dataclasses import replace

import numpy as np
import pytest

from omentum.phantoms.patient import draw_patient
from omentum.phantoms.site_scans import PatientGroup, ScanHabits, scanned_at, with_traits
from omentum.phantoms.styles import style_named
from omentum.volumes.geometry import Geometry

GRID = Geometry((40, 40, 12), np.diag([2.5, 2.5, 3.0, 1.0]))
PLAIN = ScanHabits(kernel_mm=0.0, grain_mm=2.0, grain_hu=0.0, offset_hu=0.0, gain=1.0)


@pytest.fixture
def ct() -> np.ndarray:
    """Air, and a block at 100 HU with noise."""
    voxels = np.full(GRID.shape, -1000, dtype=np.int16)
    noise = np.random.default_rng(0).normal(100.0, 10.0, (40, 20, 12))
    voxels[:, 20:] = np.rint(noise)
    return voxels


def test_a_plain_scanner_leaves_the_ct_as_it_is(ct):
    assert (scanned_at(ct, GRID, PLAIN, seed=1) == ct).all()


def test_offset_and_gain_change_tissue_and_leave_air(ct):
    seen = scanned_at(ct, GRID, replace(PLAIN, offset_hu=-7.0, gain=1.2), seed=1)
    assert (seen[:, :20] == -1000).all()
    assert seen[:, 20:].mean() == pytest.approx(1.2 * ct[:, 20:].mean() - 7.0, abs=0.5)


def test_a_smooth_kernel_lowers_noise_and_a_sharp_one_raises_it(ct):
    smooth, sharp = (scanned_at(ct, GRID, replace(PLAIN, kernel_mm=mm), seed=1) for mm in (2.0, -0.6))
    assert smooth[:, 24:].std() < 0.7 * ct[:, 24:].std()
    assert sharp[:, 24:].std() > 1.3 * ct[:, 24:].std()


def test_grains_have_the_strength_that_the_site_says_and_lie_in_tissue(ct):
    ct[:, 20:] = 100
    seen = scanned_at(ct, GRID, replace(PLAIN, grain_hu=12.0), seed=1)
    assert seen[:, 20:].std() == pytest.approx(12.0, rel=0.15)
    assert (seen[:, :20] == -1000).all()


def test_a_group_changes_its_patients_and_no_more():
    patient = draw_patient(3, style_named("mixed"))
    same = with_traits(patient, PatientGroup(size=1.0, fat_mm=0.0, oral_contrast=1.0, enhancement=1.0))
    assert same.oral_contrast
    assert (same.size, same.fat_mm) == (patient.size, patient.fat_mm)
    small = with_traits(patient, PatientGroup(size=0.9, fat_mm=-5.0, oral_contrast=0.0, enhancement=0.8))
    assert np.prod(small.size) < np.prod(patient.size)
    assert small.fat_mm < patient.fat_mm
    assert not small.oral_contrast
