"""Which slices make a volume: geometry within a tolerance, phases, copies, frames of enhanced files."""

import shutil

import numpy as np
import pydicom
import pytest

from omentum.errors import DicomSeriesError
from omentum.volumes.dicom import read_dicom, read_series
from omentum.volumes.dicom_headers import read_header, slices_of
from omentum.volumes.dicom_stacks import stacks_of


@pytest.fixture(scope="module")
def hu():
    return np.random.default_rng(0).integers(-900, 1000, (11, 10, 12)).astype(float)


def stacks(folder):
    """Sort the slices of a folder; heights of each stack, in order."""
    slices = [one for path in sorted(folder.iterdir()) for one in slices_of(path, read_header(path))]
    return [sorted(one.position_mm[2] for one in stack) for stack in stacks_of(slices)]


def number_in_order(folder, tag, value):
    """Set a tag of each file by its height and by the number of earlier files at that height."""
    seen = {}
    for path in sorted(folder.iterdir()):
        data = pydicom.dcmread(path)
        height = float(data.ImagePositionPatient[2])
        seen[height] = seen.get(height, -1) + 1
        setattr(data, tag, value(height, seen[height]))
        data.save_as(path)


ALL = [30.0 + 2 * k for k in range(12)]


@pytest.mark.parametrize(
    "tag",
    [
        *("AcquisitionNumber", "TemporalPositionIdentifier", "TriggerTime", "ContentTime"),
        *("ConvolutionKernel", "SeriesNumber", "SeriesDescription", "ContrastBolusAgent"),
    ],
)
def test_phases_that_repeat_the_same_places_are_a_stack_each(tmp_path, make_series, hu, tag):
    for value in ("101500", "101600", "101700"):
        make_series(tmp_path / "ct", hu, SeriesInstanceUID="1.2", **{tag: value})
    assert stacks(tmp_path / "ct") == [ALL, ALL, ALL]


def test_phases_that_lie_between_each_other_are_a_stack_each(tmp_path, make_series, hu):
    for first in (0, 1):
        slices = list(range(first, 12, 2))
        make_series(tmp_path / "ct", hu, slices=slices, SeriesInstanceUID="1.2", AcquisitionNumber=10 - first)
    assert stacks(tmp_path / "ct") == [ALL[1::2], ALL[::2]]


@pytest.mark.parametrize("parts", [[range(6), range(6, 12)], [range(4), range(4, 8), range(8, 12)]])
def test_parts_that_lie_end_to_end_are_one_stack(tmp_path, make_series, hu, parts):
    for number, part in enumerate(parts):
        make_series(tmp_path / "ct", hu, slices=list(part), SeriesInstanceUID="1.2", AcquisitionNumber=number)
    assert stacks(tmp_path / "ct") == [ALL]
    np.testing.assert_array_equal(read_dicom(tmp_path / "ct").voxels, hu)


def test_one_slice_of_another_acquisition_within_the_range_belongs_to_it(
    tmp_path, make_series, change_slice, hu
):
    folder = make_series(tmp_path / "ct", hu, AcquisitionNumber=1)
    change_slice(folder, 5, AcquisitionNumber=2)
    assert stacks(folder) == [ALL]


def test_a_time_of_its_own_for_each_slice_splits_nothing_unless_places_repeat(tmp_path, make_series, hu):
    folder = make_series(tmp_path / "ct", hu, SeriesInstanceUID="1.2")
    number_in_order(folder, "ContentTime", lambda height, time: f"{100000 + 100 * time + height:.1f}")
    assert stacks(folder) == [ALL]
    make_series(folder, hu, SeriesInstanceUID="1.2")
    number_in_order(folder, "ContentTime", lambda height, time: f"{100000 + 100 * time + height:.1f}")
    assert stacks(folder) == [ALL, ALL]


