"""Values of DICOM slices: rescale, sign, bits and padding, each slice's own."""

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from pydicom.uid import JPEGLosslessSV1

from omentum.errors import DicomSeriesError
from omentum.volumes.dicom import read_dicom


@pytest.fixture
def hu():
    return np.random.default_rng(0).integers(-900, 1000, (11, 10, 12)).astype(float)


def changed(folder, change):
    """Change the data set of each slice, from the lowest up."""
    headers = {path: pydicom.dcmread(path) for path in folder.iterdir()}
    ordered = sorted(headers, key=lambda path: float(headers[path].ImagePositionPatient[2]))
    for number, path in enumerate(ordered):
        change(number, headers[path])
        headers[path].save_as(path)
    return folder


def store(data, values, *, bits=16, signed=True, slope=1.0, intercept=0.0):
    data.PixelRepresentation, data.BitsStored, data.HighBit = int(signed), bits, bits - 1
    data.RescaleSlope, data.RescaleIntercept = f"{slope:g}", f"{intercept:g}"
    data.PixelData = values.T.astype("<i2" if signed else "<u2").tobytes()


def test_every_slice_has_its_own_sign_slope_and_intercept(tmp_path, make_series, hu):
    kinds = [(True, 1.0, 0.0), (False, 1.0, -1024.0), (True, 0.5, -1000.0), (False, 2.0, -3000.0)]
    expected = hu.copy()

    def change(number, data):
        signed, slope, intercept = kinds[number % 4]
        stored = np.rint((hu[:, :, number] - intercept) / slope)
        expected[:, :, number] = np.rint(stored * slope + intercept)
        store(data, stored, signed=signed, slope=slope, intercept=intercept)

    voxels = read_dicom(changed(make_series(tmp_path / "ct", hu), change)).voxels
    np.testing.assert_array_equal(voxels, expected)


@pytest.mark.parametrize(
    ("signed", "value", "limit"),
    [
        (True, 63536, None),
        (True, -2000, None),
        (False, 65535, None),
        (False, 65000, 65535),
        (True, -2000, -1990),
    ],
)
def test_padding_is_air_whichever_sign_its_value_is_written_with(
    tmp_path, make_series, hu, signed, value, limit
):
    pad = np.array(value & 0xFFFF, np.uint16).astype(np.int16) if signed else value
    offset = 0.0 if signed else -1024.0

    def change(_, data):
        stored = (hu[:, :, 0] - offset).astype(int)
        stored[0], stored[1] = pad, pad if limit is None else limit
        store(data, stored, signed=signed, intercept=offset)
        is_negative = value < 0
        data.add_new("PixelPaddingValue", "SS" if is_negative else "US", value)
        if limit is not None:
            data.add_new("PixelPaddingRangeLimit", "SS" if is_negative else "US", limit)

    voxels = read_dicom(changed(make_series(tmp_path / "ct", hu), change)).voxels
    assert (voxels[:2] == -1024).all()
    np.testing.assert_array_equal(voxels[2:, :, 3], hu[2:, :, 0])


def test_padding_beyond_the_stored_bits_is_still_padding(tmp_path, make_series, hu):
    def change(_, data):
        stored = (hu[:, :, 0] + 1024).astype(int)
        stored[0] = 63536
        store(data, stored, bits=12, signed=False, intercept=-1024.0)
        data.add_new("PixelPaddingValue", "US", 63536)

    voxels = read_dicom(changed(make_series(tmp_path / "ct", hu), change)).voxels
    assert (voxels[0] == -1024).all()
    np.testing.assert_array_equal(voxels[1:, :, 3], hu[1:, :, 0])


def test_padding_with_a_value_of_tissue_is_only_what_reaches_the_border(tmp_path, make_series, hu):
    tissue = hu.copy()
    tissue[0], tissue[4:6, 4, :] = 0, 0
    tissue[1] = 40

    def change(number, data):
        store(data, tissue[:, :, number])
        data.add_new("PixelPaddingValue", "SS", 0)

    voxels = read_dicom(changed(make_series(tmp_path / "ct", hu), change)).voxels
    assert (voxels[0] == -1024).all()
    np.testing.assert_array_equal(voxels[4:6, 4], 0)


