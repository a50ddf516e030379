"""Enhanced (multi-frame) CTs are read frame by frame."""

import highdicom as hd
import numpy as np
import pydicom
import pytest
from pydicom.uid import generate_uid

from omentum.errors import DicomSeriesError
from omentum.volumes.dicom import read_dicom, read_series


@pytest.fixture(scope="module")
def hu():
    return np.random.default_rng(0).integers(-900, 1000, (11, 10, 12)).astype(float)


@pytest.fixture
def enhanced(tmp_path, make_series, hu):
    """An enhanced CT of the slices, frames from the head down: `enhanced(change)` writes it to a folder."""
    empty = dict.fromkeys(["PatientBirthDate", "PatientSex", "AccessionNumber", "ReferringPhysicianName"], "")
    dates = {"StudyDate": "20200101", "StudyTime": "000000", "StudyID": "1", "Manufacturer": "made"}
    folder = make_series(
        tmp_path / "plain", hu, FrameOfReferenceUID="1.2.5", PatientName="made^up", **empty, **dates
    )
    slices = sorted(map(pydicom.dcmread, folder.iterdir()), key=lambda one: -one.ImagePositionPatient[2])
    for number, one in enumerate(slices, start=1):
        one.InstanceNumber = number

    def make(change=lambda _: None):
        made = hd.legacy.LegacyConvertedEnhancedCTImage(slices, generate_uid(), 1, generate_uid(), 1)
        change(made)
        (tmp_path / "enhanced").mkdir()
        made.save_as(tmp_path / "enhanced" / "ct.dcm")
        return tmp_path / "enhanced"

    return make


def test_an_enhanced_ct_is_read_as_its_slices_are(enhanced, tmp_path, hu):
    volume = read_dicom(enhanced())
    np.testing.assert_array_equal(volume.voxels, hu)
    assert volume.geometry.same_grid(read_series(tmp_path / "plain").geometry)


def test_an_enhanced_ct_that_was_exported_again_counts_once(enhanced, hu):
    folder = enhanced()
    data = pydicom.dcmread(folder / "ct.dcm")
    data.SOPInstanceUID = generate_uid()
    data.save_as(folder / "again.dcm")
    np.testing.assert_array_equal(read_dicom(folder).voxels, hu)


def test_a_slice_without_rows_is_named_with_the_tag(tmp_path, make_series, change_slice, hu):
    folder = make_series(tmp_path / "ct", hu)
    path = change_slice(folder, 3)
    data = pydicom.dcmread(path)
    del data.Rows
    data.save_as(path)
    with pytest.raises(DicomSeriesError, match=f"{path.name} is cut short or damaged: it has no Rows"):
        read_series(folder)


def test_frames_have_a_rescale_of_their_own(enhanced, hu):
    def change(made):
        for number, groups in enumerate(made.PerFrameFunctionalGroupsSequence):
            item = pydicom.Dataset()
            item.RescaleSlope, item.RescaleIntercept, item.RescaleType = "2", str(-1000 - number), "HU"
            groups.PixelValueTransformationSequence = [item]

    expected = (hu + 1024) * 2 - 1000 - np.arange(11, -1, -1)
    np.testing.assert_array_equal(read_dicom(enhanced(change)).voxels, expected)


def test_an_enhanced_ct_of_two_stacks_is_refused_with_their_sizes(enhanced):
    def change(made):
        for number, groups in enumerate(made.PerFrameFunctionalGroupsSequence):
            groups.FrameContentSequence[0].StackID = "1" if number < 5 else "2"

    with pytest.raises(DicomSeriesError, match=r"2 series or phases \(5 slices, 7 slices\)"):
        read_dicom(enhanced(change))


def test_frames_of_which_the_header_says_too_little_are_refused(enhanced):
    def change(made):
        del made.PerFrameFunctionalGroupsSequence[3]

    with pytest.raises(DicomSeriesError, match="12 frames and says of 11 where they lie"):
        read_dicom(enhanced(change))
