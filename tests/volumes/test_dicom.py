import shutil

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk

from omentum.errors import DicomSeriesError
from omentum.volumes.dicom import read_dicom, read_series, tilt_mm, upright
from omentum.volumes.geometry import Geometry
from omentum.volumes.read import read_ct
from omentum.volumes.segmentations import read_mask

REAL = ["chaos_03/dicom", "crlm_1004/dicom", "totalsegmentator_example/dicom"]


@pytest.fixture(scope="module")
def hu():
    return np.random.default_rng(0).integers(-1000, 1000, (11, 10, 12)).astype(float)


def as_simpleitk_reads_it(folder):
    """Voxels `(x, y, z)` and grid of a folder, turned from LPS to RAS."""
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    image = reader.Execute()
    affine = np.eye(4)
    affine[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) * image.GetSpacing()
    affine[:3, 3] = image.GetOrigin()
    return sitk.GetArrayFromImage(image).T, Geometry(
        image.GetSize(), np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine
    )


@pytest.mark.parametrize("folder", REAL)
def test_real_series_are_read_as_simpleitk_reads_them(shared, folder):
    volume = read_dicom(shared / "data" / folder)
    voxels, geometry = as_simpleitk_reads_it(shared / "data" / folder)
    assert volume.voxels.dtype == np.int16
    padding_hu = -3024 if folder.startswith("crlm") else None  # the header says that these pixels are none
    np.testing.assert_array_equal(volume.voxels, np.where(voxels == padding_hu, -1024, voxels))
    assert volume.geometry.same_grid(geometry)
    assert volume.geometry.orientation == "LPS"


@pytest.mark.parametrize(
    ("folder", "mask", "highest"),
    [
        ("chaos_03/dicom", "chaos_03/liver.nii.gz", 1),
        ("chaos_03/dicom", "teacher_labels/chaos_03.nii.gz", 9),
        ("crlm_1004/dicom", "teacher_labels/crlm_1004.nii.gz", 9),
        ("totalsegmentator_example/dicom", "totalsegmentator_example/dicom_labels_117.nii.gz", 117),
    ],
)
def test_real_label_maps_lie_on_the_grid_of_their_series(shared, folder, mask, highest):
    series = read_series(shared / "data" / folder)
    labels = read_mask(shared / "data" / mask, series.geometry)
    assert labels.geometry is series.geometry
    assert 0 < labels.voxels.max() <= highest


def test_the_spacing_comes_from_positions_not_from_slice_thickness(shared):
    path = shared / "data/chaos_03/dicom"
    assert pydicom.dcmread(next(path.iterdir())).SliceThickness == pytest.approx(3.2)
    assert read_series(path).geometry.spacing_mm[2] == pytest.approx(2.0)


def test_a_made_series_comes_back_whatever_the_order_of_its_files(tmp_path, make_series, hu):
    folder = make_series(tmp_path / "ct", hu)
    volume, series = read_dicom(folder), read_series(folder)
    np.testing.assert_array_equal(volume.voxels, hu)
    assert volume.geometry.spacing_mm == pytest.approx((1.5, 0.75, 2.0))
    assert volume.geometry.to_mm((0, 0, 0)) == pytest.approx((10.0, -20.0, 30.0))
    assert [path.name for path in series.files] != sorted(path.name for path in series.files)
    assert series.patient_tags["PatientID"] == "P-007"
    voxels, geometry = as_simpleitk_reads_it(folder)
    np.testing.assert_array_equal(voxels, volume.voxels)
    assert geometry.same_grid(volume.geometry)


@pytest.mark.parametrize(
    ("orientation", "step_mm"),
    [
        ((1, 0, 0, 0, 0, -1), (0, 2, 0)),  # coronal
        ((0, 1, 0, 0, 0, -1), (-2, 0, 0)),  # sagittal
        ((-1, 0, 0, 0, -1, 0), (0, 0, 2)),  # prone
        ((0.8, 0.6, 0, -0.6, 0.8, 0), (0, 0, 2)),
        ((1, 0, 0, 0, 0.8, 0.6), (0, -1.2, 1.6)),
        ((1, 0, 0, 0, 0.8, 0.6), (0, 1.2, -1.6)),  # files from the other end
    ],
)
def test_other_orientations_are_read_as_simpleitk_reads_them(tmp_path, make_series, hu, orientation, step_mm):
    folder = make_series(tmp_path / "ct", hu, orientation=orientation, step_mm=step_mm)
    volume = read_ct(folder)
    voxels, geometry = as_simpleitk_reads_it(folder)
    np.testing.assert_array_equal(volume.voxels, voxels)
    assert volume.geometry.same_grid(geometry)
    assert not volume.geometry.is_sheared


