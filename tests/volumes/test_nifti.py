import gzip
import tracemalloc

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st

from omentum.volumes.geometry import ALL_ORIENTATIONS, Geometry
from omentum.volumes.nifti import is_nifti, read_nifti, read_nifti_geometry, read_nifti_note, write_nifti
from omentum.volumes.volume import Volume

modest = settings(max_examples=40, deadline=None)
LPS_TO_RAS = np.array([-1.0, -1.0, 1.0])


def numbered(geometry):
    return Volume(np.arange(np.prod(geometry.shape), dtype=np.int16).reshape(geometry.shape), geometry)


def check_as_others_read_it(path, volume):
    """Voxels and places as nibabel and SimpleITK see them; the latter speaks LPS and `(z, y, x)`."""
    image = nib.load(path)
    np.testing.assert_array_equal(np.asarray(image.dataobj), volume.voxels)
    assert Geometry(image.shape, image.affine).same_grid(volume.geometry)
    other = sitk.ReadImage(str(path))
    np.testing.assert_array_equal(sitk.GetArrayFromImage(other).T, volume.voxels)
    ends = [(x, y, z) for x in (0, -1) for y in (0, -1) for z in (0, -1)]
    index = [[int(end) % side for end, side in zip(corner, other.GetSize(), strict=True)] for corner in ends]
    corners_mm = np.array([other.TransformIndexToPhysicalPoint(corner) for corner in index]) * LPS_TO_RAS
    np.testing.assert_allclose(corners_mm, volume.geometry.corners_mm, atol=1e-3)


@pytest.mark.parametrize("orientation", ALL_ORIENTATIONS)
def test_every_orientation_is_read_alike_by_us_nibabel_and_simpleitk(tmp_path, ras_grid, orientation):
    volume = numbered(ras_grid).reoriented(orientation)
    path = tmp_path / "ct.nii.gz"
    write_nifti(path, volume)
    check_as_others_read_it(path, volume)
    back = read_nifti(path)
    np.testing.assert_array_equal(back.voxels, volume.voxels)
    assert back.geometry.same_grid(volume.geometry)
    assert back.geometry.orientation == orientation
    header = nib.load(path).header
    assert (header["sform_code"], header["qform_code"]) == (1, 1)
    np.testing.assert_allclose(header.get_sform(), header.get_qform(), atol=1e-5)


@modest
@given(data=st.data())
def test_oblique_grids_are_read_alike_by_us_nibabel_and_simpleitk(scratch, oblique, data):
    volume = numbered(data.draw(oblique))
    path = scratch / "oblique.nii"
    write_nifti(path, volume)
    check_as_others_read_it(path, volume)
    assert read_nifti_geometry(path).same_grid(volume.geometry)


def test_both_forms_say_the_same_to_the_last_corner_or_the_qform_says_nothing(tmp_path):
    quiet = 0
    for degrees in (0.0, 0.01, 0.05, 0.5, 3.0, 20.0):
        cosine, sine = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
        affine = np.eye(4)
        affine[:2, :2] = -0.8 * np.array([[cosine, -sine], [sine, cosine]])
        grid = Geometry((512, 512, 8), affine)
        write_nifti(tmp_path / "lps.nii.gz", Volume(np.zeros(grid.shape, dtype=np.uint8), grid))
        image = nib.load(tmp_path / "lps.nii.gz")
        assert Geometry(grid.shape, image.get_sform()).same_grid(grid)
        quiet += int(image.header["qform_code"] == 0)
        if image.header["qform_code"] == 1:
            assert Geometry(grid.shape, image.get_qform()).same_grid(grid)
    assert 0 < quiet < 4


def test_a_sheared_grid_is_kept_in_the_sform_alone(tmp_path):
    affine = np.diag([-1.0, -1.0, 2.0, 1.0])
    affine[1, 2] = 0.5
    volume = numbered(Geometry((9, 10, 11), affine))
    write_nifti(tmp_path / "tilted.nii.gz", volume)
    image = nib.load(tmp_path / "tilted.nii.gz")
    assert (image.header["sform_code"], image.header["qform_code"]) == (1, 0)
    np.testing.assert_allclose(image.affine, affine, atol=1e-6)
    assert image.header.get_zooms() == pytest.approx(volume.geometry.spacing_mm)
    assert read_nifti(tmp_path / "tilted.nii.gz").geometry.is_sheared


