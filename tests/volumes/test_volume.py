import nibabel as nib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omentum.errors import ConfigError, ImageShapeError
from omentum.volumes.geometry import ALL_ORIENTATIONS, Geometry
from omentum.volumes.volume import Volume

modest = settings(max_examples=150, deadline=None)


def numbered(geometry):
    return Volume(np.arange(np.prod(geometry.shape)).reshape(geometry.shape), geometry)


def test_there_are_48_orientations():
    assert len(set(ALL_ORIENTATIONS)) == len(ALL_ORIENTATIONS) == 48
    assert {"RAS", "LPS", "PIL"} <= set(ALL_ORIENTATIONS)


@modest
@given(data=st.data(), orientation=st.sampled_from(ALL_ORIENTATIONS))
def test_every_voxel_is_where_it_was_in_mm(oblique, data, orientation):
    volume = numbered(data.draw(oblique))
    turned = volume.reoriented(orientation)
    assert turned.geometry.orientation == orientation
    index = np.argwhere(np.ones(turned.voxels.shape, dtype=bool))
    before = np.rint(volume.geometry.to_index(turned.geometry.to_mm(index))).astype(int)
    np.testing.assert_array_equal(volume.voxels[tuple(before.T)], turned.voxels.ravel())
    np.testing.assert_allclose(volume.geometry.to_mm(before), turned.geometry.to_mm(index), atol=1e-8)


@modest
@given(data=st.data())
def test_to_ras_is_the_closest_canonical_of_nibabel(oblique, data):
    volume = numbered(data.draw(oblique))
    ours = volume.reoriented("RAS")
    theirs = nib.as_closest_canonical(nib.Nifti1Image(volume.voxels, volume.geometry.affine, dtype="int64"))
    np.testing.assert_array_equal(ours.voxels, np.asarray(theirs.dataobj))
    np.testing.assert_allclose(ours.geometry.affine, theirs.affine, atol=1e-9)


@modest
@given(data=st.data(), orientation=st.sampled_from(ALL_ORIENTATIONS))
def test_there_and_back_is_where_it_began(oblique, data, orientation):
    volume = numbered(data.draw(oblique))
    back = volume.reoriented(orientation).reoriented(volume.geometry.orientation)
    np.testing.assert_array_equal(back.voxels, volume.voxels)
    assert back.geometry.distance_mm(volume.geometry) < 1e-9


@pytest.mark.parametrize("orientation", ALL_ORIENTATIONS)
def test_turning_makes_a_view_and_a_grid_that_fits_it(ras_grid, orientation):
    volume = numbered(ras_grid)
    turned = volume.reoriented(orientation)
    assert np.shares_memory(turned.voxels, volume.voxels)
    assert ras_grid.reoriented(orientation).same_grid(turned.geometry, tolerance_mm=0)


def test_a_sheared_grid_stays_sheared_and_in_place():
    affine = np.diag([-1.0, -1.0, 2.0, 1.0])
    affine[1, 2] = 0.4
    grid = Geometry((5, 6, 7), affine)
    turned = grid.reoriented("SAR")
    assert turned.is_sheared
    assert {tuple(corner) for corner in turned.corners_mm.round(9)} == {
        tuple(corner) for corner in grid.corners_mm.round(9)
    }


@pytest.mark.parametrize("orientation", ["", "RA", "RAX", "RLS", "ras", "RASR"])
def test_what_is_no_orientation_is_refused(ras_grid, orientation):
    with pytest.raises(ConfigError, match="three letters are needed"):
        ras_grid.reoriented(orientation)


def test_voxels_off_their_grid_are_refused():
    with pytest.raises(ImageShapeError, match=r"\(3, 4, 5\).*\(5, 4, 3\)"):
        Volume(np.zeros((3, 4, 5)), Geometry((5, 4, 3), np.eye(4)))


def test_a_crop_keeps_voxel_and_place_together_without_a_copy():
    grid = Geometry((6, 7, 8), np.diag([-1.0, 2.0, 3.0, 1.0]))
    volume = Volume(np.arange(6 * 7 * 8).reshape(6, 7, 8), grid)
    crop = volume.cropped((slice(2, 5), slice(0, 7), slice(6, 8)))
    assert crop.voxels[1, 2, 1] == volume.voxels[3, 2, 7]
    assert crop.geometry.to_mm((1, 2, 1)) == pytest.approx(grid.to_mm((3, 2, 7)))
    assert np.shares_memory(crop.voxels, volume.voxels)