@pytest.mark.parametrize(("slope", "intercept"), [(1, 0), (1, -1024), (0.5, -1000), (0.3, -1000), (2, -8192)])
def test_rescaling_gives_the_nearest_hounsfield_unit(tmp_path, make_series, slope, intercept):
    stored = np.random.default_rng(1).integers(0, 4000, (9, 8, 10))
    folder = make_series(
        tmp_path / "ct", stored * slope + intercept, RescaleSlope=slope, RescaleIntercept=intercept
    )
    np.testing.assert_array_equal(read_dicom(folder).voxels, np.rint(stored * slope + intercept))


def test_values_beyond_16_bits_are_cut(tmp_path, make_series, hu):
    far = hu.copy()
    far[0, 0, 0] = 60000
    voxels = read_dicom(make_series(tmp_path / "ct", far)).voxels
    assert voxels.dtype == np.int16
    assert voxels[0, 0, 0] == 32767


def test_an_empty_or_absent_series_id_is_one_series(tmp_path, make_series, hu):
    np.testing.assert_array_equal(
        read_dicom(make_series(tmp_path / "a", hu, SeriesInstanceUID="")).voxels, hu
    )
    folder = make_series(tmp_path / "b", hu)
    for path in folder.iterdir():
        header = pydicom.dcmread(path)
        del header.SeriesInstanceUID, header.PatientID
        header.save_as(path)
    np.testing.assert_array_equal(read_dicom(folder).voxels, hu)
    assert read_series(folder).patient_tags["PatientID"] == ""


def test_localizers_other_kinds_of_image_and_notes_are_passed_over(tmp_path, make_series, hu):
    folder = make_series(tmp_path / "ct", hu)
    make_series(folder, hu[:, :, :1], ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    make_series(folder, hu[:, :, :3], Modality="PT")
    (folder / "README.txt").write_text("from the scanner")
    (folder / "nothing").write_bytes(b"")
    (folder / "older").mkdir()
    np.testing.assert_array_equal(read_dicom(folder).voxels, hu)


@pytest.mark.parametrize(
    ("slices", "seen"),
    [
        ([0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11], "4.00 mm at 38.0 mm.*missing"),
        ([0, 0], "it holds one slice.*at least 8"),
        ([0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], "missing"),
        ([4], "it holds one slice.*at least 8"),
        ([], "no CT slices"),
    ],
)
def test_series_that_are_not_complete_are_refused(tmp_path, make_series, hu, slices, seen):
    with pytest.raises(DicomSeriesError, match=seen):
        read_series(make_series(tmp_path / "ct", hu, slices=slices))


@pytest.mark.parametrize(("number", "height_mm"), [(5, 40.4), (11, 52.8)])
def test_slices_at_uneven_heights_are_refused(tmp_path, make_series, change_slice, hu, number, height_mm):
    folder = make_series(tmp_path / "ct", hu)
    change_slice(folder, number, ImagePositionPatient=["-10", "20", str(height_mm)])
    with pytest.raises(DicomSeriesError, match=r"2\.00 mm apart but"):
        read_dicom(folder)


def test_a_slice_missing_from_very_thin_ones_is_missed_too(tmp_path, make_series, hu):
    slices = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11]
    with pytest.raises(DicomSeriesError, match=r"0\.12 mm apart but 0\.24 mm"):
        read_dicom(make_series(tmp_path / "ct", hu, slices=slices, step_mm=(0.0, 0.0, 0.12)))


def test_heights_rounded_to_a_tenth_of_a_millimetre_are_even(tmp_path, make_series, change_slice, hu):
    folder = make_series(tmp_path / "ct", hu)
    change_slice(folder, 5, ImagePositionPatient=["-10", "20", "40.09"])
    np.testing.assert_array_equal(read_dicom(folder).voxels, hu)


def test_two_series_in_a_folder_are_refused_with_their_sizes(tmp_path, make_series, hu):
    folder = make_series(make_series(tmp_path / "ct", hu), hu[:, :, :9])
    with pytest.raises(
        DicomSeriesError, match=r"2 series .*12 slices.*9 slices|2 series .*9 slices.*12 slices"
    ):
        read_dicom(folder)


def test_a_reformat_under_the_same_id_is_another_series(tmp_path, make_series, hu):
    folder = make_series(tmp_path / "ct", hu, SeriesInstanceUID="1.2.4")
    make_series(folder, hu, SeriesInstanceUID="1.2.4", orientation=(1, 0, 0, 0, 0, -1), step_mm=(0, 2, 0))
    with pytest.raises(DicomSeriesError, match="2 series"):
        read_dicom(folder)


def test_a_slice_on_another_grid_does_not_pass_for_one_of_the_series(tmp_path, make_series, change_slice, hu):
    folder = make_series(tmp_path / "ct", hu)
    change_slice(folder, 5, PixelSpacing=["3", "3"])
    with pytest.raises(DicomSeriesError, match="2 series"):
        read_dicom(folder)


