"""The oracle holds every organ's whole volume, turned with nibabel, and knows neither slabs nor boxes."""

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from omentum.predict.join_slabs import join_slabs
from omentum.volumes.geometry import Geometry
from omentum.volumes.volume import Volume

SHAPE = (9, 7, 12)
AXES = "PSL"
"""Where the CT's axes point: turning from the network's, RAS, moves all three and flips two."""


def turned(values):
    change = nib.orientations.ornt_transform(
        nib.orientations.axcodes2ornt("RAS"), nib.orientations.axcodes2ornt(AXES)
    )
    voxels = nib.orientations.apply_orientation(values, change)
    return Volume(voxels, Geometry(voxels.shape, np.diag([1.5, 1.5, 1.5, 1.0])))


def volumes(seed=0):
    """Two organs with what is likely and what is not, one of them small; one everywhere; one nowhere."""
    rng = np.random.default_rng(seed)
    noise = ndimage.gaussian_filter(rng.random((4, *SHAPE)), (0, 1, 1, 1))
    values = np.clip(4000 * (noise - np.quantile(noise, [0.6, 0.95, 0.0, 0.5], axis=(1, 2, 3))[0, 0]), 0, 255)
    values[1] = rng.integers(0, 3, SHAPE)
    values[1, 2:5, 3:5, 4:9] = np.where(rng.random((3, 2, 5)) < 0.2, 200, rng.integers(0, 5, (3, 2, 5)))
    values[2] = 255
    values[3] = rng.integers(0, 3, SHAPE)
    return values.astype(np.uint8)


ORGANS = ("spleen", "liver", "colon", "rectum")


def slabs_of(values, ends):
    starts = [0, *sorted(ends)]
    for start, stop in zip(starts, [*starts[1:], SHAPE[2]], strict=True):
        yield slice(start, stop), values[..., start:stop].copy()


def placed(maps, name):
    full = np.zeros(maps.geometry.shape, dtype=np.uint8)
    if name in maps.parts:
        box, values = maps.parts[name]
        full[box] = values
    return full


@given(ends=st.sets(st.integers(1, SHAPE[2] - 1)), seed=st.integers(0, 5))
def test_however_a_volume_is_cut_into_slabs_the_maps_are_those_of_the_whole(ends, seed):
    values = volumes(seed)
    maps = join_slabs(slabs_of(values, ends), ORGANS, SHAPE, turned)
    assert maps.organs == ORGANS
    assert maps.geometry.shape == (7, 12, 9)
    for name, own in zip(ORGANS, values, strict=True):
        assert np.array_equal(placed(maps, name), turned(np.where(own >= 3, own, 0)).voxels)


@pytest.mark.parametrize("ends", [(), (1, 2, 3), (6,)])
def test_a_box_is_that_of_what_is_likely_one_voxel_wider(ends):
    values = volumes()
    maps = join_slabs(slabs_of(values, ends), ORGANS, SHAPE, turned)
    for name, own in zip(ORGANS[:3], values, strict=False):
        likely = np.argwhere(turned(own).voxels >= 3)
        low = np.maximum(likely.min(axis=0) - 1, 0)
        high = np.minimum(likely.max(axis=0) + 2, maps.geometry.shape)
        box, part = maps.parts[name]
        assert [(side.start, side.stop) for side in box] == list(zip(low, high, strict=True))
        assert (part.dtype, part.shape) == (np.uint8, tuple(high - low))
        assert part.flags.c_contiguous


def test_an_organ_that_is_nowhere_likely_has_no_part_and_is_still_known():
    maps = join_slabs(slabs_of(volumes(), (5,)), ORGANS, SHAPE, turned)
    assert "rectum" not in maps.parts
    assert "rectum" in maps.organs


def test_in_slabs_that_no_window_saw_there_is_nothing():
    values = volumes()
    seen = [slab for slab in slabs_of(values, (3, 8)) if slab[0].start != 3]
    values[..., 3:8] = 0
    maps = join_slabs(seen, ORGANS, SHAPE, turned)
    for name, own in zip(ORGANS, values, strict=True):
        assert np.array_equal(placed(maps, name), turned(np.where(own >= 3, own, 0)).voxels)
    assert join_slabs([], ORGANS, SHAPE, turned).parts == {}


def test_slabs_may_be_overwritten_as_soon_as_the_next_one_is_taken():
    values = volumes()
    buffer = np.empty((len(ORGANS), *SHAPE[:2], 4), dtype=np.uint8)

    def reused():
        for low in (0, 4, 8):
            buffer[:] = values[..., low : low + 4]
            yield slice(low, low + 4), buffer

    maps = join_slabs(reused(), ORGANS, SHAPE, turned)
    assert np.array_equal(placed(maps, "spleen"), turned(np.where(values[0] >= 3, values[0], 0)).voxels)
