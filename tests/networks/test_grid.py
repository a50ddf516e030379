from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from monai.data import MetaTensor
from monai.transforms import Compose, Invertd, Orientationd, Spacingd
from scipy.spatial.transform import Rotation

from omentum.networks.grid import (
    NETWORK_AXES,
    from_network_axes,
    network_geometry,
    to_network_grid,
    to_network_mask,
)
from omentum.volumes.geometry import ALL_ORIENTATIONS, Geometry
from omentum.volumes.resample import nearest_voxels
from omentum.volumes.volume import Volume

SPACING_MM = 3.0
SIDES = {"L": -1, "R": 1}


def grid(spacing_mm=(1.4, 1.7, 4.0), size_mm=(70, 90, 80), angles=(0, 0, 0), orientation="RAS"):
    """A field of view around the origin, tilted, in an orientation."""
    affine = np.eye(4)
    turn = Rotation.from_euler("xyz", angles, degrees=True).as_matrix()
    affine[:3, :3] = turn @ np.diag(spacing_mm)
    shape = np.rint(np.array(size_mm) / spacing_mm).astype(int)
    affine[:3, 3] = -affine[:3, :3] @ ((shape - 1) / 2)
    return Geometry(tuple(shape.tolist()), affine).reoriented(orientation)


def places_mm(geometry):
    return geometry.to_mm(np.moveaxis(np.indices(geometry.shape), 0, -1))


def ball(geometry, centre_mm, radius_mm=12.0):
    return np.linalg.norm(places_mm(geometry) - centre_mm, axis=-1) <= radius_mm


def blob(geometry, centre_mm):
    """A smooth hill of Hounsfield units, about as wide as a kidney."""
    distance = np.linalg.norm(places_mm(geometry) - centre_mm, axis=-1)
    return (np.exp(-((distance / 12) ** 2)) * 1000).astype(np.float32)


def middle_mm(values, geometry):
    return (places_mm(geometry) * values[..., None]).sum(axis=(0, 1, 2)) / values.sum()


anyhow = st.builds(
    grid,
    st.tuples(*[st.floats(1.2, 5.0)] * 3),
    st.just((70, 90, 80)),
    st.tuples(*[st.floats(-40, 40)] * 3),
    st.sampled_from(ALL_ORIENTATIONS),
)


@pytest.mark.parametrize("orientation", ALL_ORIENTATIONS)
@pytest.mark.parametrize("side", ["R", "L"])
@pytest.mark.parametrize("published", [False, True])
def test_a_marker_stays_at_its_place_and_on_its_side_there_and_back(orientation, side, published):
    ct = grid(orientation=orientation)
    centre_mm = (SIDES[side] * 14.0, 9.0, -5.0)
    small = to_network_grid(Volume(blob(ct, centre_mm), ct), SPACING_MM, published=published)
    assert small.geometry.orientation == NETWORK_AXES
    assert small.voxels.dtype == np.float32
    np.testing.assert_allclose(middle_mm(small.voxels, small.geometry), centre_mm, atol=0.3)
    half = small.geometry.shape[0] // 2
    left, right = small.voxels[:half].sum(), small.voxels[half:].sum()
    assert (right > 2 * left) if side == "R" else (left > 2 * right)
    back = from_network_axes(small.voxels, ct, SPACING_MM, published=published)
    assert back.geometry.orientation == orientation
    np.testing.assert_allclose(middle_mm(back.voxels, back.geometry), centre_mm, atol=0.3)


@given(anyhow, st.integers(0, 2**32 - 1), st.booleans())
@settings(deadline=None, max_examples=20)
def test_a_marker_stays_at_its_place_on_any_tilted_grid(ct, seed, published):
    centre_mm = np.random.default_rng(seed).uniform(-6, 6, 3)
    small = to_network_grid(Volume(blob(ct, centre_mm), ct), SPACING_MM, published=published)
    assert small.geometry.orientation == NETWORK_AXES
    np.testing.assert_allclose(small.geometry.spacing_mm, SPACING_MM)
    np.testing.assert_allclose(middle_mm(small.voxels, small.geometry), centre_mm, atol=0.5)
    back = from_network_axes(small.voxels, ct, SPACING_MM, published=published)
    np.testing.assert_allclose(middle_mm(back.voxels, back.geometry), centre_mm, atol=0.5)


@given(anyhow)
@settings(deadline=None, max_examples=40)
def test_what_comes_back_lies_on_a_grid_parallel_to_the_ct_over_the_same_field_of_view(ct):
    small = network_geometry(ct, SPACING_MM)
    back = from_network_axes(np.zeros(small.shape, dtype=np.uint8), ct, SPACING_MM).geometry
    steps = np.linalg.inv(ct.affine)[:3, :3] @ back.affine[:3, :3]
    np.testing.assert_allclose(steps, np.diag(np.diag(steps)), atol=1e-9)
    assert np.diag(steps).min() > 0
    np.testing.assert_allclose(back.corners_mm.mean(axis=0), ct.corners_mm.mean(axis=0), atol=1e-6)
    field_mm = np.array(ct.shape) * ct.spacing_mm
    assert (np.abs(np.array(back.shape) * SPACING_MM - field_mm) <= SPACING_MM / 2 + 1e-6).all()


