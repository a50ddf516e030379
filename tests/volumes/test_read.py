import gzip

import nibabel as nib
import numpy as np
import pytest

from omentum.errors import (
    AffineError,
    DicomSeriesError,
    ImageError,
    ImageShapeError,
    NonFiniteVoxelsError,
    UnreadableImageError,
)
from omentum.volumes.geometry import Geometry
from omentum.volumes.nifti import write_nifti
from omentum.volumes.read import read_ct
from omentum.volumes.segmentations import read_mask
from omentum.volumes.volume import Volume

SHAPE = (12, 11, 10)
GRID = Geometry(SHAPE, np.diag([-1.0, -1.5, 2.0, 1.0]))


def hounsfield(dtype=np.int16):
    return np.random.default_rng(0).integers(0, 1000, SHAPE).astype(dtype)


def save(path, voxels, affine=GRID.affine, **fields):
    """Write with nibabel, then set header fields that nibabel would not let through."""
    nib.Nifti1Image(voxels, affine, dtype=voxels.dtype).to_filename(path)
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rb") as stream:
        raw = stream.read()
    header = nib.Nifti1Header(raw[:348], check=False)
    for name, value in fields.items():
        header[name] = value
    with opened(path, "wb") as stream:
        stream.write(header.binaryblock + raw[348:])


def check_refused(kind, path, seen, **options):
    """The right error: one line that begins with the path, says what was seen and ends with a cure."""
    with pytest.raises(kind, match=seen) as caught:
        read_ct(path, **options)
    check_message(caught, kind, path)


def check_message(caught, kind, path):
    message = str(caught.value)
    assert type(caught.value) is kind
    assert isinstance(caught.value, ImageError)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    seen, _, cure = message.removeprefix(f"{path}: ").rpartition("; ")
    assert seen
    assert len(cure.split()) >= 3
    assert not message.endswith((".", ";", " "))


@pytest.fixture
def good(tmp_path):
    write_nifti(tmp_path / "ct.nii.gz", Volume(hounsfield(), GRID))
    return tmp_path / "ct.nii.gz"


@pytest.mark.parametrize(
    ("dtype", "kept"),
    [
        ("i2", "i2"),
        ("f4", "f4"),
        ("f8", "f4"),
        ("u1", "i2"),
        ("i1", "i2"),
        ("u2", "i2"),
        ("i4", "i2"),
        ("i8", "i2"),
    ],
)
def test_a_ct_is_int16_or_float32_whatever_its_file_holds(tmp_path, dtype, kept):
    voxels = hounsfield() // 10
    save(tmp_path / "ct.nii.gz", voxels.astype(dtype))
    volume = read_ct(tmp_path / "ct.nii.gz")
    assert volume.voxels.dtype == np.dtype(kept)
    np.testing.assert_array_equal(volume.voxels, voxels)
    assert volume.geometry.same_grid(GRID)


def test_integers_beyond_16_bits_become_float32(tmp_path):
    voxels = hounsfield(np.int32)
    voxels[0, 0, 0] = 70000
    save(tmp_path / "ct.nii", voxels)
    volume = read_ct(tmp_path / "ct.nii")
    assert volume.voxels.dtype == np.float32
    np.testing.assert_array_equal(volume.voxels, voxels)


def test_a_real_ct_is_read_as_nibabel_reads_it(shared):
    path = shared / "data/totalsegmentator_example/ct.nii.gz"
    volume, image = read_ct(path), nib.load(path)
    np.testing.assert_array_equal(volume.voxels, image.get_fdata())
    np.testing.assert_allclose(volume.geometry.affine, image.affine)
    assert read_mask(path.with_name("labels.nii.gz"), volume.geometry).voxels.max() == 9


def test_a_sheared_affine_in_a_file_is_kept(tmp_path):
    affine = np.diag([-1.0, -1.0, 2.0, 1.0])
    affine[1, 2] = 0.6
    write_nifti(tmp_path / "ct.nii.gz", Volume(hounsfield(), Geometry(SHAPE, affine)))
    np.testing.assert_allclose(read_ct(tmp_path / "ct.nii.gz").geometry.affine, affine, atol=1e-6)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.02, 0.5, 0.99])
@pytest.mark.parametrize("name", ["ct.nii.gz", "ct.nii"])
def test_a_file_cut_short_is_refused(tmp_path, name, share):
    write_nifti(tmp_path / name, Volume(hounsfield(), GRID))
    whole = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(whole[: int(share * len(whole))])
    check_refused(UnreadableImageError, tmp_path / name, "cannot be read" if share else "the file is empty")


def test_every_damaged_byte_of_a_compressed_file_is_noticed(good):
    whole = good.read_bytes()
    for place in range(60, len(whole), 31):
        damaged = bytearray(whole)
        damaged[place] ^= 0x41
        good.write_bytes(damaged)
        with pytest.raises(UnreadableImageError) as caught:
            read_ct(good)
        check_message(caught, UnreadableImageError, good)


def test_a_wrong_checksum_is_noticed_behind_trailing_bytes_too(tmp_path):
    write_nifti(tmp_path / "ct.nii", Volume(hounsfield(), GRID))
    packed = bytearray(gzip.compress((tmp_path / "ct.nii").read_bytes() + b"\0" * 5000))
    (tmp_path / "ct.nii.gz").write_bytes(packed)
    np.testing.assert_array_equal(read_ct(tmp_path / "ct.nii.gz").voxels, hounsfield())
    packed[-8] ^= 1
    (tmp_path / "ct.nii.gz").write_bytes(packed)
    check_refused(UnreadableImageError, tmp_path / "ct.nii.gz", "cannot be read")


