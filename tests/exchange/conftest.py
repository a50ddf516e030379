"""Small DICOM files and volumes that tests write."""

from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from omentum.exchange.importers.source import Source
from omentum.volumes.geometry import Geometry
from omentum.volumes.nifti import write_nifti
from omentum.volumes.volume import Volume

SIDE = 16
SPACING_MM = (1.5, 2.0)
STEP_MM = 2.5


def _write_series(
    folder: Path, *, n: int = 9, prefix: str = "", gap: int | None = None, **header: object
) -> list[Path]:
    """Write an axial CT series of `n` slices, head first by name; `header` replaces attributes."""
    folder.mkdir(parents=True, exist_ok=True)
    fields = {
        "Modality": "CT",
        "PatientID": "MRN 1",
        "PatientName": "Doe^Jane",
        "PatientBirthDate": "19700101",
        "PatientSex": "F",
        "AccessionNumber": "",
        "StudyTime": "",
        "ReferringPhysicianName": "",
        "StudyInstanceUID": generate_uid(),
        "SeriesInstanceUID": generate_uid(),
        "FrameOfReferenceUID": generate_uid(),
        "SeriesNumber": 1,
        "StudyID": "",
        "StudyDate": "20200202",
        "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
        "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
        **header,
    }
    rng = np.random.default_rng(int(fields["SeriesNumber"]))
    volume = rng.integers(0, 2000, (n, SIDE, SIDE)).astype(np.int16)
    paths = []
    for k in range(n):
        if k == gap:
            continue
        paths.append(folder / f"{prefix}{n - k:03d}.dcm")
        _slice(paths[-1], fields, volume[k], k)
    return sorted(paths)


def _slice(path: Path, fields: dict, pixels: np.ndarray, k: int) -> None:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data = pydicom.FileDataset(str(path), Dataset(), preamble=bytes(128), file_meta=meta)
    for name, value in fields.items():
        setattr(data, name, value)
    data.SOPClassUID, data.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
    data.InstanceNumber = k + 1
    data.ImagePositionPatient = [-10.0, -20.0, 30.0 + STEP_MM * k]
    data.PixelSpacing = [SPACING_MM[1], SPACING_MM[0]]
    data.SliceThickness = 3.0
    data.Rows, data.Columns = pixels.shape
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.BitsAllocated = data.BitsStored = 16
    data.HighBit, data.PixelRepresentation = 15, 1
    data.RescaleIntercept, data.RescaleSlope = -1024, 1
    data.PixelData = pixels.tobytes()
    data.save_as(path, enforce_file_format=True)


@pytest.fixture
def write_series():
    """Write an axial CT series: `write_series(folder, n=9, SeriesNumber=2, ...)`."""
    return _write_series


@pytest.fixture
def write_volume():
    """Write noise, or a label map with some values: `write_volume(path, seed=3)`, `(path, values=[1, 2])`."""
    grid = Geometry((24, 20, 18), np.array([[-4.0, 0, 0, 40], [0, -4, 0, 30], [0, 0, 4, -20], [0, 0, 0, 1]]))

    def write(path: Path, *, seed: int = 0, values: list[int] | None = None) -> Path:
        voxels = (
            np.random.default_rng([seed, *path.name.encode()])
            .integers(-900, 900, grid.shape)
            .astype(np.int16)
        )
        if values is not None:
            voxels = np.zeros(grid.shape, dtype=np.uint8)
            for place, value in enumerate(values):
                voxels[2:20, 2 + place, 4:9] = value
        write_nifti(path, Volume(voxels, grid))
        return path

    return write


@pytest.fixture
def volume() -> Volume:
    """A CT of 12 x 10 x 9 voxels, all of them different."""
    voxels = np.arange(12 * 10 * 9, dtype=np.int16).reshape(12, 10, 9) - 500
    return Volume(
        voxels,
        Geometry(voxels.shape, np.array([[-1.5, 0, 0, 20], [0, 1.25, 0, -31], [0, 0, 3, 7], [0, 0, 0, 1.0]])),
    )


@pytest.fixture
def source(tmp_path, volume) -> Source:
    path = tmp_path / "data" / "a.nii.gz"
    write_nifti(path, volume)
    return Source(path=path, case_id="a")
