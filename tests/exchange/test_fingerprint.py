import numpy as np
import pytest

from omentum.exchange.fingerprint import ALIKE_LEVELS, Fingerprint, KnownScans, fingerprint
from omentum.phantoms.phantom import make_phantom
from omentum.volumes.geometry import ALL_ORIENTATIONS, Geometry
from omentum.volumes.volume import Volume


@pytest.fixture(scope="module")
def cts():
    return [make_phantom(seed, shape=(48, 44, 40)).ct for seed in range(4)]


@pytest.mark.parametrize("orientation", ALL_ORIENTATIONS)
def test_the_order_of_axes_does_not_change_a_fingerprint(cts, orientation):
    assert fingerprint(cts[0].reoriented(orientation)) == fingerprint(cts[0])


def test_the_kind_of_number_does_not_change_it_but_any_voxel_does(cts):
    ct = cts[0]
    as_float = Volume(ct.voxels.astype(np.float32), ct.geometry)
    assert fingerprint(as_float) == fingerprint(Volume(ct.voxels.astype(np.int16), ct.geometry))
    other = ct.voxels.copy()
    other[3, 4, 5] += 1
    assert fingerprint(Volume(other, ct.geometry)).voxels != fingerprint(ct).voxels


def test_every_second_slice_of_a_ct_is_like_it_and_other_patients_are_not(cts):
    known = KnownScans()
    for number, ct in enumerate(cts):
        seen = fingerprint(ct)
        assert known.alike(seen) is None
        known.add(str(number), seen)
    affine = cts[2].geometry.affine.copy()
    affine[:, 2] *= 2
    thick = (cts[2].voxels[..., ::2] / 2 + cts[2].voxels[..., 1::2] / 2).astype(np.int16)
    copy = fingerprint(Volume(thick, Geometry(thick.shape, affine)))
    assert known.same_voxels(copy) is None
    assert known.alike(copy) == "2"


def test_many_are_known(cts):
    known = KnownScans()
    rng = np.random.default_rng(0)
    rows = rng.integers(0, 256, (300, 512)).astype(np.uint8)
    for number, row in enumerate(rows):
        known.add(str(number), Fingerprint(voxels=str(number), thumbnail=row.tobytes().hex()))
    near = np.clip(rows[217].astype(int) + rng.integers(-1, 2, 512), 0, 255).astype(np.uint8)
    assert np.abs(near.astype(int) - rows[217]).mean() < ALIKE_LEVELS
    assert known.alike(Fingerprint(voxels="x", thumbnail=near.tobytes().hex())) == "217"


@pytest.mark.parametrize("noise", [1, 2, 3, 4, 6])
def test_who_is_alike_is_found_as_by_a_look_at_every_thumbnail(noise):
    known = KnownScans()
    rng = np.random.default_rng(noise)
    middle = rng.integers(20, 230, 512)
    rows = (middle + rng.integers(-noise, noise + 1, (100, 512)) + rng.integers(-2, 3, (100, 1))).astype(
        np.uint8
    )
    for number, row in enumerate(rows):
        known.add(str(number), Fingerprint(voxels=str(number), thumbnail=row.tobytes().hex()))
    for shift in (0, 1, 2):
        seen = (middle + shift).astype(np.uint8)
        apart = np.abs(rows.astype(int) - seen).mean(axis=1)
        expected = str(int(apart.argmin())) if apart.min() <= ALIKE_LEVELS else None
        assert known.alike(Fingerprint(voxels="x", thumbnail=seen.tobytes().hex())) == expected