@pytest.mark.parametrize("again", [False, True])
def test_slices_between_each_other_are_phases_if_they_are_numbered_through_twice(
    tmp_path, make_series, hu, again
):
    folder = make_series(tmp_path / "ct", hu, SeriesInstanceUID="1.2")
    for path in folder.iterdir():
        data = pydicom.dcmread(path)
        place, part = divmod(round(float(data.ImagePositionPatient[2]) - 30) // 2, 2)
        data.InstanceNumber = place + (1 if again else 1 + 6 * part)
        data.save_as(path)
    assert stacks(folder) == [ALL[::2], ALL[1::2]]


def test_a_second_phase_over_a_part_of_the_range_is_told_by_its_numbers(tmp_path, make_series, hu):
    folder = make_series(tmp_path / "ct", hu, SeriesInstanceUID="1.2")
    make_series(folder, hu + 40, SeriesInstanceUID="1.2", slices=[4, 5, 6, 7])
    number_in_order(folder, "InstanceNumber", lambda height, time: int(height) + 100 * time)
    assert stacks(folder) == [ALL, ALL[4:8]]


def test_numbers_in_any_other_order_split_nothing(tmp_path, make_series, hu):
    folder = make_series(tmp_path / "ct", hu)
    for number in ([3, 1, 2, 9, 12, 4, 5, 11, 6, 7, 10, 8], [1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6]):
        of_height = dict(zip(ALL, number, strict=True))
        number_in_order(folder, "InstanceNumber", lambda height, _, of=of_height: of[height])
        assert stacks(folder) == [ALL]


def test_repeated_places_that_nothing_tells_apart_are_refused(tmp_path, make_series, hu):
    for number in range(2):
        make_series(tmp_path / "ct", hu + number, SeriesInstanceUID="1.2")
    with pytest.raises(DicomSeriesError, match=r"two slices lie at 30\.0 mm.*doubled"):
        read_series(tmp_path / "ct")


def test_a_copy_with_the_same_pixels_counts_once_and_another_picture_is_refused(
    tmp_path, make_series, change_slice, hu
):
    folder = make_series(tmp_path / "ct", hu)
    path = change_slice(folder, 5)
    shutil.copy(path, folder / "again.dcm")
    np.testing.assert_array_equal(read_dicom(folder).voxels, hu)
    data = pydicom.dcmread(path)
    data.PixelData = bytes(len(data.PixelData))
    data.save_as(folder / "again.dcm")
    with pytest.raises(DicomSeriesError, match=r"have one SOPInstanceUID and differ"):
        read_series(folder)


def test_the_same_pictures_under_other_identifiers_and_numbers_count_once(tmp_path, make_series, hu):
    folder = make_series(tmp_path / "ct", hu, SeriesInstanceUID="1.2")
    make_series(folder, hu, SeriesInstanceUID="1.2", slices=[0, 3, 4], InstanceNumber=99)
    np.testing.assert_array_equal(read_dicom(folder).voxels, hu)


def test_phases_that_have_one_picture_in_common_stay_apart(tmp_path, make_series, hu):
    later = np.concatenate([hu[:, :, :1], hu[:, :, 1:] + 40], axis=2)
    for number, phase in enumerate((hu, later)):
        folder = make_series(tmp_path / "ct", phase, SeriesInstanceUID="1.2", InstanceNumber=number)
    assert stacks(folder) == [ALL, ALL]
    with pytest.raises(DicomSeriesError, match=r"12 slices, 12 slices"):
        read_series(folder)


def test_a_copy_whose_numbers_were_edited_counts_once(tmp_path, make_series, change_slice, hu):
    folder = make_series(tmp_path / "ct", hu)
    path = change_slice(folder, 5)
    data = pydicom.dcmread(path)
    data.InstanceNumber = data.AcquisitionNumber = 77
    data.save_as(folder / "again.dcm")
    np.testing.assert_array_equal(read_dicom(folder).voxels, hu)


@pytest.mark.parametrize("rounded", ["0.7", "0.78", "0.781"])
def test_a_spacing_that_is_rounded_in_some_slices_is_that_of_the_others(tmp_path, make_series, hu, rounded):
    whole = "0.703125" if rounded == "0.7" else "0.78125"
    folder = make_series(tmp_path / "ct", hu)
    for number, path in enumerate(sorted(folder.iterdir())):
        data = pydicom.dcmread(path)
        data.PixelSpacing = [rounded if number % 2 else whole] * 2
        data.save_as(path)
    assert read_series(folder).geometry.spacing_mm[:2] == pytest.approx((float(whole), float(whole)))


def test_an_orientation_that_drifts_from_slice_to_slice_is_one_stack(tmp_path, make_series, hu):
    folder = make_series(tmp_path / "ct", hu)
    for path in folder.iterdir():
        data = pydicom.dcmread(path)
        lean = 2e-5 * (float(data.ImagePositionPatient[2]) - 30)
        data.ImageOrientationPatient = ["1", "0", "0", "0", f"{np.cos(lean):.9f}", f"{np.sin(lean):.9f}"]
        data.save_as(path)
    assert stacks(folder) == [ALL]


def test_empty_instance_identifiers_join_nothing(tmp_path, make_series, hu):
    same = np.repeat(hu[:, :, :1], 12, axis=2)
    folder = make_series(tmp_path / "ct", same, SOPInstanceUID="")
    np.testing.assert_array_equal(read_dicom(folder).voxels, same)


def test_orientations_and_spacings_that_differ_by_rounding_are_one_stack(tmp_path, make_series, hu):
    folder = make_series(tmp_path / "ct", hu, orientation=(1, 0, 0, 0, 0.99999987, 0.0005))
    for number, path in enumerate(sorted(folder.iterdir())):
        data = pydicom.dcmread(path)
        if number % 2:
            data.ImageOrientationPatient = ["1", "0", "0", "0", "0.99999987", "0.00050002"]
            data.PixelSpacing = ["0.75004", "1.5"]
            data.save_as(path)
    series = read_series(folder)
    assert series.geometry.shape == (11, 10, 12)
    assert series.geometry.spacing_mm[1] == pytest.approx(0.75004)


def test_files_without_preamble_and_meta_information_are_read(tmp_path, make_series, hu):
    folder = make_series(tmp_path / "ct", hu)
    for is_implicit, path in enumerate(sorted(folder.iterdir())):
        data = pydicom.Dataset({one.tag: one for one in pydicom.dcmread(path)})
        with path.with_suffix("").open("wb") as stream:
            pydicom.dcmwrite(stream, data, implicit_vr=is_implicit % 2 == 0, little_endian=True)
        path.unlink()
    np.testing.assert_array_equal(read_dicom(folder).voxels, hu)


def test_files_with_a_preamble_and_no_meta_information_are_read(tmp_path, make_series, hu):
    folder = make_series(tmp_path / "ct", hu)
    for path in folder.iterdir():
        data = pydicom.Dataset({one.tag: one for one in pydicom.dcmread(path)})
        with path.open("wb") as stream:
            stream.write(bytes(128) + b"DICM")
            pydicom.dcmwrite(stream, data, implicit_vr=True, little_endian=True)
    np.testing.assert_array_equal(read_dicom(folder).voxels, hu)


@pytest.mark.parametrize("modality", [None, "", "ct"])
def test_a_ct_object_is_a_ct_whatever_case_its_modality_has_or_none(tmp_path, make_series, hu, modality):
    folder = make_series(tmp_path / "ct", hu)
    for path in folder.iterdir():
        data = pydicom.dcmread(path)
        del data.Modality
        if modality is not None:
            data.add(pydicom.DataElement("Modality", "LO", modality))
        data.save_as(path)
    np.testing.assert_array_equal(read_dicom(folder).voxels, hu)