def test_what_is_no_gzip_no_nifti_or_not_there_is_refused(tmp_path, good):
    (tmp_path / "half.nii.gz").write_bytes(good.read_bytes()[:8] + b"text" * 100)
    check_refused(UnreadableImageError, tmp_path / "half.nii.gz", "cannot be read as NIfTI")
    (tmp_path / "text.nii").write_text("Befund: unauffällig. " * 100)
    check_refused(UnreadableImageError, tmp_path / "text.nii", "cannot be read as NIfTI")
    check_refused(UnreadableImageError, tmp_path / "missing.nii.gz", "no such file or folder")
    (tmp_path / "ct.png").write_bytes(b"ObjectType = Image")
    check_refused(UnreadableImageError, tmp_path / "ct.png", "expected a NIfTI, NRRD or MetaImage file")
    save(tmp_path / "complex.nii", hounsfield(np.complex64))
    check_refused(UnreadableImageError, tmp_path / "complex.nii", "complex64")


def test_the_grid_is_checked_before_any_voxel_is_read(tmp_path):
    save(tmp_path / "ct.nii", hounsfield(), dim=[3, 5000, 5000, 5000, 1, 1, 1, 1])
    check_refused(ImageShapeError, tmp_path / "ct.nii", "5000")


def test_a_header_that_promises_more_than_memory_holds_is_refused(tmp_path):
    save(tmp_path / "ct.nii", hounsfield(), dim=[3, 4096, 4096, 4096, 1, 1, 1, 1], datatype=64, bitpix=64)
    check_refused(UnreadableImageError, tmp_path / "ct.nii", "voxels cannot be read")


@pytest.mark.parametrize("shape", [(12, 11), (12, 11, 1), (12, 11, 10, 2), (12, 11, 10, 1, 3), (12,)])
def test_2d_and_4d_images_are_refused(tmp_path, shape):
    save(tmp_path / "ct.nii.gz", np.zeros(shape, dtype=np.int16))
    check_refused(ImageShapeError, tmp_path / "ct.nii.gz", "shape .*12")


@pytest.mark.parametrize("shape", [(7, 20, 20), (20, 20, 5), (4097, 8, 8)])
def test_a_side_out_of_range_is_refused(tmp_path, shape):
    save(tmp_path / "ct.nii.gz", np.zeros(shape, dtype=np.int16))
    check_refused(ImageShapeError, tmp_path / "ct.nii.gz", "sides run from 8 to 4096 voxels")


@pytest.mark.parametrize("spacing", [(0.05, 1, 1), (1, 1, 20.5), (1, 1000, 1)])
def test_a_spacing_out_of_range_is_refused_with_the_spacing(tmp_path, spacing):
    save(tmp_path / "ct.nii.gz", hounsfield(), np.diag([*spacing, 1.0]))
    text = " x ".join(f"{side:g}" for side in spacing)
    check_refused(
        AffineError, tmp_path / "ct.nii.gz", f"spacing is {text} mm, and edges run from 0.1 to 20.0 mm"
    )


@pytest.mark.parametrize(
    ("fields", "kind", "seen"),
    [
        ({"sform_code": 0, "qform_code": 0}, AffineError, "left and right are unknown"),
        ({"srow_x": [np.nan] * 4}, AffineError, "finite"),
        ({"srow_x": [0.0] * 4}, AffineError, "inverted"),
        ({"sform_code": 0, "qform_code": 1, "quatern_b": np.nan}, AffineError, "finite"),
        ({"sform_code": 0, "qform_code": 1, "quatern_b": 2.0}, AffineError, "quaternion of length 2"),
    ],
)
def test_a_file_with_no_usable_affine_is_refused(tmp_path, fields, kind, seen):
    save(tmp_path / "ct.nii.gz", hounsfield(), **fields)
    check_refused(kind, tmp_path / "ct.nii.gz", seen)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_voxels_that_are_no_numbers_are_refused_with_their_count(tmp_path, bad):
    voxels = hounsfield(np.float32)
    voxels[3, 4, 5:8] = bad
    save(tmp_path / "ct.nii.gz", voxels)
    check_refused(NonFiniteVoxelsError, tmp_path / "ct.nii.gz", "3 voxels are NaN or infinite")


def test_doubles_that_float32_does_not_hold_are_infinite(tmp_path):
    voxels = hounsfield(np.float64)
    voxels[0, 0, 0] = 1e300
    save(tmp_path / "ct.nii.gz", voxels)
    check_refused(NonFiniteVoxelsError, tmp_path / "ct.nii.gz", "1 voxels")


def test_dicom_folders_are_checked_as_files_are(tmp_path, make_series):
    hu = np.zeros((12, 11, 10))
    check_refused(DicomSeriesError, make_series(tmp_path / "a", hu, slices=[0, 1, 3, 4, 5]), "missing")
    check_refused(DicomSeriesError, make_series(tmp_path / "b", hu, step_mm=(0.5, 0, 2)), "tilted.*0.50 mm")
    check_refused(DicomSeriesError, make_series(tmp_path / "c", hu, slices=[]), "no CT slices")
    check_refused(ImageShapeError, make_series(tmp_path / "d", hu[:7]), "7, 11, 10")
    check_refused(AffineError, make_series(tmp_path / "e", hu, step_mm=(0, 0, 25)), "25 mm")
