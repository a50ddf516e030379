import gzip

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk

from omentum.errors import GridMismatchError, LabelValueError, UnreadableImageError
from omentum.volumes.geometry import Geometry
from omentum.volumes.nifti import write_nifti
from omentum.volumes.nifti_slices import label_planes, read_nifti_part, write_nifti_part
from omentum.volumes.volume import Volume


@pytest.fixture(params=[(16, 12, 10), (13, 9, 11)])
def geometry(request):
    """Rows of whole words, and rows that are not."""
    return Geometry(request.param, np.diag([-0.8, -0.8, 2.5, 1.0]))


@pytest.fixture
def voxels(geometry):
    """Zeros with two spots in different slices and a slice of zeros between them."""
    values = np.zeros(geometry.shape, dtype=np.uint8)
    values[3:6, 2, 4] = 7
    values[10, 8, 6] = 255
    return values


BOX = (slice(3, 11), slice(2, 9), slice(4, 7))


@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
def test_part_is_the_smallest_box_with_all_that_is_not_zero(tmp_path, geometry, voxels, ending):
    path = tmp_path / f"a{ending}"
    write_nifti(path, Volume(voxels, geometry))
    grid, part = read_nifti_part(path)
    assert grid.same_grid(geometry)
    assert part[0] == BOX
    assert np.array_equal(part[1], voxels[BOX])


@pytest.mark.parametrize("dtype", [np.float32, np.int16, np.uint8])
def test_files_of_other_types_and_programs_are_read_alike(tmp_path, geometry, voxels, dtype):
    path = tmp_path / "a.nii.gz"
    nib.save(nib.Nifti1Image(voxels.astype(dtype), geometry.affine), path)
    _, part = read_nifti_part(path)
    assert part[0] == BOX
    assert np.array_equal(part[1], voxels[BOX])


def test_volume_of_zeros_has_no_part(tmp_path, geometry):
    path = tmp_path / "a.nii.gz"
    write_nifti_part(path, geometry, None)
    assert read_nifti_part(path)[1] is None
    assert not np.asarray(nib.load(path).dataobj).any()


def test_part_is_written_byte_for_byte_as_its_whole_volume(tmp_path, geometry, voxels):
    whole, part = tmp_path / "whole.nii.gz", tmp_path / "part.nii.gz"
    write_nifti(whole, Volume(voxels, geometry))
    write_nifti_part(part, geometry, (BOX, voxels[BOX]))
    assert part.read_bytes() == whole.read_bytes()
    assert np.array_equal(sitk.GetArrayFromImage(sitk.ReadImage(part)).T, voxels)


def test_values_that_are_no_bytes_are_refused(tmp_path, geometry, voxels):
    path = tmp_path / "a.nii.gz"
    nib.save(nib.Nifti1Image(voxels * np.float32(0.1), geometry.affine), path)
    with pytest.raises(LabelValueError, match="labels are whole numbers"):
        read_nifti_part(path)


def test_truncated_and_damaged_files_are_refused(tmp_path, geometry, voxels):
    path = tmp_path / "a.nii.gz"
    write_nifti(path, Volume(voxels, geometry))
    whole = path.read_bytes()
    path.write_bytes(gzip.compress(gzip.decompress(whole)[:-100]))
    with pytest.raises(UnreadableImageError, match="slices are there"):
        read_nifti_part(path)
    path.write_bytes(whole[:-8] + b"\0\0\0\0" + whole[-4:])
    with pytest.raises(UnreadableImageError, match="voxels cannot be read"):
        read_nifti_part(path)


GRID = Geometry((9, 8, 7), np.diag([-1.5, 1.0, 3.0, 1.0]))


def written(path, voxels):
    write_nifti(path, Volume(voxels, GRID))
    return path


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16, np.float32])
@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
def test_slices_are_those_of_the_file_however_it_keeps_them(tmp_path, dtype, ending):
    voxels = np.random.default_rng(0).integers(0, 200, GRID.shape).astype(dtype)
    with label_planes(written(tmp_path / f"a{ending}", voxels), GRID) as planes:
        slices = [plane.copy() for plane in planes]
    np.testing.assert_array_equal(np.array(slices).T, voxels)


def test_set_codes_may_be_over_255_where_labels_may_not(tmp_path):
    voxels = np.full(GRID.shape, 300)
    with label_planes(written(tmp_path / "a.nii.gz", voxels.astype(np.uint16)), GRID) as planes:
        assert next(planes).max() == 300
    path = written(tmp_path / "b.nii.gz", voxels.astype(np.int16))
    with pytest.raises(LabelValueError), label_planes(path, GRID):
        pass


def test_a_file_on_another_grid_is_refused_before_any_slice(tmp_path):
    path = written(tmp_path / "a.nii.gz", np.zeros(GRID.shape, dtype=np.uint8))
    other = Geometry(GRID.shape, np.diag([1.5, 1.0, 3.0, 1.0]))
    with pytest.raises(GridMismatchError), label_planes(path, other):
        pass


def test_a_file_that_is_cut_short_or_changed_is_found(tmp_path):
    path = written(tmp_path / "a.nii.gz", np.ones(GRID.shape, dtype=np.uint8))
    whole = path.read_bytes()
    for content in (gzip.compress(gzip.decompress(whole)[:-9]), whole[:-6] + bytes(6)):
        path.write_bytes(content)
        with pytest.raises(UnreadableImageError), label_planes(path, GRID) as planes:
            list(planes)
