"""Masks and label maps are read on the CT's grid."""

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk

from omentum.errors import (
    GridMismatchError,
    LabelValueError,
    NonFiniteVoxelsError,
)
from omentum.volumes.segmentations import read_mask
from omentum.volumes.volume import Volume

from .test_read import GRID, SHAPE, check_message, save


def test_a_mask_takes_the_grid_of_its_ct(tmp_path):
    labels = np.random.default_rng(0).integers(0, 256, SHAPE).astype(np.uint8)
    shifted = GRID.affine.copy()
    shifted[0, 3] += 0.9e-3
    save(tmp_path / "mask.nii.gz", labels, shifted)
    mask = read_mask(tmp_path / "mask.nii.gz", GRID)
    assert mask.geometry is GRID
    assert mask.voxels.dtype == np.uint8
    np.testing.assert_array_equal(mask.voxels, labels)


@pytest.mark.parametrize("dtype", ["u1", "i2", "i4", "i8", "f4", "f8"])
def test_labels_may_be_stored_as_any_number(tmp_path, dtype):
    labels = np.random.default_rng(0).integers(0, 33, SHAPE)
    save(tmp_path / "mask.nii", labels.astype(dtype))
    np.testing.assert_array_equal(read_mask(tmp_path / "mask.nii", GRID).voxels, labels)


@pytest.mark.parametrize(("stored_as", "highest"), [(np.uint8, 1), (np.int16, 9), (np.int16, 32)])
def test_labels_that_a_program_has_scaled_are_still_whole(tmp_path, stored_as, highest):
    labels = np.random.default_rng(0).integers(0, highest + 1, SHAPE)
    image = nib.Nifti1Image(labels.astype(np.float64), GRID.affine)
    image.set_data_dtype(stored_as)
    image.to_filename(tmp_path / "mask.nii.gz")
    assert nib.load(tmp_path / "mask.nii.gz").dataobj.slope != 1
    np.testing.assert_array_equal(read_mask(tmp_path / "mask.nii.gz", GRID).voxels, labels)


@pytest.mark.parametrize(
    ("value", "dtype", "seen"),
    [
        (-1, "i2", "from -1 to"),
        (256, "i2", "to 256, and label ids from 0 to 255"),
        (0.5, "f4", "0.5"),
        (300.0, "f4", "300"),
    ],
)
def test_values_that_are_no_labels_are_refused(tmp_path, value, dtype, seen):
    labels = np.zeros(SHAPE, dtype=dtype)
    labels[2, 3, 4] = value
    save(tmp_path / "mask.nii.gz", labels)
    with pytest.raises(LabelValueError, match=seen) as caught:
        read_mask(tmp_path / "mask.nii.gz", GRID)
    check_message(caught, LabelValueError, tmp_path / "mask.nii.gz")


@pytest.mark.parametrize("ending", [".nii.gz", ".nrrd"])
@pytest.mark.parametrize(("off_voxels", "is_noted"), [(1e-5, False), (0.01, True), (0.09, True)])
def test_a_mask_within_a_tenth_of_a_voxel_of_the_grid_is_taken_and_noted(
    tmp_path, ending, off_voxels, is_noted
):
    affine = GRID.affine.copy()
    affine[2, 3] += off_voxels * GRID.spacing_mm[2]
    path = tmp_path / f"mask{ending}"
    save(tmp_path / "mask.nii.gz", np.zeros(SHAPE, dtype=np.uint8), affine)
    sitk.WriteImage(sitk.ReadImage(tmp_path / "mask.nii.gz"), path)
    mask = read_mask(path, GRID)
    assert mask.geometry is GRID
    assert ["off the CT's grid" in note for note in mask.notes] == [True] * is_noted


def test_a_mask_off_the_lattice_is_refused_with_the_distance(tmp_path):
    affine = GRID.affine.copy()
    affine[2, 3] += 0.11 * GRID.spacing_mm[2]
    save(tmp_path / "mask.nii.gz", np.zeros(SHAPE, dtype=np.uint8), affine)
    with pytest.raises(GridMismatchError, match=r"0\.11 voxels off") as caught:
        read_mask(tmp_path / "mask.nii.gz", GRID)
    check_message(caught, GridMismatchError, tmp_path / "mask.nii.gz")


def test_a_label_map_at_its_own_extent_is_put_on_the_cts_grid(tmp_path):
    labels = np.random.default_rng(0).integers(0, 9, SHAPE).astype(np.uint8)
    labels[:3], labels[:, :, 8:] = 0, 0
    own = GRID.cropped((slice(3, 12), slice(0, 11), slice(0, 8)))
    turned = Volume(labels[3:, :, :8], own).reoriented("SPL")
    save(tmp_path / "mask.nii.gz", turned.voxels, turned.geometry.affine)
    placed = read_mask(tmp_path / "mask.nii.gz", GRID)
    np.testing.assert_array_equal(placed.voxels, labels)
    assert placed.notes == ("padded from 9 x 11 x 8 voxels to the CT's grid",)


def test_what_lies_beyond_the_ct_is_cut_and_told_or_refused(tmp_path):
    labels = np.zeros((12, 11, 13), dtype=np.uint8)
    labels[5, 5, 8:12] = 6
    save(tmp_path / "mask.nii.gz", labels)
    with pytest.raises(GridMismatchError, match=r"2 voxels \(0\.006 mL\) lies beyond the CT"):
        read_mask(tmp_path / "mask.nii.gz", GRID)
    cut = read_mask(tmp_path / "mask.nii.gz", GRID, may_cut=True)
    np.testing.assert_array_equal(cut.voxels, labels[:, :, :10])
    assert cut.notes[1:] == ("2 voxels (0.006 mL) beyond the CT were cut",)
    labels[5, 5, 8:10] = 0
    save(tmp_path / "mask.nii.gz", labels)
    with pytest.raises(GridMismatchError, match="all of it lies beyond the CT"):
        read_mask(tmp_path / "mask.nii.gz", GRID, may_cut=True)


def test_a_mask_on_another_lattice_is_refused(tmp_path):
    save(tmp_path / "mask.nii.gz", np.zeros(SHAPE, dtype=np.uint8), np.diag([-1.0, -1.5, 2.5, 1.0]))
    with pytest.raises(GridMismatchError, match=r"directions differ|voxels off"):
        read_mask(tmp_path / "mask.nii.gz", GRID)
    affine = GRID.affine.copy()
    affine[0, 3] = 40
    save(tmp_path / "mask.nii.gz", np.zeros(SHAPE, dtype=np.uint8), affine)
    with pytest.raises(GridMismatchError, match=r"no voxel on"):
        read_mask(tmp_path / "mask.nii.gz", GRID)


def test_a_mask_with_nan_is_refused(tmp_path):
    save(tmp_path / "mask.nii.gz", np.full(SHAPE, np.nan, dtype=np.float32))
    with pytest.raises(NonFiniteVoxelsError):
        read_mask(tmp_path / "mask.nii.gz", GRID)
