import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from omentum.errors import ConfigError
from omentum.volumes.geometry import ALL_ORIENTATIONS, Geometry
from omentum.volumes.resample import (
    nearest_voxels,
    resampled,
    resampled_anyhow,
    resampled_slices,
    upsampled_mask,
)
from omentum.volumes.volume import Volume

modest = settings(max_examples=40, deadline=None)
spacings = st.tuples(*[st.floats(0.5, 7.0)] * 3)


def ramp(geometry, slope_per_mm=(1.0, -0.5, 0.25)):
    """A linear function of the place in mm."""
    index = np.moveaxis(np.indices(geometry.shape), 0, -1)
    return (geometry.to_mm(index) @ np.array(slope_per_mm)).astype(np.float32)


def ellipsoid(shape, seed):
    """An ellipsoid of 4 to 6 voxels radius, somewhere near the middle."""
    rng = np.random.default_rng(seed)
    centre = (np.array(shape) - 1) / 2 + rng.uniform(-1, 1, 3)
    away = (np.moveaxis(np.indices(shape), 0, -1) - centre) / rng.uniform(4, 6, 3)
    return (away**2).sum(axis=-1) <= 1


def moved(grid, spacing_mm, by_voxels):
    """A parallel grid of another spacing that begins elsewhere, and may reach beyond."""
    target = grid.spaced(spacing_mm)
    affine = target.affine.copy()
    affine[:3, 3] = target.to_mm(by_voxels)
    return Geometry(target.shape, affine)


def places_in(source, target):
    """Where the voxels of one grid are on another, `(x, y, z, 3)`, in voxels."""
    return source.to_index(target.to_mm(np.moveaxis(np.indices(target.shape), 0, -1)))


def dice(one, other):
    return 2 * (one & other).sum() / (one.sum() + other.sum())


@modest
@given(data=st.data(), spacing_mm=spacings)
def test_a_straight_line_stays_straight_inside(oblique, data, spacing_mm):
    source = data.draw(oblique)
    target = source.spaced(spacing_mm)
    ratio = np.maximum(1, np.array(target.spacing_mm) / source.spacing_mm)
    index = np.moveaxis(np.indices(target.shape), 0, -1)
    at = source.to_index(target.to_mm(index))
    inside = np.all((at >= ratio - 1) & (at <= np.array(source.shape) - ratio), axis=-1)
    got, wanted = resampled(ramp(source), source, target), ramp(target)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got[inside], wanted[inside], atol=2e-3)
    assert np.abs(got - wanted).max() < np.sum(np.maximum(source.spacing_mm, target.spacing_mm))


@modest
@given(data=st.data(), spacing_mm=spacings, value=st.sampled_from([-1024, 0, 1, 3071]))
def test_a_constant_stays_what_it_is_everywhere(oblique, data, spacing_mm, value):
    source = data.draw(oblique)
    voxels = np.full(source.shape, value, dtype=np.int16)
    np.testing.assert_allclose(resampled(voxels, source, source.spaced(spacing_mm)), value, rtol=1e-6)


@modest
@given(data=st.data(), spacing_mm=spacings)
def test_another_spacing_keeps_field_of_view_centre_and_directions(oblique, data, spacing_mm):
    grid = data.draw(oblique)
    other = grid.spaced(spacing_mm)
    assert other.spacing_mm == pytest.approx(spacing_mm)
    assert other.orientation == grid.orientation
    centres = [g.to_mm((np.array(g.shape) - 1) / 2) for g in (grid, other)]
    np.testing.assert_allclose(*centres, atol=1e-9)
    views = [np.array(g.shape) * g.spacing_mm for g in (grid, other)]
    assert np.all(
        np.abs(views[0] - views[1]) <= np.maximum(spacing_mm, 0) * 0.501 + (np.array(other.shape) == 1) * 1e9
    )


@pytest.mark.parametrize("ratio", [(2, 2, 2), (3, 1, 2), (4, 4, 1)])
def test_a_coarser_grid_holds_about_the_mean_of_each_block(ratio):
    source = Geometry((24, 24, 24), np.diag([1.0, 1.5, 2.0, 1.0]))
    values = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=source.shape), 2.0)
    target = source.spaced(np.array(ratio) * source.spacing_mm)
    blocks = values.reshape([n for side, r in zip(target.shape, ratio, strict=True) for n in (side, r)])
    means = blocks.mean(axis=(1, 3, 5))
    inner = (slice(1, -1),) * 3
    off = resampled(values, source, target)[inner] - means[inner]
    assert np.abs(off).mean() < 0.15 * values.std()


def test_no_voxel_is_skipped_by_a_coarser_grid():
    source = Geometry((40, 8, 8), np.eye(4))
    target = source.spaced((5.0, 1.0, 1.0))
    for x in range(5, 35):
        voxels = np.zeros(source.shape)
        voxels[x] = 1.0
        assert resampled(voxels, source, target)[:, 4, 4].sum() == pytest.approx(0.2, rel=0.02)


