"""Planted errors are as large and as grave as asked, and lie where networks err."""

import numpy as np
import pytest

from omentum.measures.morphology import dilated
from omentum.measures.overlap import changed_ml, dice
from omentum.measures.planted_errors import PLANTED_KINDS, OrganInCt, ScaledSizes, plant_error

SPACING_MM = (1.5, 2.0, 3.0)


@pytest.fixture(scope="module")
def organ() -> OrganInCt:
    """An ellipsoid of 60 mm that another one touches, with a darker background."""
    x, y, z = np.indices((56, 44, 34)).astype(float)
    mask = ((x - 28) / 20) ** 2 + ((y - 18) / 12) ** 2 + ((z - 17) / 10) ** 2 < 1
    others = (((x - 28) / 20) ** 2 + ((y - 35) / 6) ** 2 + ((z - 17) / 10) ** 2 < 1) & ~mask
    hu = np.random.default_rng(0).normal(20.0, 30.0, mask.shape)
    hu[mask | others] += 40.0
    return OrganInCt(mask=mask, others=others, hu=hu, spacing_mm=SPACING_MM)


@pytest.fixture(scope="module")
def planted(organ):
    """Sixty errors of each gravity, at a limit of 0.9."""
    rng = np.random.default_rng(5)
    return {
        is_major: [plant_error(organ, ScaledSizes(), 0.9, rng, is_major=is_major) for _ in range(60)]
        for is_major in (True, False)
    }


def test_an_error_is_as_grave_as_asked_and_its_volume_is_what_differs(organ, planted):
    for is_major, errors in planted.items():
        for one in errors:
            assert one.is_major is is_major
            assert ((dice(one.mask, organ.mask) or 0.0) < 0.9) is is_major
            assert one.error_ml == pytest.approx(sum(changed_ml(organ.mask, one.mask, organ.voxel_ml)))


def test_every_kind_comes_and_either_adds_or_removes(organ, planted):
    found = {}
    for one in (*planted[True], *planted[False]):
        added, removed = changed_ml(organ.mask, one.mask, organ.voxel_ml)
        assert (added == 0) is not (removed == 0)
        found.setdefault(one.kind, set()).add(removed > 0)
    assert set(found) == set(PLANTED_KINDS)
    assert all(len(removes) == 1 for removes in found.values())


def test_what_is_added_touches_the_organ_and_a_leak_lies_in_another_one(organ, planted):
    for one in (*planted[True], *planted[False]):
        added = one.mask & ~organ.mask
        if added.any():
            assert (added & dilated(organ.mask)).any()
        if one.kind == "leak at a contact":
            assert not (added & ~organ.others).any()


def test_sizes_are_those_that_readers_corrected_where_they_are_grave_enough(organ):
    sizes = ScaledSizes(added_ml=(1.0, 22.0), removed_ml=(1.0, 26.0))
    rng = np.random.default_rng(2)
    major = [plant_error(organ, sizes, 0.9, rng, is_major=True) for _ in range(10)]
    minor = [plant_error(organ, sizes, 0.9, rng, is_major=False) for _ in range(10)]
    volume_ml = organ.mask.sum() * organ.voxel_ml
    assert volume_ml * 0.23 < 22.0
    assert {round(one.error_ml) for one in major} <= {22, 26}
    assert {round(one.error_ml) for one in minor} == {1}


def test_the_same_draw_gives_the_same_error(organ):
    one, again = (
        plant_error(organ, ScaledSizes(), 0.8, np.random.default_rng(7), is_major=True) for _ in range(2)
    )
    assert np.array_equal(one.mask, again.mask)


def test_an_organ_of_a_few_voxels_has_no_room_for_an_error(organ):
    mask = np.zeros_like(organ.mask)
    mask[28, 18, 17] = True
    speck = OrganInCt(mask=mask, others=organ.others, hu=organ.hu, spacing_mm=SPACING_MM)
    assert plant_error(speck, ScaledSizes(), 0.9, np.random.default_rng(1), is_major=True) is None
