import numpy as np
import pydicom
import pytest
from dicomanonymizer.dicomfields_selector import dicom_anonymization_database_selector
from pydicom.datadict import tag_for_keyword

from omentum.errors import DicomSeriesError
from omentum.exchange.batch import add_found
from omentum.exchange.deidentify import KEPT, deidentified, write_deidentified
from omentum.exchange.import_options import ImportOptions
from omentum.exchange.importers.find_sources import find_sources
from omentum.volumes.dicom import read_dicom, read_series

SECRET = bytes(32)
IDENTIFYING = ("Doe", "Jane", "MRN 1", "19700101", "20200202", "General Hospital", "secret note")


@pytest.fixture
def files(tmp_path, write_series):
    paths = write_series(tmp_path / "Doe_Jane", InstitutionName="General Hospital", OperatorsName="Doe^Jane")
    for path in paths:
        data = pydicom.dcmread(path)
        data.add_new((0x0019, 0x0010), "LO", "MAKER")
        data.add_new((0x0019, 0x1001), "LO", "secret note")
        data.file_meta.SourceApplicationEntityTitle = "Doe"
        data.save_as(path)
    return paths


def test_nothing_identifying_stays_and_every_voxel_does(tmp_path, files):
    folder = tmp_path / "out"
    folder.mkdir()
    write_deidentified(read_series(files[0].parent).files, folder, SECRET)
    for path in folder.iterdir():
        assert not [text for text in IDENTIFYING if text.encode() in path.read_bytes()]
    before, after = read_dicom(files[0].parent), read_dicom(folder)
    np.testing.assert_array_equal(before.voxels, after.voxels)
    assert before.geometry.same_grid(after.geometry)
    data = pydicom.dcmread(folder / "0001.dcm")
    assert data.PatientIdentityRemoved == "YES"
    assert data.DeidentificationMethodCodeSequence[0].CodeValue == "113100"
    original = pydicom.dcmread(files[0])
    for name in ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID", "SOPInstanceUID"):
        assert str(original[name].value).encode() not in (folder / "0001.dcm").read_bytes()


def test_what_belonged_together_still_does(files):
    one, two = (deidentified(pydicom.dcmread(path), SECRET) for path in files[:2])
    assert one.SeriesInstanceUID == two.SeriesInstanceUID
    assert one.PatientID == two.PatientID
    assert one.SOPInstanceUID != two.SOPInstanceUID
    assert deidentified(pydicom.dcmread(files[0]), b"other" * 8).SeriesInstanceUID != one.SeriesInstanceUID


def test_only_listed_attributes_stay(files):
    kept = deidentified(pydicom.dcmread(files[0]), SECRET)
    added = {"PatientID", "PatientName", "PatientIdentityRemoved", "DeidentificationMethod"}
    for element in kept:
        assert (
            element.keyword in KEPT
            or element.keyword in added
            or not element.value
            or element.VR in {"UI", "SQ"}
        )


def test_nothing_stays_that_the_basic_profile_of_ps3_15_takes_away():
    groups = dicom_anonymization_database_selector("dicomfields_2026c")
    table = {tag[:2] for tags in groups.values() for tag in tags if len(tag) == 2}
    kept = {name: tag_for_keyword(name) for name in KEPT}
    assert None not in kept.values()
    assert len(table) > 600
    assert not {name for name, tag in kept.items() if (tag >> 16, tag & 0xFFFF) in table}


def test_names_burned_into_pixels_are_refused(files):
    data = pydicom.dcmread(files[0])
    data.BurnedInAnnotation = "YES"
    with pytest.raises(DicomSeriesError, match="burned"):
        deidentified(data, SECRET)


def test_a_project_of_deidentified_cts_names_no_patient(atlas, files):
    for _ in range(2):  # the same command again knows them
        batch = add_found(
            atlas.workspace, find_sources([files[0].parent]), options=ImportOptions(deidentify=True)
        )
        assert batch.failed == ()
    (case,) = atlas.workspace.store.cases.all()
    assert case.case_id.startswith("ct-")
    assert len(list((case.ct_path.parent / "dicom").iterdir())) == 9
    for path in atlas.workspace.folder.root.rglob("*"):
        assert not [text for text in IDENTIFYING if text in path.name]
        if path.is_file():
            assert not [text for text in IDENTIFYING if text.encode() in path.read_bytes()]


def test_a_real_compressed_series_without_identifiers_keeps_its_voxels(shared, tmp_path):
    folder = shared / "data" / "totalsegmentator_example" / "dicom"
    write_deidentified(read_series(folder).files, tmp_path, SECRET)
    np.testing.assert_array_equal(read_dicom(folder).voxels, read_dicom(tmp_path).voxels)


def test_an_enhanced_file_is_refused_and_one_without_preamble_is_copied(tmp_path, write_series):
    files = write_series(tmp_path / "ct")
    data = pydicom.Dataset({one.tag: one for one in pydicom.dcmread(files[0])})
    with files[0].open("wb") as stream:
        pydicom.dcmwrite(stream, data, implicit_vr=True, little_endian=True)
    (copy,) = write_deidentified(files[:1], tmp_path / "copy", SECRET)
    assert pydicom.dcmread(copy).PixelData == data.PixelData
    enhanced = pydicom.dcmread(files[1])
    enhanced.PerFrameFunctionalGroupsSequence = [pydicom.Dataset()]
    with pytest.raises(DicomSeriesError, match="enhanced"):
        deidentified(enhanced, SECRET)