@pytest.mark.parametrize("orientation", ["RAS", "LPS", "SPR", "AIL"])
@pytest.mark.parametrize("published", [False, True])
def test_axes_at_45_degrees_which_go_by_two_names_come_back_as_they_were(orientation, published):
    for angles in product((0, 45, -45), repeat=3):
        for spacing_mm in ((1.0, 1.0, 1.0), (2.0, 3.0, 4.0)):
            ct = grid(spacing_mm, (20, 24, 28), angles, orientation)
            empty = Volume(np.zeros(ct.shape, np.int16), ct)
            there = to_network_grid(empty, SPACING_MM, published=published).geometry
            voxels = np.arange(np.prod(there.shape)).reshape(there.shape)
            back = from_network_axes(voxels, ct, SPACING_MM, published=published)
            if not published:
                assert there.same_grid(network_geometry(ct, SPACING_MM))
                assert back.geometry.same_grid(ct.spaced((SPACING_MM,) * 3))
            for value in (0, 5, voxels.size - 1):
                there_mm = there.to_mm(np.argwhere(voxels == value)[0])
                np.testing.assert_allclose(
                    back.geometry.to_mm(np.argwhere(back.voxels == value)[0]), there_mm
                )


@pytest.mark.parametrize("published", [False, True])
def test_a_ct_that_is_on_the_networks_grid_already_is_only_turned(published):
    ct = grid((SPACING_MM,) * 3, (48, 60, 36), orientation="LPI")
    hu = np.random.default_rng(0).integers(-1024, 1000, ct.shape).astype(np.int16)
    small = to_network_grid(Volume(hu, ct), SPACING_MM, published=published)
    assert np.array_equal(small.voxels, Volume(hu, ct).reoriented("RAS").voxels)
    back = from_network_axes(small.voxels, ct, SPACING_MM, published=published)
    assert np.array_equal(back.voxels, hu)


@given(anyhow, st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=30)
def test_a_mask_keeps_its_volume_and_its_place(ct, seed):
    centre_mm = np.random.default_rng(seed).uniform(-8, 8, 3)
    mask = ball(ct, centre_mm, radius_mm=14.0)
    small = to_network_mask(Volume(mask, ct), SPACING_MM)
    geometry = network_geometry(ct, SPACING_MM)
    assert small.shape == geometry.shape
    assert small.dtype == bool
    truth_ml = mask.sum() * ct.voxel_ml
    # an average and a threshold of one half shave a ball of three voxels by up to an eighth
    assert small.sum() * geometry.voxel_ml == pytest.approx(truth_ml, rel=0.15)
    # the faces of a mask are known no better than the coarser of the two grids shows them
    tolerance_mm = max(SPACING_MM, *ct.spacing_mm) / 5
    np.testing.assert_allclose(middle_mm(small, geometry), middle_mm(mask, ct), atol=tolerance_mm)


@pytest.mark.parametrize("orientation", ALL_ORIENTATIONS)
def test_a_mask_stays_on_its_side(orientation):
    ct = grid(orientation=orientation)
    small = to_network_mask(Volume(ball(ct, (20.0, -10.0, 12.0), 10.0), ct), SPACING_MM)
    x, y, z = (np.argwhere(small).mean(axis=0) / small.shape) > 0.5
    assert (x, y, z) == (True, False, True)  # right, behind, above


@given(anyhow, st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=30)
def test_a_mask_taken_in_its_box_equals_one_taken_whole(ct, seed):
    rng = np.random.default_rng(seed)
    mask = ball(ct, rng.uniform(-40, 40, 3), rng.uniform(3, 25))
    whole = to_network_grid(Volume(mask, ct), SPACING_MM).voxels > 0.5
    assert np.array_equal(to_network_mask(Volume(mask, ct), SPACING_MM), whole)
    as_labels = Volume(mask.astype(np.uint8), ct)
    assert np.array_equal(to_network_mask(as_labels, SPACING_MM), whole)


def test_an_empty_mask_stays_empty_and_a_full_one_full():
    ct = grid()
    shape = network_geometry(ct, SPACING_MM).shape
    for value in (False, True):
        small = to_network_mask(Volume(np.full(ct.shape, value), ct), SPACING_MM)
        assert np.array_equal(small, np.full(shape, value))


