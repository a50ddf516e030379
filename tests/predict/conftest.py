"""A network that knows organs by their Hounsfield units, so that masks are known; CTs made for it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
import torch
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid
from scipy import ndimage
from torch import nn

from omentum.networks.network import ARCHITECTURES, Network, NetworkSpec, build, register
from omentum.networks.weights import save_network
from omentum.predict import predict_case, predict_files
from omentum.predict.average import joint_predictor
from omentum.predict.inference_config import InferenceConfig
from omentum.predict.network_predictor import NetworkPredictor
from omentum.predict.predict_files import FolderPlan
from omentum.volumes.geometry import Geometry
from omentum.volumes.labels import organ
from omentum.volumes.nifti import write_nifti
from omentum.volumes.volume import Volume

ORGANS = ("spleen", "kidney_right", "kidney_left", "liver", "pancreas", "liver_tumor")
MM = 4.0


def _organ_hu(organ_name: str) -> float:
    return 100.0 * organ(organ_name).index


class Bands(Network):
    """An organ is where the Hounsfield units are within a width, of 30, of a hundred times its index."""

    stride = 4

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__(spec)
        self.gain = nn.Parameter(torch.tensor(0.5))
        self.width = nn.Parameter(torch.tensor(30.0))

    def trunk(self, hu):
        return torch.cat([hu, torch.zeros_like(hu).expand(-1, 7, -1, -1, -1)], dim=1), self.context_of(hu)

    def context_of(self, hu):
        return torch.zeros(hu.shape[0], 1)

    def heads(self, features, context, organs):
        del context
        away = [(features[:, 0] - _organ_hu(name)).abs() for name in organs]
        return self.gain * (self.width - torch.stack(away, dim=1))


@pytest.fixture(scope="session")
def organ_hu() -> Callable[[str], float]:
    """Function: an organ's name to its Hounsfield units."""
    return _organ_hu


@pytest.fixture(scope="session")
def truth() -> Callable[[np.ndarray, str], np.ndarray]:
    """Function: Hounsfield units and an organ's name to its mask; what it encloses is the organ too."""
    return lambda hu, name: ndimage.binary_fill_holes(hu == _organ_hu(name))


@pytest.fixture(autouse=True)
def _bands():
    register("bands")(Bands)
    yield
    del ARCHITECTURES["bands"]


@pytest.fixture
def write_weights() -> Callable[..., Path]:
    """Function: write weights of such a network; another gain or width makes other weights."""

    def write(
        path: Path,
        gain: float = 0.5,
        width: float = 30.0,
        *,
        organs: tuple[str, ...] = ORGANS,
        spacing_mm: float = MM,
    ) -> Path:
        spec = NetworkSpec(
            architecture="bands", organs=organs, spacing_mm=spacing_mm, window_voxels=(16, 16, 16)
        )
        network = build(spec)
        nn.init.constant_(network.gain, gain)
        nn.init.constant_(network.width, width)
        save_network(path, network)
        return path

    return write


@pytest.fixture
def weights(write_weights, tmp_path) -> Path:
    return write_weights(tmp_path / "weights" / "bands" / "weights.safetensors")


@pytest.fixture
def quick_pictures(monkeypatch) -> None:
    """Previews take longer than all else here; where they are not what is tested, a file stands for one."""
    for module in (predict_case, predict_files):
        monkeypatch.setattr(module, "write_preview", lambda path, *_: path.write_bytes(b"a picture"))


@pytest.fixture
def predictor(weights) -> NetworkPredictor:
    return NetworkPredictor("bands", weights)


@pytest.fixture
def plan(predictor, tmp_path) -> Callable[..., FolderPlan]:
    """Function: CTs by case id, networks and whatever else to a plan; of one network, into `out`."""

    def make(
        sources, *opinions, config: InferenceConfig | None = None, out: Path | None = None, **more
    ) -> FolderPlan:
        return FolderPlan(
            sources=sources,
            out=out or tmp_path / "out",
            predictor=joint_predictor(opinions or [predictor], config or InferenceConfig()),
            **more,
        )

    return make


@pytest.fixture
def box_ct() -> Callable[..., Volume]:
    """Function: 20 x 18 x 16 voxels of 4 mm with boxes of organs in soft tissue, turned as asked.

    The liver is on the right, high and in front, and encloses its tumour; the left kidney is on the left;
    there is no pancreas.
    """

    def make(orientation: str = "RAS", spacing_mm: float = MM) -> Volume:
        affine = np.diag([spacing_mm, spacing_mm, spacing_mm, 1.0])
        affine[:3, 3] = (-38.0, -34.0, 100.0)
        hu = np.zeros((20, 18, 16), dtype=np.int16)
        hu[:, :2] = -100  # fat at the back, as in everybody
        hu[12:18, 10:16, 9:15] = _organ_hu("liver")
        hu[3:6, 3:8, 3:8] = _organ_hu("kidney_left")
        hu[14:17, 3:8, 3:8] = _organ_hu("kidney_right")
        hu[1:5, 12:16, 10:14] = _organ_hu("spleen")
        hu[14:16, 12:14, 11:13] = _organ_hu("liver_tumor")
        return Volume(hu, Geometry((20, 18, 16), affine)).reoriented(orientation)

    return make


@pytest.fixture
def ct_file(box_ct, tmp_path) -> Callable[..., Path]:
    """Function: write such a CT as NIfTI."""

    def write(name: str = "one.nii.gz", orientation: str = "LPS") -> Path:
        path = tmp_path / "cts" / name
        ct = box_ct(orientation)
        write_nifti(path, Volume(np.ascontiguousarray(ct.voxels), ct.geometry))
        return path

    return write


@pytest.fixture
def dicom_folder(box_ct, tmp_path) -> Path:
    """Such a CT as a DICOM series: 16 slices, in a folder."""
    ct = box_ct("LPS")
    first_mm = ct.geometry.to_mm((0, 0, 0)) * (-1, -1, 1)
    series, study = generate_uid(), generate_uid()
    folder = tmp_path / "dicom"
    folder.mkdir()
    for z in range(ct.geometry.shape[2]):
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = CTImageStorage, generate_uid()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        data = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
        data.SOPClassUID, data.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
        data.Modality, data.PatientID, data.ImageType = "CT", "P-1", ["ORIGINAL", "PRIMARY", "AXIAL"]
        data.StudyInstanceUID, data.SeriesInstanceUID = study, series
        data.Columns, data.Rows = ct.geometry.shape[:2]
        data.PixelSpacing, data.SliceThickness = [MM, MM], MM
        data.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        data.ImagePositionPatient = [float(first_mm[0]), float(first_mm[1]), float(first_mm[2] + MM * z)]
        data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
        data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 16, 15, 1
        data.RescaleSlope, data.RescaleIntercept = 1, 0
        data.PixelData = np.ascontiguousarray(ct.voxels[:, :, z].T.astype("<i2")).tobytes()
        pydicom.dcmwrite(folder / f"{z:03d}.dcm", data, enforce_file_format=True)
    return folder
