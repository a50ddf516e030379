"""CT series with the traits of public reports, made by the script of the shared cases; and the shared CTs."""

import os
import subprocess
import sys

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk

from omentum.errors import NotHounsfieldError
from omentum.exchange.add import read_source
from omentum.exchange.batch import add_found
from omentum.exchange.import_options import ImportOptions
from omentum.exchange.importers.find_sources import find_sources
from omentum.volumes.dicom import read_dicom

RIGHT = [
    *("signs_differ", "padding_unsigned", "spacing_digits_half", "copied_twice", "odd_slice", "no_preamble"),
    *("two_intercepts", "signed_12_bits", "prone", "decubitus", "rle", "jpeg_ls", "deflated", "implicit"),
    "big_endian",
]


@pytest.fixture(scope="module")
def cases(shared, tmp_path_factory):
    maker = shared / "cases" / "dicom_series.py"
    if not maker.is_file():
        pytest.skip("the shared folder has no cases")
    out = tmp_path_factory.mktemp("cases")
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([sys.executable, maker, out], check=True, env=environment, cwd=maker.parent)
    return out


def read(folder, **options):
    """Find and read the CTs of a folder, as `add` and `predict` do."""
    return [read_source(one, ImportOptions(**options))[0] for one in find_sources([folder]).sources]


@pytest.mark.parametrize("name", RIGHT)
def test_the_series_is_read_as_its_truth_says(cases, name):
    (volume,) = read(cases / name)
    truth = nib.load(cases / "truth" / f"{name}.nii.gz")
    np.testing.assert_array_equal(volume.voxels, np.asarray(truth.dataobj))
    np.testing.assert_allclose(volume.geometry.affine, truth.affine, atol=1e-6)


def test_files_that_are_passed_over_are_named_with_the_reason(cases):
    (odd,) = find_sources([cases / "odd_slice"]).left_out
    assert "not axial" in odd.reason
    copies = find_sources([cases / "copied_twice"]).left_out
    assert len(copies) == 5
    assert all("copy of i000" in one.reason for one in copies)


def test_two_phases_whose_slices_interleave_are_two_cases(cases):
    sources = find_sources([cases / "interleaved_phases"]).sources
    assert [one.case_id for one in sources] == ["interleaved_phases_p1", "interleaved_phases_p2"]
    first, second = read(cases / "interleaved_phases")
    assert first.geometry.shape == second.geometry.shape == (64, 64, 12)
    assert second.geometry.affine[2, 3] - first.geometry.affine[2, 3] == pytest.approx(3.0)
    assert np.median(second.voxels[first.voxels > 0]) > np.median(first.voxels[first.voxels > 0]) + 90


def test_an_orientation_that_differs_by_rounding_is_one_case(cases):
    (volume,) = read(cases / "orientation_jitter")
    assert volume.geometry.shape == (64, 64, 24)
    assert volume.geometry.spacing_mm[2] == pytest.approx(3.0, abs=1e-3)


def test_values_without_a_rescale_are_told_and_an_offset_makes_them_right(cases):
    with pytest.raises(NotHounsfieldError, match="--hu-offset -1024"):
        read(cases / "no_rescale")
    (volume,) = read(cases / "no_rescale", hu_offset=-1024.0)
    truth = nib.load(cases / "truth" / "no_rescale.nii.gz")
    np.testing.assert_array_equal(volume.voxels, np.asarray(truth.dataobj))


def test_two_spacings_in_one_series_are_called_that_and_resampled_on_request(cases):
    with pytest.raises(ValueError, match=r"spacing varies.*3\.00 mm apart from .*6\.00 mm apart from"):
        read(cases / "two_spacings")
    (volume,) = read(cases / "two_spacings", resample_slices=True)
    assert volume.geometry.shape == (64, 64, 36)
    assert volume.geometry.spacing_mm[2] == pytest.approx(3.0)


def test_every_shared_ct_is_read_as_simpleitk_reads_its_slices(shared):
    found = find_sources([shared / "data"])
    series = [one for one in found.sources if one.path.is_dir() and one.case_id != "tcga_lihc_a10x"]
    assert len(series) == 6
    for one in series:
        files, volume = sorted(one.path.iterdir()), read_dicom(one.path, one.files)
        for path in (files[0], files[len(files) // 2]):
            image = sitk.ReadImage(str(path))
            ras = np.array(image.GetOrigin()) * [-1, -1, 1]
            x, y, z = volume.geometry.to_index(ras)
            assert (x, y, z) == pytest.approx((0, 0, round(z)), abs=0.01)
            expected = sitk.GetArrayFromImage(image)[0].T
            if "0028|0120" in image.GetMetaDataKeys():  # PixelPaddingValue: -2000, however it is spelled
                expected = np.where(expected == -3024, -1024, expected)
            np.testing.assert_array_equal(volume.voxels[:, :, round(z)], expected)


def test_a_shared_series_with_empty_places_is_set_aside_and_names_them(atlas, shared):
    batch = add_found(atlas.workspace, find_sources([shared / "data" / "tcga_lihc_a10x"]))
    assert batch.done == ()
    assert "2 slices are missing, for none lies at -341.0, -325.0 mm" in batch.failed[0].reason
    found = find_sources([shared / "data" / "tcga_lihc_a10x"])
    batch = add_found(atlas.workspace, found, options=ImportOptions(resample_slices=True))
    assert batch.done == ("tcga_lihc_a10x",)
