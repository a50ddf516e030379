import gzip
import runpy
import sys

import nibabel as nib
import numpy as np
import pytest

from omentum.errors import AffineError, ImageError, ImageShapeError, UnreadableImageError
from omentum.volumes.geometry import Geometry
from omentum.volumes.nifti import is_nifti, read_nifti, write_nifti
from omentum.volumes.nifti_headers import header_file, open_nifti
from omentum.volumes.read import is_volume, read_ct, read_volume
from omentum.volumes.volume import Volume

AFFINE = np.array([[-0.8, 0, 0, 25], [0, 0.8, 0, -19], [0, 0, 2.5, -700], [0, 0, 0, 1.0]])
HU = np.random.default_rng(0).integers(-1000, 300, (12, 11, 10)).astype(np.int16)
SAID = {
    "sform_without_spacing": "its sform has no voxel size; its qform is taken, with 3 x 3 x 3 mm",
    "sform_zeros": "its sform is all zeros; its qform is taken",
    "micron": "its lengths are in um; its voxels have 3 x 3 x 3 mm",
}


@pytest.fixture
def ct(tmp_path):
    path = tmp_path / "small.nii.gz"
    write_nifti(path, Volume(HU, Geometry(HU.shape, np.diag([3.0, 3.0, 3.0, 1.0]))))
    return path


def test_headers_of_public_reports_are_read_right_or_told(shared, tmp_path, monkeypatch, ct):
    monkeypatch.setattr(sys, "argv", ["nifti_headers.py", str(tmp_path / "made"), str(ct)])
    runpy.run_path(str(shared / "cases/nifti_headers.py"))
    truth = read_nifti(ct)
    paths = [path for path in sorted((tmp_path / "made").iterdir()) if is_volume(path)]
    assert len(paths) == 12
    for path in paths:
        read = read_ct(path)
        assert read.geometry.same_grid(truth.geometry), path.name
        offset = 1024 if path.name == "plus_1024.nii.gz" else 0  # noticed by values, not by the header
        np.testing.assert_array_equal(read.voxels, np.maximum(HU + offset, 0) if offset else HU)
        assert read.notes == tuple(filter(None, [SAID.get(path.name.removesuffix(".nii.gz"))]))


@pytest.mark.parametrize("kind", [nib.Nifti1Pair, nib.Nifti2Pair])
@pytest.mark.parametrize(("header", "voxels"), [
    ("a.hdr", "a.img"), ("a.HDR", "a.IMG"), ("a.hdr.gz", "a.img.gz"), ("a.hdr", "a.img.gz"),
])  # fmt: skip
def test_a_pair_is_read_by_either_name(tmp_path, kind, header, voxels):
    nib.save(kind(HU, AFFINE), tmp_path / "made.img")
    for name, made in ((header, "made.hdr"), (voxels, "made.img")):
        raw = (tmp_path / made).read_bytes()
        (tmp_path / name).write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)
    for name in (header, voxels):
        read = read_ct(tmp_path / name)
        np.testing.assert_array_equal(read.voxels, HU)
        np.testing.assert_allclose(read.geometry.affine, AFFINE, atol=1e-5)
    assert (is_nifti(tmp_path / header), is_nifti(tmp_path / voxels)) == (True, False)
    assert header_file(tmp_path / voxels) == tmp_path / header


def test_half_a_pair_is_refused_for_that(tmp_path):
    nib.save(nib.Nifti1Pair(HU, AFFINE), tmp_path / "a.img")
    (tmp_path / "a.hdr").rename(tmp_path / "b.hdr")
    for name in ("a.img", "b.hdr"):
        assert not is_volume(tmp_path / name)
        with pytest.raises(UnreadableImageError, match="the other one is not beside it"):
            read_ct(tmp_path / name)


@pytest.mark.parametrize("kind", [nib.AnalyzeImage, nib.Spm99AnalyzeImage, nib.Spm2AnalyzeImage])
def test_analyze_is_refused_for_left_is_unknown(tmp_path, kind):
    nib.save(kind(HU, AFFINE), tmp_path / "a.img")
    with pytest.raises(UnreadableImageError, match=r"Analyze 7\.5, which does not say where left"):
        read_ct(tmp_path / "a.hdr")


def test_a_file_without_a_mark_is_refused_as_analyze_and_nothing_is_said_twice(tmp_path):
    nib.save(nib.Nifti1Image(HU, AFFINE), tmp_path / "a.nii")
    raw = bytearray((tmp_path / "a.nii").read_bytes())
    raw[344:348] = bytes(4)
    (tmp_path / "a.nii").write_bytes(raw)
    with pytest.raises(UnreadableImageError, match=r"/a\.nii: it is Analyze 7\.5, which") as caught:
        read_ct(tmp_path / "a.nii")
    assert str(caught.value).count("NIfTI") == 1


@pytest.mark.parametrize(("fields", "is_plain"), [
    ({}, True), ({"scl_slope": np.nan, "scl_inter": np.nan}, True),
    ({"scl_slope": 0, "scl_inter": -1024}, False),  # ITK adds the intercept
])  # fmt: skip
def test_a_file_that_programs_read_with_other_values_is_not_plain(tmp_path, fields, is_plain):
    save(tmp_path / "a.nii", HU, **fields)
    assert open_nifti(tmp_path / "a.nii").is_plain is is_plain


