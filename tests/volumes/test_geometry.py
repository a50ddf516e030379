import nibabel as nib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omentum.errors import AffineError, ImageShapeError
from omentum.volumes.geometry import Geometry

modest = settings(max_examples=60, deadline=None)


@modest
@given(data=st.data())
def test_spacing_orientation_and_corners_are_those_of_nibabel(oblique, data):
    grid = data.draw(oblique)
    assert grid.spacing_mm == pytest.approx(nib.affines.voxel_sizes(grid.affine))
    assert grid.orientation == "".join(nib.aff2axcodes(grid.affine))
    ends = np.array(np.meshgrid(*[(0, side - 1) for side in grid.shape], indexing="ij")).reshape(3, -1).T
    np.testing.assert_allclose(grid.corners_mm, nib.affines.apply_affine(grid.affine, ends), atol=1e-9)


@modest
@given(data=st.data())
def test_mm_and_index_are_inverse(oblique, data):
    grid = data.draw(oblique)
    points = np.random.default_rng(0).uniform(-50, 50, (4, 5, 3))
    np.testing.assert_allclose(grid.to_index(grid.to_mm(points)), points, atol=1e-8)
    np.testing.assert_allclose(grid.to_mm(grid.to_index(points)), points, atol=1e-8)
    assert grid.to_mm((0, 0, 0)) == pytest.approx(grid.affine[:3, 3])


@modest
@given(data=st.data())
def test_a_crop_keeps_every_voxel_at_its_place(oblique, data):
    grid = data.draw(oblique)
    box = tuple(sorted(data.draw(st.tuples(st.integers(0, n), st.integers(0, n)))) for n in grid.shape)
    if any(low == high for low, high in box):
        return
    crop = grid.cropped(tuple(slice(low, high) for low, high in box))
    assert crop.shape == tuple(high - low for low, high in box)
    lows = np.array([low for low, _ in box])
    for index in ((0, 0, 0), tuple(side - 1 for side in crop.shape)):
        np.testing.assert_allclose(crop.to_mm(index), grid.to_mm(lows + index), atol=1e-9)
    assert crop.spacing_mm == pytest.approx(grid.spacing_mm)


def test_a_crop_counts_open_and_negative_ends_as_arrays_do():
    grid = Geometry((10, 11, 12), np.diag([1.0, 2.0, 3.0, 1.0]))
    crop = grid.cropped((slice(None), slice(3, None), slice(-4, -1)))
    assert crop.shape == np.empty(grid.shape)[:, 3:, -4:-1].shape
    assert crop.to_mm((0, 0, 0)) == pytest.approx((0.0, 6.0, 24.0))


def test_a_crop_of_nothing_is_refused():
    with pytest.raises(ImageShapeError):
        Geometry((4, 4, 4), np.eye(4)).cropped((slice(0, 4), slice(2, 2), slice(0, 4)))


def test_a_sheared_voxel_has_the_volume_of_a_parallelepiped_not_of_its_edges():
    affine = np.eye(4)
    affine[:3, :3] = np.array([[1, 0, 0], [0.5, 1, 0], [0, 0, 2]]).T
    grid = Geometry((3, 3, 3), affine)
    assert grid.voxel_ml == pytest.approx(0.002)
    assert np.prod(grid.spacing_mm) == pytest.approx(2 * np.sqrt(1.25))
    assert grid.is_sheared


@pytest.mark.parametrize(("degrees", "sheared"), [(0.001, False), (0.1, True), (20.0, True)])
def test_a_gantry_tilted_by_a_tenth_of_a_degree_makes_a_sheared_grid(degrees, sheared):
    affine = np.diag([1.0, 1.0, 5.0, 1.0])
    affine[1, 2] = 5.0 * np.tan(np.deg2rad(degrees))
    assert Geometry((3, 3, 3), affine).is_sheared is sheared


@modest
@given(data=st.data())
def test_tilted_grids_with_right_angles_are_not_sheared(oblique, data):
    grid = data.draw(oblique)
    assert not grid.is_sheared
    assert grid.voxel_ml == pytest.approx(np.prod(grid.spacing_mm) / 1000)


@pytest.mark.parametrize(("shift_mm", "same"), [(0.0, True), (0.9e-3, True), (1.1e-3, False)])
def test_grids_are_one_within_a_thousandth_of_a_millimetre(shift_mm, same):
    affine = np.diag([-0.8, -0.8, 5.0, 1.0])
    moved = affine.copy()
    moved[2, 3] += shift_mm
    one, other = Geometry((512, 512, 80), affine), Geometry((512, 512, 80), moved)
    assert one.same_grid(other) is same
    assert one.distance_mm(other) == pytest.approx(shift_mm)


def test_a_spacing_off_by_a_little_shows_at_the_far_corner():
    one = Geometry((512, 512, 80), np.diag([0.8, 0.8, 5.0, 1.0]))
    other = Geometry((512, 512, 80), np.diag([0.8 + 1e-5, 0.8, 5.0, 1.0]))
    assert one.distance_mm(other) == pytest.approx(511 * 1e-5)
    assert not one.same_grid(other)
    assert one.same_grid(other, tolerance_mm=0.01)


def test_a_flipped_grid_over_the_same_place_is_another_grid():
    flipped = np.diag([-1.0, 1.0, 1.0, 1.0])
    flipped[0, 3] = 4.0
    assert not Geometry((5, 5, 5), np.eye(4)).same_grid(Geometry((5, 5, 5), flipped))


def test_grids_of_other_shapes_are_infinitely_far_apart():
    assert Geometry((5, 5, 5), np.eye(4)).distance_mm(Geometry((5, 5, 6), np.eye(4))) == np.inf


def test_the_affine_cannot_be_changed_afterwards():
    affine = np.eye(4)
    grid = Geometry((3, 3, 3), affine)
    affine[0, 0] = 7.0
    assert grid.spacing_mm == (1.0, 1.0, 1.0)
    with pytest.raises(ValueError, match="read-only"):
        grid.affine[0, 0] = 7.0


@pytest.mark.parametrize("shape", [(3, 3), (3, 3, 3, 3), (3, 0, 3), ()])
def test_a_grid_without_three_filled_axes_is_refused(shape):
    with pytest.raises(ImageShapeError, match="three axes"):
        Geometry(shape, np.eye(4))


@pytest.mark.parametrize(
    "affine",
    [np.eye(3), np.diag([1.0, 1.0, 0.0, 1.0]), np.diag([1.0, np.nan, 1.0, 1.0]), np.full((4, 4), np.inf)],
)
def test_an_affine_that_places_no_voxel_is_refused(affine):
    with pytest.raises(AffineError, match="affine"):
        Geometry((3, 3, 3), affine)
