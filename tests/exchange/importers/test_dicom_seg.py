import highdicom as hd
import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.sr.codedict import codes
from pydicom.uid import RTStructureSetStorage, generate_uid

from omentum.errors import GridMismatchError, UnreadableImageError
from omentum.exchange.batch import add_found
from omentum.exchange.importers.dicom_masks import dicom_masks
from omentum.exchange.importers.dicom_segment_names import segment_names
from omentum.exchange.importers.find_sources import find_sources
from omentum.volumes.dicom import read_series
from omentum.volumes.geometry import Geometry
from omentum.volumes.labels import organ
from omentum.volumes.nifti import read_nifti


@pytest.fixture
def series(tmp_path, write_series):
    write_series(tmp_path / "p1" / "ct")
    return tmp_path / "p1" / "ct"


@pytest.fixture
def masks(series):
    shape = read_series(series).geometry.shape
    liver, kidneys, odd = (np.zeros(shape, dtype=bool) for _ in range(3))
    liver[2:8, 3:9, 1:6] = True
    kidneys[1:3, 10:14, 2:5] = kidneys[12:15, 10:14, 2:5] = True
    odd[5, 5, 5] = True
    return {"Liver": liver, "Kidneys": kidneys, "Something": odd}


def write_seg(path, series, masks, *, omit_empty=True):
    headers = [pydicom.dcmread(one) for one in read_series(series).files]
    segments = [
        hd.seg.SegmentDescription(
            segment_number=k,
            segment_label=name,
            segmented_property_category=codes.SCT.Organ,
            segmented_property_type=codes.SCT.Liver,
            algorithm_type=hd.seg.SegmentAlgorithmTypeValues.MANUAL,
        )
        for k, name in enumerate(masks, start=1)
    ]
    frames = np.stack([mask.transpose(2, 1, 0) for mask in masks.values()], axis=-1).astype(np.uint8)
    seg = hd.seg.Segmentation(
        source_images=headers, pixel_array=frames, segmentation_type=hd.seg.SegmentationTypeValues.BINARY,
        segment_descriptions=segments, series_instance_uid=generate_uid(), series_number=9,
        sop_instance_uid=generate_uid(), instance_number=1, manufacturer="a", manufacturer_model_name="b",
        software_versions="1", device_serial_number="1", omit_empty_frames=omit_empty,
    )  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    seg.save_as(path)
    return path


def write_rtstruct(path, series, rings):
    """Write contours: by name, a list of (slice, corners in voxels (x, y))."""
    found = read_series(series)
    header = pydicom.dcmread(found.files[0])
    meta = pydicom.dataset.FileMetaDataset()
    meta.MediaStorageSOPClassUID = RTStructureSetStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    data = pydicom.FileDataset(str(path), Dataset(), preamble=bytes(128), file_meta=meta)
    data.Modality, data.SOPClassUID = "RTSTRUCT", RTStructureSetStorage
    data.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    referred, study, frame = Dataset(), Dataset(), Dataset()
    referred.SeriesInstanceUID = header.SeriesInstanceUID
    study.RTReferencedSeriesSequence = Sequence([referred])
    frame.RTReferencedStudySequence = Sequence([study])
    data.ReferencedFrameOfReferenceSequence = Sequence([frame])
    rois, contours = [], []
    for number, (name, own) in enumerate(rings.items(), start=1):
        roi, drawn = Dataset(), Dataset()
        roi.ROINumber, roi.ROIName = number, name
        drawn.ReferencedROINumber, items = number, []
        for z, corners in own:
            contour = Dataset()
            contour.ContourGeometricType = "CLOSED_PLANAR"
            places = found.geometry.to_mm(np.array([(x, y, z) for x, y in corners])) * [-1, -1, 1]
            contour.ContourData = [round(float(value), 4) for value in places.ravel()]
            contour.NumberOfContourPoints = len(corners)
            items.append(contour)
        drawn.ContourSequence = Sequence(items)
        rois.append(roi)
        contours.append(drawn)
    data.StructureSetROISequence, data.ROIContourSequence = Sequence(rois), Sequence(contours)
    data.save_as(path, enforce_file_format=True)
    return path