def test_nifti_2_and_voxels_without_an_offset_are_not_plain(tmp_path):
    nib.save(nib.Nifti2Image(HU, AFFINE), tmp_path / "two.nii")
    nib.save(nib.Nifti1Image(HU, AFFINE), tmp_path / "made.nii")
    raw = bytearray((tmp_path / "made.nii").read_bytes())
    raw[108:112] = bytes(4)
    (tmp_path / "no_offset.nii").write_bytes(raw)
    for name in ("two.nii", "no_offset.nii"):
        np.testing.assert_array_equal(read_volume(tmp_path / name).voxels, HU)
        assert not open_nifti(tmp_path / name).is_plain


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "A.NII", "a.Nii.Gz"])
def test_compression_is_seen_from_the_bytes(tmp_path, name):
    nib.save(nib.Nifti1Image(HU, AFFINE), tmp_path / "made.nii")
    raw = (tmp_path / "made.nii").read_bytes()
    half = len(raw) // 2
    for content in (raw, gzip.compress(raw), gzip.compress(raw[:half]) + gzip.compress(raw[half:])):
        (tmp_path / name).write_bytes(content)
        np.testing.assert_array_equal(read_ct(tmp_path / name).voxels, HU)


def test_the_header_of_a_pair_alone_is_no_volume_of_its_own(tmp_path):
    nib.save(nib.Nifti1Pair(HU, AFFINE), tmp_path / "a.img")
    (tmp_path / "b.nii").write_bytes((tmp_path / "a.hdr").read_bytes() + HU.tobytes())
    with pytest.raises(UnreadableImageError, match="voxels are in another file"):
        read_ct(tmp_path / "b.nii")


@pytest.mark.parametrize("name", [
    "a.nii.zst", "a.nii.bz2", "a.nii.xz", "a.zip", "a.nrrd.gz", "a.mha.gz", "a.mgz", "a.mnc", "a.xyz",
])  # fmt: skip
def test_other_files_are_refused_with_what_to_do(tmp_path, name):
    (tmp_path / name).write_bytes(b"x" * 500)
    with pytest.raises(UnreadableImageError) as caught:
        read_ct(tmp_path / name)
    text = str(caught.value)
    assert text.startswith(f"{tmp_path / name}: ")
    assert ("decompress it first" in text) != ("convert it with" in text)


@pytest.mark.parametrize(("fields", "right"), [
    ({"scl_slope": np.nan, "scl_inter": np.nan}, 1.0),
    ({"scl_slope": np.inf, "scl_inter": 5}, 1.0),
    ({"scl_slope": 0, "scl_inter": 5}, 1.0),
    ({"scl_slope": 1, "scl_inter": 0}, 1.0),
    ({"scl_slope": 2, "scl_inter": 0}, 2.0),
    ({"intent_code": 1002}, 1.0),
])  # fmt: skip
def test_a_slope_that_is_no_number_is_none(tmp_path, fields, right):
    for dtype in (np.int16, np.float32):
        save(tmp_path / "a.nii", HU.astype(dtype), **fields)
        np.testing.assert_array_equal(read_volume(tmp_path / "a.nii").voxels, HU * right)


def test_a_slope_without_an_intercept_is_refused(tmp_path):
    save(tmp_path / "a.nii", HU, scl_slope=2, scl_inter=np.nan)
    with pytest.raises(UnreadableImageError, match="intercept nan"):
        read_ct(tmp_path / "a.nii")


@pytest.mark.parametrize(("fields", "kind"), [
    ({"dim": [4, 12, 11, 5, 2, 1, 1, 1]}, ImageShapeError),
    ({"dim": [3, 12, -11, 10, 1, 1, 1, 1]}, ImageError),
    ({"dim": [9, 12, 11, 10, 1, 1, 1, 1]}, ImageError),
    ({"datatype": 128, "bitpix": 24}, UnreadableImageError),
    ({"datatype": 77}, UnreadableImageError),
    ({"vox_offset": 100}, UnreadableImageError),
    ({"qform_code": 0, "sform_code": 0}, AffineError),
])  # fmt: skip
def test_a_header_that_means_nothing_is_refused(tmp_path, capfd, fields, kind):
    save(tmp_path / "a.nii", HU, **fields)
    with pytest.raises(kind):
        read_ct(tmp_path / "a.nii")
    assert capfd.readouterr() == ("", "")


def save(path, voxels, **fields):
    nib.Nifti1Image(voxels, AFFINE).to_filename(path)
    raw = path.read_bytes()
    header = nib.Nifti1Header(raw[:348], check=False)
    header["scl_slope"], header["scl_inter"] = 1, 0
    for name, value in fields.items():
        header[name] = value
    path.write_bytes(header.binaryblock + raw[348:])


def test_a_grid_that_programs_read_differently_is_not_plain(tmp_path):
    for q, is_plain in ((AFFINE, True), (AFFINE + np.eye(4)[3] * [[0.01], [0], [0], [0]], False)):
        image = nib.Nifti1Image(HU, AFFINE)
        image.set_qform(q, code=1)
        image.set_sform(AFFINE, code=1)
        nib.save(image, tmp_path / "a.nii.gz")
        assert open_nifti(tmp_path / "a.nii.gz").is_plain == is_plain
        assert read_ct(tmp_path / "a.nii.gz").notes == ()


def test_damage_in_the_middle_of_large_voxels_is_an_error_of_the_file(tmp_path):
    noise = np.random.default_rng(0).integers(-1000, 1000, (64, 64, 64)).astype(np.int16)
    nib.save(nib.Nifti1Image(noise, AFFINE), tmp_path / "a.nii.gz")
    whole = (tmp_path / "a.nii.gz").read_bytes()
    for place in range(100_000, len(whole), 97_001):
        damaged = bytearray(whole)
        damaged[place : place + 40] = bytes(40)
        (tmp_path / "a.nii.gz").write_bytes(damaged)
        with pytest.raises(UnreadableImageError, match="voxels cannot be read"):
            read_ct(tmp_path / "a.nii.gz")