def test_a_file_with_a_qform_alone_lies_where_the_qform_says(tmp_path, ras_grid):
    image = nib.Nifti1Image(np.zeros(ras_grid.shape, dtype=np.int16), None)
    image.set_qform(ras_grid.affine, code=1)
    image.set_sform(None, code=0)
    image.to_filename(tmp_path / "q.nii")
    assert read_nifti(tmp_path / "q.nii").geometry.same_grid(ras_grid)


@pytest.mark.parametrize("ending", [".nii", ".nii.gz", ".NII.GZ"])
@pytest.mark.parametrize("dtype", ["u1", "i1", "i2", "u2", "i4", "f4", ">i2"])
def test_every_type_comes_back_as_it_was(tmp_path, ras_grid, dtype, ending):
    voxels = np.random.default_rng(0).integers(0, 100, ras_grid.shape).astype(dtype)
    write_nifti(tmp_path / f"ct{ending}", Volume(voxels, ras_grid))
    back = read_nifti(tmp_path / f"ct{ending}").voxels
    assert back.dtype == voxels.dtype.newbyteorder("=")
    np.testing.assert_array_equal(back, voxels)
    np.testing.assert_array_equal(np.asarray(nib.load(tmp_path / f"ct{ending}").dataobj), voxels)


def test_the_ending_says_whether_a_file_is_compressed(tmp_path, ras_grid):
    for name in ("a.nii", "a.nii.gz"):
        write_nifti(tmp_path / name, numbered(ras_grid))
    assert gzip.decompress((tmp_path / "a.nii.gz").read_bytes()) == (tmp_path / "a.nii").read_bytes()
    assert [is_nifti(tmp_path / name) for name in ("a.nii", "B.NII.GZ", "a.nii.txt", "nii")] == [1, 1, 0, 0]


def test_the_same_voxels_give_the_same_bytes_whatever_the_name(tmp_path, ras_grid):
    for name in ("a.nii.gz", "b.nii.gz"):
        write_nifti(tmp_path / name, numbered(ras_grid))
    assert (tmp_path / "a.nii.gz").read_bytes() == (tmp_path / "b.nii.gz").read_bytes()


def test_masks_are_written_as_bytes_with_no_scaling(tmp_path, ras_grid):
    mask = np.random.default_rng(0).random(ras_grid.shape) > 0.5
    write_nifti(tmp_path / "mask.nii.gz", Volume(mask, ras_grid))
    header = nib.Nifti1Header(gzip.decompress((tmp_path / "mask.nii.gz").read_bytes())[:348])
    assert (header.get_data_dtype(), header["scl_slope"], header["scl_inter"]) == (np.uint8, 1, 0)
    assert header["xyzt_units"] & 7 == 2
    np.testing.assert_array_equal(read_nifti(tmp_path / "mask.nii.gz").voxels, mask.astype(np.uint8))


def test_views_are_written_as_what_they_show(tmp_path, ras_grid):
    volume = numbered(ras_grid).reoriented("PSL").cropped((slice(1, 9), slice(0, 8), slice(3, 14)))
    assert not volume.voxels.flags.contiguous
    write_nifti(tmp_path / "view.nii.gz", volume)
    check_as_others_read_it(tmp_path / "view.nii.gz", volume)
    write_nifti(tmp_path / "view.nii.gz", Volume(volume.voxels % 2 == 0, volume.geometry))
    np.testing.assert_array_equal(read_nifti(tmp_path / "view.nii.gz").voxels, volume.voxels % 2 == 0)


