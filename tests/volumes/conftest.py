"""Small grids, masks and made DICOM series for the tests of `omentum.volumes`."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import strategies as st
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid
from scipy.spatial.transform import Rotation

from omentum.volumes.geometry import ALL_ORIENTATIONS, Geometry
from omentum.volumes.masks import MaskSet


def _geometry(seed: int, tilt_degrees: float, orientation: str, sides: tuple[int, int]) -> Geometry:
    rng = np.random.default_rng(seed)
    axis = rng.normal(size=3)
    affine = np.eye(4)
    turn = Rotation.from_rotvec(axis / np.linalg.norm(axis) * np.deg2rad(tilt_degrees)).as_matrix()
    affine[:3, :3] = turn @ np.diag(rng.uniform(0.6, 5.0, 3))
    affine[:3, 3] = rng.uniform(-300, 300, 3)
    x, y, z = rng.integers(*sides, size=3, endpoint=True).tolist()
    return Geometry((x, y, z), affine).reoriented(orientation)


@pytest.fixture(scope="session")
def oblique() -> st.SearchStrategy[Geometry]:
    """Anisotropic grids of 5 to 14 voxels a side, in any orientation, tilted by up to 40 degrees."""
    return st.builds(
        _geometry,
        st.integers(0, 2**32 - 1),
        st.floats(0, 40),
        st.sampled_from(ALL_ORIENTATIONS),
        st.just((5, 14)),
    )


@pytest.fixture(scope="session")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the examples of a property, each of which may overwrite the last one's files."""
    return tmp_path_factory.mktemp("scratch")


@pytest.fixture(scope="session")
def ras_grid() -> Geometry:
    """20 x 18 x 16 voxels of 2 x 2 x 3 mm; x from the left hand to the right, the origin in the middle."""
    affine = np.diag([2.0, 2.0, 3.0, 1.0])
    affine[:3, 3] = [-19.0, -17.0, -22.5]
    return Geometry((20, 18, 16), affine)


@pytest.fixture(scope="session")
def patient(ras_grid: Geometry) -> MaskSet:
    """Three organs of unlike sizes; left is x < 0, the liver is on the right and high, the aorta behind."""
    labels = np.zeros(ras_grid.shape, dtype=np.uint8)
    labels[3:7, 6:10, 3:9] = 3  # kidney_left
    labels[13:17, 6:11, 2:8] = 2  # kidney_right
    labels[11:18, 7:15, 9:14] = 6  # liver
    labels[9:11, 2:5, 2:14] = 8  # aorta
    return MaskSet.from_labels(labels, ras_grid, ["kidney_left", "kidney_right", "liver", "aorta"])


Centroid = Callable[[np.ndarray, Geometry], np.ndarray]


@pytest.fixture(scope="session")
def centroid_mm() -> Centroid:
    """Measure where the middle of a mask is, in mm."""

    def measure(mask: np.ndarray, geometry: Geometry) -> np.ndarray:
        return geometry.to_mm(np.argwhere(mask).mean(axis=0))

    return measure


def _slice(hu: np.ndarray, fields: dict[str, object]) -> FileDataset:
    """Give one CT slice as DICOM; `hu` is `(column, row)`, values are stored from -1024 up."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
    data.SOPClassUID, data.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
    data.Modality, data.PatientID, data.StudyInstanceUID = "CT", "P-007", "1.2.3"
    data.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    data.Columns, data.Rows = hu.shape
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 16, 15, 0
    data.RescaleSlope, data.RescaleIntercept, data.SliceThickness = 1, -1024, 9
    for name, value in fields.items():
        setattr(data, name, value)
    stored = np.rint((hu.T - float(data.RescaleIntercept)) / float(data.RescaleSlope)).astype("<u2")
    data.PixelData = np.ascontiguousarray(stored).tobytes()
    return data


MakeSeries = Callable[..., Path]


@pytest.fixture(scope="session")
def make_series() -> MakeSeries:
    """Write a CT series into a folder, its files in an order that says nothing.

    `hu` is `(column, row, slice)`; `step_mm` is where each slice lies from the one below, in LPS;
    `slices` are those to write (some left out, some twice); further fields go into every header.
    """

    def make(
        folder: Path,
        hu: np.ndarray,
        *,
        step_mm: tuple[float, float, float] = (0.0, 0.0, 2.0),
        orientation: tuple[float, ...] = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0),
        slices: list[int] | None = None,
        **fields: object,
    ) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(len(list(folder.iterdir())))
        uid = fields.pop("SeriesInstanceUID", generate_uid())
        for z in list(range(hu.shape[2])) if slices is None else slices:
            position = np.array([-10.0, 20.0, 30.0]) + z * np.array(step_mm)
            place = {
                "SeriesInstanceUID": uid,
                "ImagePositionPatient": [f"{value:.8g}" for value in position],
                "ImageOrientationPatient": [f"{value:.9g}" for value in orientation],
                "PixelSpacing": ["0.75", "1.5"],  # rows are 0.75 mm apart, columns 1.5 mm
            }
            path = folder / f"{rng.integers(10**9):09d}.dcm"
            _slice(hu[:, :, z], {**place, **fields}).save_as(path, enforce_file_format=True)
        return folder

    return make


@pytest.fixture(scope="session")
def change_slice() -> Callable[..., Path]:
    """Change header fields of one slice of a series that `make_series` wrote, by its height."""

    def change(folder: Path, number: int, **fields: object) -> Path:
        headers = {path: pydicom.dcmread(path) for path in folder.iterdir()}
        paths = sorted(headers, key=lambda path: float(headers[path].ImagePositionPatient[2]))
        for name, value in fields.items():
            setattr(headers[paths[number]], name, value)
        headers[paths[number]].save_as(paths[number])
        return paths[number]

    return change