def shifted(grid, by_voxels):
    """The same grid, some voxels further along its axes."""
    affine = grid.affine.copy()
    affine[:3, 3] = grid.to_mm(by_voxels)
    return Geometry(grid.shape, affine)


@pytest.mark.parametrize("omit_empty", [True, False])
def test_what_another_program_segmented_is_read_voxel_for_voxel(tmp_path, series, masks, omit_empty):
    path = write_seg(tmp_path / "seg.dcm", series, masks, omit_empty=omit_empty)
    masks.pop("Something")
    read = dict(dicom_masks(path, read_series(series).geometry))
    # The last is not named as an organ, but coded as one.
    assert set(read) == {"liver", "kidney"}
    np.testing.assert_array_equal(read["kidney"], masks["Kidneys"])


def test_names_come_before_codes_and_unknown_ones_are_told(tmp_path, series, masks):
    path = write_seg(
        tmp_path / "seg.dcm", series, {"Spleen": masks["Liver"], "Left kidney": masks["Kidneys"]}
    )
    assert dict(segment_names(pydicom.dcmread(path)).by_number.values()) == {
        "Spleen": "spleen",
        "Left kidney": "kidney_left",
    }
    read = dict(dicom_masks(path, read_series(series).geometry))
    np.testing.assert_array_equal(read["spleen"], masks["Liver"])


def test_contours_are_filled_and_one_in_another_is_a_hole(tmp_path, series):
    outer, inner = (
        [(1.5, 2.5), (9.5, 2.5), (9.5, 10.5), (1.5, 10.5)],
        [(3.5, 4.5), (5.5, 4.5), (5.5, 6.5), (3.5, 6.5)],
    )
    path = write_rtstruct(
        tmp_path / "rt.dcm", series, {"Liver": [(3, outer), (3, inner)], "PTV": [(2, inner)]}
    )
    ((name, mask),) = dicom_masks(path, read_series(series).geometry)
    expected = np.zeros(mask.shape, dtype=bool)
    expected[2:10, 3:11, 3] = True
    expected[4:6, 5:7, 3] = False
    assert name == "liver"
    np.testing.assert_array_equal(mask, expected)


def test_what_lies_on_another_grid_or_is_no_segmentation_is_refused(tmp_path, series, masks, write_series):
    seg = write_seg(tmp_path / "seg.dcm", series, masks)
    other = write_series(tmp_path / "other", n=3)
    grid = read_series(series).geometry
    with pytest.raises(GridMismatchError, match=r"0\.50 voxels off"):
        list(dicom_masks(seg, shifted(grid, (0.5, 0, 0))))
    with pytest.raises(GridMismatchError, match="lie beyond the CT, and none on it"):
        list(dicom_masks(seg, shifted(grid, (0, 0, 20))))
    with pytest.raises(UnreadableImageError, match="modality is 'CT'"):
        list(dicom_masks(other[0], read_series(series).geometry))
    heart = write_rtstruct(tmp_path / "rt.dcm", series, {"Heart": []})
    with pytest.raises(UnreadableImageError, match="'Heart'"):
        list(dicom_masks(heart, read_series(series).geometry))


def test_a_segmentation_in_the_heap_is_the_label_of_its_series(atlas, tmp_path, series, masks):
    masks.pop("Something")
    seg = write_seg(
        tmp_path / "p1" / "seg" / "1.dcm", series, {"Spleen": masks["Liver"], "Kidneys": masks["Kidneys"]}
    )
    (source,) = find_sources([tmp_path / "p1"]).sources
    assert source.label.path == seg
    batch = add_found(atlas.workspace, find_sources([tmp_path / "p1"]))
    assert batch.failed == ()
    (case,) = atlas.workspace.store.cases.all()
    assert case.original_organs == ("spleen", "kidney_right", "kidney_left")
    labels = read_nifti(case.original_label_path).voxels
    np.testing.assert_array_equal(labels == organ("spleen").index, masks["Liver"])
    right = labels == organ("kidney_right").index
    assert case.geometry.orientation == "LPS"
    assert right[1:3].any()  # the first index runs to the left, so the right kidney comes first
    assert not right[12:].any()
