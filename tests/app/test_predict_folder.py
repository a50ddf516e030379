"""`omentum predict FOLDER` looks at DICOM folders as `add` does, and says what it leaves out."""

import json

import numpy as np
import pytest
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid


@pytest.fixture
def write_slices(tmp_path):
    """Write an axial series of a body in air: `write_slices("name", n, **header)`."""

    def write(name, n, *, skip=(), **header):
        folder = tmp_path / "study" / name
        folder.mkdir(parents=True, exist_ok=True)
        uid = generate_uid()
        for k in set(range(n)) - set(skip):
            meta = FileMetaDataset()
            meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID = ExplicitVRLittleEndian, CTImageStorage
            meta.MediaStorageSOPInstanceUID = generate_uid()
            data = FileDataset(None, {}, file_meta=meta, preamble=bytes(128))
            data.SOPClassUID, data.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
            data.Modality, data.PatientID, data.StudyInstanceUID, data.SeriesInstanceUID = (
                "CT",
                "p",
                "1.2",
                uid,
            )
            data.ImagePositionPatient, data.PixelSpacing = [0, 0, 4.0 * k], [4, 4]
            data.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
            data.Rows = data.Columns = 32
            data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
            data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 16, 15, 1
            data.RescaleSlope, data.RescaleIntercept = 1, 0
            for tag, value in header.items():
                setattr(data, tag, value)
            pixels = np.full((32, 32), -1000, dtype="<i2")
            pixels[6:26, 6:26] = np.random.default_rng(k).normal(40, 20, (20, 20))
            data.PixelData = pixels.tobytes()
            data.save_as(folder / f"{uid[-6:]}_{k:03d}.dcm", enforce_file_format=True)
        return folder

    return write


@pytest.fixture
def predict(omentum, home, tmp_path):
    def run(folder, *arguments):
        ran = omentum(
            *("predict", folder, "-o", tmp_path / "out", "--network", "tiny", "--organs", "liver", "--json"),
            *arguments,
        )
        return ran, json.loads(ran.out)

    return run


def test_the_largest_series_of_a_study_is_predicted_and_the_others_are_named(predict, write_slices, tmp_path):
    write_slices("thick", 9)
    write_slices("thin", 12)
    write_slices("scout", 9, ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    ran, told = predict(tmp_path / "study")
    assert (ran.code, told["done"]) == (0, ["thin"])
    reasons = {one["path"].split("/")[-2]: one["reason"] for one in told["left_out"]}
    assert "thin of the same study has 12; --all takes both" in reasons["thick"]
    assert reasons["scout"] == "it is a localizer"
    assert predict(tmp_path / "study", "--all")[1]["done"] == ["thick", "thin"]


def test_two_series_in_one_folder_and_an_odd_slice_are_told_apart(predict, write_slices, tmp_path):
    for n in (9, 12):
        write_slices("mixed", n, SeriesNumber=n)
    write_slices("mixed", 1, ImageOrientationPatient=[1, 0, 0, 0, 0, -1], SeriesNumber=9)
    ran, told = predict(tmp_path / "study" / "mixed", "--all")
    assert (ran.code, told["done"]) == (0, ["mixed_s12", "mixed_s9"])
    assert "not axial" in told["left_out"][0]["reason"]


def test_missing_slices_are_refused_or_interpolated_and_told(predict, write_slices, tmp_path):
    folder = write_slices("gaps", 14, skip=(6,))
    ran, told = predict(folder)
    assert ran.code == 2
    assert "a slice is missing, for none lies at 24.0 mm" in told["failed"][0]["reason"]
    assert "--resample-slices" in told["failed"][0]["reason"]
    ran, told = predict(folder, "--resample-slices")
    assert (ran.code, told["done"]) == (0, ["gaps"])
    assert "interpolated" in json.dumps(told)
