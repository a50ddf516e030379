"""DICOM exports have the colours of the label table."""

import highdicom as hd
import pydicom
import pytest

from omentum.exchange.exporters.export import export_release
from omentum.exchange.exporters.exporter import Export
from omentum.runners.in_process import InProcessRunner
from omentum.volumes.labels import organ

ORGANS = ("kidney_right", "kidney_left", "liver")


@pytest.fixture
def exported(tmp_path, released):
    """Function: a layout and a modality to the files of that modality."""

    def call(layout, modality):
        asked = Export(version="V1", out=tmp_path / layout, organs=ORGANS)
        assert export_release([released()], layout, asked, InProcessRunner()).failed == ()
        found = [pydicom.dcmread(path) for path in (tmp_path / layout).rglob("*.dcm")]
        return [file for file in found if modality == file.Modality]

    return call


def test_dicom_seg_recommends_them(exported):
    files = exported("dicom-seg", "SEG")
    segments = {one.SegmentLabel: one for file in files for one in file.SegmentSequence}
    assert set(segments) == set(ORGANS)
    for name, segment in segments.items():
        expected = hd.color.CIELabColor.from_rgb(*organ(name).colour).value
        assert tuple(segment.RecommendedDisplayCIELabValue) == expected


def test_rtstruct_has_them(exported):
    (file,) = exported("rtstruct", "RTSTRUCT")
    names = {one.ROINumber: one.ROIName for one in file.StructureSetROISequence}
    colours = {names[one.ReferencedROINumber]: tuple(one.ROIDisplayColor) for one in file.ROIContourSequence}
    assert colours == {name: organ(name).colour for name in ORGANS}