@modest
@given(data=st.data(), spacing_mm=spacings, seed=st.integers(0, 99), threshold=st.floats(0.2, 0.8))
def test_a_mask_decided_slice_by_slice_is_the_volume_decided_at_once(
    oblique, data, spacing_mm, seed, threshold
):
    source = data.draw(oblique)
    target = source.spaced(spacing_mm)
    voxels = np.random.default_rng(seed).random(source.shape).astype(np.float32)
    whole = resampled(voxels, source, target)
    np.testing.assert_array_equal(upsampled_mask(voxels, source, target, threshold), whole > threshold)
    np.testing.assert_array_equal(np.stack(list(resampled_slices(voxels, source, target)), axis=2), whole)


@modest
@given(data=st.data(), spacing_mm=spacings, seed=st.integers(0, 99))
def test_every_orientation_of_a_pair_of_grids_gives_the_same_values(oblique, data, spacing_mm, seed):
    source = data.draw(oblique)
    target, orientation = source.spaced(spacing_mm), data.draw(st.sampled_from(ALL_ORIENTATIONS))
    values = Volume(np.random.default_rng(seed).random(source.shape), source)
    plain = Volume(resampled(values.voxels, source, target), target).reoriented(orientation)
    turned = values.reoriented(orientation)
    got = resampled(turned.voxels, turned.geometry, plain.geometry)
    np.testing.assert_allclose(got, plain.voxels, atol=1e-5)


@modest
@given(data=st.data(), shrink=st.floats(1.0, 2.0), seed=st.integers(0, 99))
def test_a_mask_survives_a_finer_grid_and_back(oblique, data, shrink, seed):
    coarse = Geometry((14, 15, 16), data.draw(oblique).affine)
    mask = ellipsoid(coarse.shape, seed)
    fine = coarse.spaced(np.array(coarse.spacing_mm) / shrink)
    up = resampled(mask, coarse, fine) > 0.5
    back = resampled(up, fine, coarse) > 0.5
    assert dice(back, mask) > 0.95
    assert up.sum() * fine.voxel_ml == pytest.approx(mask.sum() * coarse.voxel_ml, rel=0.17)


@modest
@given(ratio=st.floats(1.0, 2.0), seed=st.integers(0, 99), orientation=st.sampled_from(ALL_ORIENTATIONS))
def test_a_mask_survives_a_coarser_grid_and_back(centroid_mm, ratio, seed, orientation):
    fine = Geometry((16, 16, 16), np.diag([1.0, 1.0, 2.0, 1.0])).reoriented(orientation)
    mask = ellipsoid(fine.shape, seed)
    coarse = fine.spaced(np.array(fine.spacing_mm) * ratio)
    back = resampled(resampled(mask, fine, coarse), coarse, fine) > 0.5
    assert dice(back, mask) > 0.82
    assert 0.7 < back.sum() / mask.sum() < 1.03
    assert np.abs(centroid_mm(back, fine) - centroid_mm(mask, fine)).max() < 0.6


@modest
@given(data=st.data(), spacing_mm=spacings, by=st.tuples(*[st.floats(-3, 3)] * 3), seed=st.integers(0, 99))
def test_without_smoothing_a_value_lies_between_its_eight_neighbours(oblique, data, spacing_mm, by, seed):
    source = data.draw(oblique)
    target = moved(source, spacing_mm, by)
    voxels = np.random.default_rng(seed).integers(-1000, 1000, source.shape).astype(np.int16)
    got = resampled(voxels, source, target, smooth=False)
    at = np.moveaxis(places_in(source, target), -1, 0)
    expected = ndimage.map_coordinates(voxels.astype(np.float64), at, order=1, mode="nearest")
    np.testing.assert_allclose(got, expected, atol=0.01)
    slices = np.stack(list(resampled_slices(voxels, source, target, smooth=False)), axis=2)
    np.testing.assert_array_equal(slices, got)


@modest
@given(
    data=st.data(),
    spacing_mm=spacings,
    by=st.tuples(*[st.floats(-3, 3)] * 3),
    dtype=st.sampled_from(["bool", "u1", "i2", "f4"]),
)
def test_the_nearest_voxel_is_the_one_with_the_least_distance(oblique, data, spacing_mm, by, dtype):
    source = data.draw(oblique)
    target = moved(source, spacing_mm, by)
    voxels = np.random.default_rng(0).integers(0, 255, source.shape).astype(dtype)
    if dtype == "bool":
        voxels = np.random.default_rng(0).random(source.shape) > 0.5
    got = voxels[np.ix_(*nearest_voxels(source, target))]
    assert got.dtype == voxels.dtype
    assert got.shape == target.shape
    at = places_in(source, target)
    away = [np.abs(at[..., axis, None] - np.arange(side)) for axis, side in enumerate(source.shape)]
    expected = voxels[tuple(one.argmin(axis=-1) for one in away)]
    for one in away:
        first, second = np.moveaxis(np.sort(one, axis=-1)[..., :2], -1, 0)
        tie = second - first < 1e-6
        expected = np.where(tie, got, expected)
    np.testing.assert_array_equal(got, expected)