@pytest.mark.parametrize(("slope", "intercept"), [(0.5, -1024.0), (1.0, -1000.0), (2.0, 0.0), (1e-3, 3.0)])
@pytest.mark.parametrize("dtype", ["<i2", ">i2", "<u1", ">f4"])
def test_scaled_files_are_read_as_nibabel_scales_them(tmp_path, ras_grid, slope, intercept, dtype):
    voxels = np.random.default_rng(0).integers(0, 255, ras_grid.shape).astype(dtype)
    header = nib.Nifti1Header(endianness=dtype[0])
    header.set_data_dtype(dtype)
    image = nib.Nifti1Image(voxels, ras_grid.affine, header)
    image.header.set_slope_inter(slope, intercept)
    image.to_filename(tmp_path / "scaled.nii.gz")
    back = read_nifti(tmp_path / "scaled.nii.gz").voxels
    assert back.dtype == np.float32
    np.testing.assert_allclose(back, nib.load(tmp_path / "scaled.nii.gz").get_fdata(), rtol=1e-6, atol=1e-4)


@pytest.mark.parametrize("dtype", [">i2", ">f4", ">f8", "<f8"])
def test_other_byte_orders_and_doubles_become_native(tmp_path, ras_grid, dtype):
    voxels = np.random.default_rng(0).integers(-1000, 1000, ras_grid.shape).astype(dtype)
    header = nib.Nifti1Header(endianness=dtype[0])
    header.set_data_dtype(dtype)
    nib.Nifti1Image(voxels, ras_grid.affine, header).to_filename(tmp_path / "big.nii")
    back = read_nifti(tmp_path / "big.nii").voxels
    assert back.dtype == (np.int16 if dtype == ">i2" else np.float32)
    np.testing.assert_array_equal(back, voxels)


def test_a_second_edition_file_is_read_too(tmp_path, ras_grid):
    volume = numbered(ras_grid)
    nib.Nifti2Image(volume.voxels, ras_grid.affine).to_filename(tmp_path / "two.nii.gz")
    back = read_nifti(tmp_path / "two.nii.gz")
    np.testing.assert_array_equal(back.voxels, volume.voxels)
    assert back.geometry.same_grid(ras_grid)


def test_last_axes_of_one_are_dropped(tmp_path, ras_grid):
    volume = numbered(ras_grid)
    nib.Nifti1Image(volume.voxels[..., None, None], ras_grid.affine).to_filename(tmp_path / "five.nii")
    np.testing.assert_array_equal(read_nifti(tmp_path / "five.nii").voxels, volume.voxels)


@modest
@given(
    note=st.recursive(
        st.none() | st.integers() | st.text(), lambda n: st.lists(n) | st.dictionaries(st.text(), n)
    )
)
def test_a_note_is_kept_in_the_header_and_left_alone_by_others(scratch, ras_grid, note):
    volume = numbered(ras_grid)
    for ending in (".nii", ".nii.gz"):
        path = scratch / f"noted{ending}"
        write_nifti(path, volume, note={"note": note})
        assert read_nifti_note(path) == {"note": note}
        np.testing.assert_array_equal(read_nifti(path).voxels, volume.voxels)
        check_as_others_read_it(path, volume)


@pytest.mark.parametrize("content", [b"made by hand", b"\xff\xfe\x00", b""])
def test_another_programs_comment_is_no_note(tmp_path, ras_grid, content):
    image = nib.Nifti1Image(np.zeros(ras_grid.shape, dtype=np.int16), ras_grid.affine)
    image.header.extensions.append(nib.nifti1.Nifti1Extension(6, content))
    image.to_filename(tmp_path / "comment.nii")
    assert read_nifti_note(tmp_path / "comment.nii") is None
    write_nifti(tmp_path / "plain.nii", numbered(ras_grid))
    assert read_nifti_note(tmp_path / "plain.nii") is None


@pytest.mark.parametrize("order", ["C", "F", "view"])
def test_writing_and_reading_hold_no_second_copy_of_the_volume(tmp_path, order):
    grid = Geometry((256, 256, 460), np.diag([-1.0, -1.0, 1.0, 1.0]))
    volume = Volume(np.ones(grid.shape, dtype=np.int16, order="F" if order == "F" else "C"), grid)
    if order == "view":
        volume = volume.reoriented("SAR")
    tracemalloc.start()
    write_nifti(tmp_path / "large.nii.gz", volume)
    _, written = tracemalloc.get_traced_memory()
    tracemalloc.reset_peak()
    read_nifti(tmp_path / "large.nii.gz")
    _, read = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert written < 0.1 * volume.voxels.nbytes
    assert read < 1.2 * volume.voxels.nbytes