def test_values_that_need_more_bits_than_the_header_says_are_refused(tmp_path, make_series, hu):
    def change(_, data):
        stored = (hu[:, :, 0] + 1024).astype(int)
        stored[3, 3] = 5000
        store(data, stored, bits=12, signed=False, intercept=-1024.0)

    with pytest.raises(DicomSeriesError, match="values up to 5000 need more than the 12 bits of BitsStored"):
        read_dicom(changed(make_series(tmp_path / "ct", hu), change))


@pytest.mark.parametrize(("slope", "intercept"), [(1.0, -40000.0), (4.0, 0.0), (0.5, -30000.0)])
def test_values_beyond_16_bits_are_clipped_at_their_own_end(tmp_path, make_series, hu, slope, intercept):
    stored = np.linspace(-32768, 32767, 110).astype(int).reshape(11, 10)
    folder = changed(
        make_series(tmp_path / "ct", hu),
        lambda _, data: store(data, stored, slope=slope, intercept=intercept),
    )
    expected = np.clip(np.rint(stored * slope + intercept), -32768, 32767)
    np.testing.assert_array_equal(read_dicom(folder).voxels[:, :, 4], expected)


def test_overlays_in_the_bits_above_the_value_are_no_value(tmp_path, make_series, hu):
    folder = make_series(tmp_path / "ct", hu)

    def change(_, data):
        store(data, np.frombuffer(data.PixelData, np.int16) & 0x7FF, bits=12, signed=False)
        stored = np.frombuffer(data.PixelData, np.uint16).copy()
        stored[5:9] |= 1 << 12
        data.PixelData = stored.tobytes()
        data.add_new(0x60000102, "US", 12)

    changed(folder, change)
    assert 0 <= read_dicom(folder).voxels.min() <= read_dicom(folder).voxels.max() < 1 << 11


def test_a_rescale_that_some_slices_lack_is_refused(tmp_path, make_series, change_slice, hu):
    folder = make_series(tmp_path / "ct", hu)
    path = change_slice(folder, 5, RescaleIntercept=None)
    with pytest.raises(DicomSeriesError, match=f"RescaleIntercept is missing in 1 of 12 slices.*{path.name}"):
        read_dicom(folder)


def test_without_any_rescale_the_stored_values_come_back(tmp_path, make_series, hu):
    def change(_, data):
        del data.RescaleSlope, data.RescaleIntercept

    folder = changed(make_series(tmp_path / "ct", hu), change)
    np.testing.assert_array_equal(read_dicom(folder).voxels, hu + 1024)


@pytest.mark.parametrize(
    ("tag", "value", "said"),
    [
        ("RescaleType", "ED", "RescaleType of .* is ED, and a CT's values are in HU"),
        ("RescaleSlope", "0", "RescaleSlope of .* is '0', and must be a number other than 0"),
        ("ImageOrientationPatient", [1, 0, 0, 1, 0, 0], "two unit vectors at right angles"),
        ("PixelSpacing", ["0", "1"], "two numbers above 0"),
    ],
)
def test_a_value_that_no_ct_has_is_named_with_its_file_and_tag(
    tmp_path, make_series, change_slice, hu, tag, value, said
):
    folder = make_series(tmp_path / "ct", hu)
    change_slice(folder, 5, **{tag: value})
    with pytest.raises(DicomSeriesError, match=said):
        read_dicom(folder)


def test_lossless_jpeg_is_decoded_to_the_same_values(tmp_path, make_series, hu):
    plain, folder = make_series(tmp_path / "plain", hu), make_series(tmp_path / "ct", hu)

    def compress(_, data):
        stored = np.frombuffer(data.PixelData, "<u2").reshape(data.Rows, data.Columns)
        writer = sitk.ImageFileWriter()
        writer.SetImageIO("GDCMImageIO")
        writer.UseCompressionOn()
        writer.SetCompressor("JPEG")
        writer.SetFileName(str(tmp_path / "one.dcm"))
        writer.Execute(sitk.GetImageFromArray(stored))
        made = pydicom.dcmread(tmp_path / "one.dcm")
        assert made.file_meta.TransferSyntaxUID == JPEGLosslessSV1
        data.file_meta.TransferSyntaxUID = JPEGLosslessSV1
        data.add_new("PixelData", "OB", made.PixelData)
        data["PixelData"].is_undefined_length = True

    changed(folder, compress)
    np.testing.assert_array_equal(read_dicom(folder).voxels, read_dicom(plain).voxels)