def test_a_voxel_halfway_takes_the_even_one_counted_from_the_left_however_the_axis_is_turned():
    source = Geometry((8, 3, 3), np.eye(4))
    values = np.arange(72).reshape(8, 3, 3)
    half = np.eye(4)
    half[0, 3] = 0.5
    got = values[np.ix_(*nearest_voxels(source, Geometry((8, 3, 3), half)))]
    even = [0, 2, 2, 4, 4, 6, 6, 7]
    assert np.array_equal(got, values[even])
    leftwards = np.diag([-1.0, 1.0, 1.0, 1.0])
    turned = Geometry((8, 3, 3), leftwards)
    half = leftwards.copy()
    half[0, 3] = -0.5  # half a voxel to the left: the same places, from the right
    (line, _, _) = nearest_voxels(turned, Geometry((8, 3, 3), half))
    from_the_left = np.rint(7 - (np.arange(8) + 0.5)).clip(0, 7)
    assert np.array_equal(line, 7 - from_the_left)


@pytest.mark.parametrize(
    "take",
    [resampled, lambda _voxels, source, target: nearest_voxels(source, target)],
    ids=["resampled", "nearest"],
)
def test_grids_that_are_not_parallel_are_refused(ras_grid, take):
    voxels = np.zeros(ras_grid.shape)
    with pytest.raises(ConfigError, match="parallel"):
        take(voxels, ras_grid, ras_grid.reoriented("LAS"))
    with pytest.raises(ConfigError, match="parallel"):
        take(voxels, ras_grid, ras_grid.reoriented("ASR"))
    tilted = ras_grid.affine.copy()
    tilted[0, 1] = 0.01
    with pytest.raises(ConfigError, match="parallel"):
        take(voxels, ras_grid, Geometry(ras_grid.shape, tilted))


def test_the_rounding_of_a_float32_header_is_still_parallel(ras_grid):
    rounded = Geometry(ras_grid.shape, ras_grid.affine + 1e-7)
    values = np.random.default_rng(0).random(ras_grid.shape).astype(np.float32)
    np.testing.assert_allclose(resampled(values, ras_grid, rounded), values, atol=1e-4)


def test_beyond_the_border_the_border_goes_on():
    source = Geometry((4, 4, 4), np.eye(4))
    far = np.eye(4)
    far[:3, 3] = [-3.0, 0.0, 0.0]
    values = np.random.default_rng(0).random((4, 4, 4)).astype(np.float32)
    got = resampled(values, source, Geometry((12, 4, 4), far))
    np.testing.assert_allclose(got[:4], np.broadcast_to(values[:1], (4, 4, 4)), rtol=1e-6)
    np.testing.assert_allclose(got[7:], np.broadcast_to(values[-1:], (5, 4, 4)), rtol=1e-6)


def _as_sitk(voxels, geometry):
    image = sitk.GetImageFromArray(voxels.T)
    lps = np.diag([-1.0, -1.0, 1.0]) @ geometry.affine[:3]
    image.SetSpacing(geometry.spacing_mm)
    image.SetOrigin(lps[:, 3].tolist())
    image.SetDirection((lps[:, :3] / geometry.spacing_mm).ravel().tolist())
    return image


@modest
@given(data=st.data(), seed=st.integers(0, 99))
def test_any_pair_of_grids_is_resampled_as_simpleitk_does(oblique, data, seed):
    source, other = data.draw(oblique), data.draw(oblique)
    middle = source.to_mm((np.array(source.shape) - 1) / 2)
    affine = other.affine.copy()
    affine[:3, 3] += middle - other.to_mm((np.array(other.shape) - 1) / 2)
    target = Geometry(other.shape, affine)
    voxels = np.random.default_rng(seed).integers(-1000, 1000, source.shape).astype(np.float32)
    got = resampled_anyhow(voxels, source, target, outside=-1024)
    pixels = _as_sitk(voxels, source), _as_sitk(np.zeros(target.shape, dtype=np.float32), target)
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    theirs = sitk.GetArrayFromImage(sitk.Resample(*pixels, sitk.Transform(), sitk.sitkLinear, -1024.0)).T
    at = source.to_index(target.to_mm(np.moveaxis(np.indices(target.shape), 0, -1)))
    inside = np.all((at >= 0) & (at <= np.array(source.shape) - 1), axis=-1)
    beyond = np.any((at < -1) | (at > np.array(source.shape)), axis=-1)
    np.testing.assert_allclose(got[inside], theirs[inside], atol=0.2)
    assert (got[beyond] == -1024).all()


@modest
@given(
    data=st.data(), orientation=st.sampled_from(ALL_ORIENTATIONS), dtype=st.sampled_from(["i2", "u1", "f4"])
)
def test_a_grid_that_is_only_turned_loses_nothing_at_its_border(oblique, data, orientation, dtype):
    source = data.draw(oblique)
    volume = Volume(np.random.default_rng(0).integers(0, 255, source.shape).astype(dtype), source)
    turned = volume.reoriented(orientation)
    got = resampled_anyhow(volume.voxels, source, turned.geometry, outside=0)
    assert got.dtype == volume.voxels.dtype
    np.testing.assert_allclose(got, turned.voxels, atol=1e-3)