@pytest.mark.parametrize("tag", ["ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "Rows"])
def test_a_slice_that_does_not_say_where_it_is_is_refused_with_file_and_tag(
    tmp_path, make_series, change_slice, hu, tag
):
    folder = make_series(tmp_path / "ct", hu)
    path = change_slice(folder, 5, **{tag: None})
    with pytest.raises(DicomSeriesError, match=rf"{tag} of {path.name}|{path.name} is cut short"):
        read_dicom(folder)


@pytest.mark.parametrize("share", [0.4, 0.6, 0.99])
def test_a_file_cut_short_is_refused_even_at_the_end_of_the_stack(
    tmp_path, make_series, change_slice, hu, share
):
    folder = make_series(tmp_path / "ct", hu)
    path = change_slice(folder, -1)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(DicomSeriesError, match=r"cut short|cannot be decoded|if the file is whole"):
        read_dicom(folder)


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(DicomSeriesError, match="no such folder"):
        read_series(tmp_path / "missing")


def ball(shape, step_mm, centre_mm, radius_mm):
    """A ball of 100 HU in air on the grid of `make_series`, tilted by its step; in LPS mm."""
    index = np.moveaxis(np.indices(shape), 0, -1)
    basis = np.array([[1.5, 0, 0], [0, 0.75, 0], step_mm])
    place = index @ basis + np.array([-10.0, 20.0, 30.0])
    return np.where(((place - centre_mm) ** 2).sum(axis=-1) <= radius_mm**2, 100.0, -1000.0)


@pytest.mark.parametrize(("sideways_mm", "middle_slice"), [(0.4, 15), (-0.4, 15), (1.0, 25), (-1.0, 4)])
def test_a_tilted_series_is_refused_or_put_upright_with_a_ball_still_a_ball(
    tmp_path, make_series, sideways_mm, middle_slice
):
    step_mm = (0.0, sideways_mm, 2.0)
    centre_mm = np.array([-10.0 + 15, 20.0 + 15 + sideways_mm * middle_slice, 30.0 + 2.0 * middle_slice])
    folder = make_series(tmp_path / "ct", ball((21, 41, 30), step_mm, centre_mm, 7.0), step_mm=step_mm)
    with pytest.raises(DicomSeriesError, match=f"tilted: each slice lies {abs(sideways_mm):.2f} mm"):
        read_ct(folder)
    tilted, volume = read_series(folder).geometry, read_ct(folder, resample_tilt=True)
    assert tilt_mm(tilted) == pytest.approx(abs(sideways_mm))
    assert tilted.is_sheared
    assert not volume.geometry.is_sheared
    assert volume.geometry.spacing_mm == pytest.approx((1.5, 0.75, 2.0))
    found = volume.geometry.to_mm(np.argwhere(volume.voxels > -450)) * [-1, -1, 1]
    assert found.mean(axis=0) == pytest.approx(centre_mm, abs=0.4)
    assert len(found) * volume.geometry.voxel_ml == pytest.approx(4 / 3 * np.pi * 0.343, rel=0.06)
    assert np.linalg.norm(found - centre_mm, axis=1).max() < 7.0 + 1.5
    inside = tilted.to_index(found * [-1, -1, 1])
    assert inside.min() > -1


def test_an_upright_grid_holds_every_corner_of_the_tilted_one():
    affine = np.diag([-0.8, -0.8, 3.0, 1.0])
    affine[:2, 2] = [0.3, -0.9]
    tilted = Geometry((64, 64, 40), affine)
    grid = upright(tilted)
    at = grid.to_index(tilted.corners_mm)
    assert at.min() > -0.01
    assert (at < np.array(grid.shape) - 1 + 0.01).all()
    assert tilt_mm(grid) == pytest.approx(0, abs=1e-9)
    assert grid.shape[2] == 40
    assert upright(grid).same_grid(grid)


def test_a_sideways_drift_below_the_rounding_of_headers_is_kept_as_it_is(tmp_path, make_series, hu):
    volume = read_ct(make_series(tmp_path / "ct", hu, step_mm=(0.0, 0.05, 2.0)))
    np.testing.assert_array_equal(volume.voxels, hu)
    assert tilt_mm(volume.geometry) == pytest.approx(0.05)


def test_real_slices_missing_one_in_the_middle_are_refused(tmp_path, shared):
    source = sorted((shared / "data/crlm_1004/dicom").iterdir())
    for path in source[:5] + source[6:12]:
        shutil.copy(path, tmp_path)
    with pytest.raises(DicomSeriesError, match=r"5\.00 mm apart but 10\.00 mm"):
        read_dicom(tmp_path)