def monais(hu, ct, spacing_mm):
    """What MONAI makes of a CT, as published; and a function that takes a mask back to the CT's grid."""
    there = Compose(
        [
            Orientationd(keys="ct", axcodes="RAS", labels=(("L", "R"), ("P", "A"), ("I", "S"))),
            Spacingd(keys="ct", pixdim=(spacing_mm,) * 3, mode="bilinear"),
        ]
    )
    image = MetaTensor(torch.from_numpy(np.array(hu))[None], affine=torch.from_numpy(np.array(ct.affine)))
    made = there({"ct": image})["ct"]

    def back(mask):
        pred = MetaTensor(torch.from_numpy(mask)[None].float(), affine=made.affine)
        invert = Invertd(keys="pred", transform=there, orig_keys="ct", nearest_interp=True)
        return invert({"ct": made, "pred": pred})["pred"][0].numpy() > 0.5

    return made, back


def is_tie(count):
    """A number of steps that is rounded by chance, for the half is not exact."""
    return np.abs(count - np.floor(count) - 0.5) < 1e-3


def check_as_monai(ct, spacing_mm, seed):
    """Compare the grid, the values and a mask's way back with MONAI's; returns the share of ties."""
    rng = np.random.default_rng(seed)
    hu = (blob(ct, rng.uniform(-20, 20, 3)) + rng.normal(0, 30, ct.shape)).astype(np.float32)
    theirs, theirs_back = monais(hu, ct, spacing_mm)
    ours = to_network_grid(Volume(hu, ct), spacing_mm, published=True)
    assert ours.geometry.shape == tuple(theirs.shape[1:])
    np.testing.assert_allclose(ours.geometry.affine, theirs.affine.numpy(), rtol=0, atol=1e-6)
    np.testing.assert_allclose(ours.voxels, theirs[0].numpy(), rtol=0, atol=2e-3)
    mask = ours.voxels > 100
    assert 0.01 < mask.mean() < 0.9
    back = from_network_axes(mask, ct, spacing_mm, published=True)
    found = back.voxels[np.ix_(*nearest_voxels(back.geometry, ct))]
    tie = is_tie(ours.geometry.to_index(places_mm(ct))).any(axis=-1)
    assert not ((found != theirs_back(mask)) & ~tie).any()
    return tie.mean()


@pytest.mark.parametrize("orientation", ALL_ORIENTATIONS)
def test_the_published_grid_and_the_way_back_are_monais(orientation):
    for spacing_mm, angles in (((0.9, 1.1, 2.6), (12, -25, 31)), ((2.0, 3.0, 4.0), (0, 0, 0))):
        ct = grid(spacing_mm, (40, 34, 30), angles, orientation)
        assert check_as_monai(ct, 1.5, seed=len(orientation)) == 0


@given(anyhow, st.floats(1.2, 6.0), st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=20)
def test_the_published_grid_and_the_way_back_are_monais_on_any_tilted_grid(ct, spacing_mm, seed):
    steps = (np.array(ct.shape) - 1) * ct.spacing_mm / spacing_mm
    is_almost_there = np.abs(np.array(ct.spacing_mm) - spacing_mm) < 2e-3  # MONAI leaves such axes alone
    assume(not is_tie(steps).any() and not is_almost_there.any())
    check_as_monai(ct, spacing_mm, seed)


@pytest.mark.parametrize("orientation", ["RAS", "LPS", "LAS", "SRP"])
def test_halves_are_rounded_as_monai_rounds_them(orientation):
    """With 0.75 mm every other voxel of the CT lies halfway, and every other CT ends there."""
    for side in range(16, 24):
        ct = grid((0.75, 0.75, 3.0), (0.75 * side, 0.75 * side, 3.0 * 16), orientation=orientation)
        check_as_monai(ct, 1.5, seed=side)


@pytest.mark.parametrize("orientation", ALL_ORIENTATIONS)
def test_a_mask_on_the_published_grid_comes_back_on_its_side(orientation):
    ct = grid(orientation=orientation)
    centre_mm = (14.0, 9.0, -5.0)
    small = to_network_grid(Volume(blob(ct, centre_mm), ct), SPACING_MM, published=True)
    back = from_network_axes(small.voxels > 500, ct, SPACING_MM, published=True)
    found = back.voxels[np.ix_(*nearest_voxels(back.geometry, ct))]
    np.testing.assert_allclose(middle_mm(found, ct), centre_mm, atol=0.6)
    assert found.sum() == pytest.approx((blob(ct, centre_mm) > 500).sum(), rel=0.15)


def test_the_published_values_lie_between_two_neighbours_where_ours_average_all():
    ct = grid((1.0, 1.0, 1.0), (60, 60, 60))
    hu = np.zeros(ct.shape, dtype=np.float32)
    hu[1::6] = 600  # seen by ours as a sixth of it, wherever they lie
    published = to_network_grid(Volume(hu, ct), 6.0, published=True).voxels
    ours = to_network_grid(Volume(hu, ct), 6.0).voxels
    assert np.array_equal(published, np.zeros((11, 11, 11)))
    np.testing.assert_allclose(ours[1:-1, 1:-1, 1:-1], 100, atol=20)
