"""What tests of importers may use: DICOM segmentations of a series, written by other libraries."""

from collections.abc import Callable
from pathlib import Path

import highdicom as hd
import numpy as np
import numpy.typing as npt
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.sr.codedict import codes
from pydicom.uid import RTStructureSetStorage, generate_uid

from omentum.volumes.dicom import read_series

Masks = dict[str, npt.NDArray[np.bool_]]


@pytest.fixture
def series(tmp_path: Path, write_series: Callable[..., list[Path]]) -> Path:
    """The folder of an axial CT series of 16 x 16 x 9 voxels, its third axis 3 mm."""
    write_series(tmp_path / "p1" / "ct")
    return tmp_path / "p1" / "ct"


@pytest.fixture
def masks(series: Path) -> Masks:
    """Three masks on that series: a liver, both kidneys, and one voxel."""
    shape = read_series(series).geometry.shape
    liver, kidneys, odd = (np.zeros(shape, dtype=bool) for _ in range(3))
    liver[2:8, 3:9, 1:6] = True
    kidneys[1:3, 10:14, 2:5] = kidneys[12:15, 10:14, 2:5] = True
    odd[5, 5, 5] = True
    return {"Liver": liver, "Kidneys": kidneys, "Something": odd}


_CODES = {"Spleen": codes.SCT.Spleen, "Kidneys": codes.SCT.Kidney, "Left kidney": codes.SCT.Kidney}
"""Others are coded as a liver."""


def _write_seg(path: Path, series: Path, masks: Masks, *, kind: str = "BINARY", **more: object) -> Path:
    """Write masks as segments, coded as in `_CODES`. `more` is as of `highdicom.seg.Segmentation`."""
    headers = [pydicom.dcmread(one) for one in read_series(series).files]
    segments = [
        hd.seg.SegmentDescription(
            segment_number=k,
            segment_label=name,
            segmented_property_category=codes.SCT.Organ,
            segmented_property_type=_CODES.get(name, codes.SCT.Liver),
            algorithm_type=hd.seg.SegmentAlgorithmTypeValues.MANUAL,
        )
        for k, name in enumerate(masks, start=1)
    ]
    frames = np.stack([mask.transpose(2, 1, 0) for mask in masks.values()], axis=-1)
    frames = frames.astype(float if kind == "FRACTIONAL" else np.uint8)
    if kind == "LABELMAP":
        frames = (frames * np.arange(1, len(masks) + 1, dtype=np.uint8)).max(axis=-1)
    seg = hd.seg.Segmentation(
        source_images=headers, pixel_array=frames, segmentation_type=kind, segment_descriptions=segments,
        series_instance_uid=generate_uid(), series_number=9, sop_instance_uid=generate_uid(),
        instance_number=1, manufacturer="a", manufacturer_model_name="b", software_versions="1",
        device_serial_number="1", **more,
    )  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    seg.save_as(path)
    return path


@pytest.fixture
def write_seg() -> Callable[..., Path]:
    """Write a DICOM-SEG: `write_seg(path, series, masks, kind="LABELMAP")`."""
    return _write_seg


def _contour(corners_mm: npt.NDArray[np.float64], kind: str) -> Dataset:
    contour = Dataset()
    contour.ContourGeometricType = kind
    contour.ContourData = [round(float(value), 4) for value in (corners_mm * [-1, -1, 1]).ravel()]
    contour.NumberOfContourPoints = len(corners_mm)
    return contour


def _structures(series: Path) -> pydicom.FileDataset:
    header = pydicom.dcmread(read_series(series).files[0])
    meta = pydicom.dataset.FileMetaDataset()
    meta.MediaStorageSOPClassUID = RTStructureSetStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    data = pydicom.FileDataset(None, Dataset(), preamble=bytes(128), file_meta=meta)
    data.Modality, data.SOPClassUID = "RTSTRUCT", RTStructureSetStorage
    data.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    referred, study, frame = Dataset(), Dataset(), Dataset()
    referred.SeriesInstanceUID = header.SeriesInstanceUID
    study.RTReferencedSeriesSequence = Sequence([referred])
    frame.RTReferencedStudySequence = Sequence([study])
    frame.FrameOfReferenceUID = header.FrameOfReferenceUID
    data.ReferencedFrameOfReferenceSequence = Sequence([frame])
    return data


def _write_rtstruct(
    path: Path,
    series: Path,
    rings: dict[str, list[tuple[float, list[tuple[float, float]]]]],
    *,
    kind: str = "CLOSED_PLANAR",
    change: Callable[[Dataset], object] = lambda _: None,
) -> Path:
    """Write contours: by name, a list of (slice, corners in voxels `(x, y)`); `change` may alter the file."""
    data, grid = _structures(series), read_series(series).geometry
    rois, drawn_rois = [], []
    for number, (name, own) in enumerate(rings.items(), start=1):
        roi, drawn = Dataset(), Dataset()
        roi.ROINumber, roi.ROIName = number, name
        roi.ReferencedFrameOfReferenceUID = data.ReferencedFrameOfReferenceSequence[0].FrameOfReferenceUID
        drawn.ReferencedROINumber = number
        drawn.ContourSequence = Sequence(
            _contour(grid.to_mm(np.array([(x, y, z) for x, y in corners])), kind) for z, corners in own
        )
        rois.append(roi)
        drawn_rois.append(drawn)
    data.StructureSetROISequence, data.ROIContourSequence = Sequence(rois), Sequence(drawn_rois)
    change(data)
    path.parent.mkdir(parents=True, exist_ok=True)
    data.save_as(path, enforce_file_format=True)
    return path


@pytest.fixture
def write_rtstruct() -> Callable[..., Path]:
    """Write an RTSTRUCT: `write_rtstruct(path, series, {"Liver": [(3, [(1.5, 2.5), ...])]})`."""
    return _write_rtstruct
