import json
import shutil
from pathlib import Path

import numpy as np
import pydicom
import pytest

from omentum.exchange.batch import add_found
from omentum.exchange.importers.find_sources import find_sources
from omentum.volumes.dicom import read_dicom
from omentum.volumes.nifti import read_nifti


def reasons(found, folder):
    return {str(one.key).removeprefix(f"{folder}/"): one.reason for one in found.left_out}


def added(omentum, folder):
    """Add what is in `in/` to a new project: the exit code and what `--json` says."""
    assert omentum("init", folder / "project").code == 0
    ran = omentum("-C", folder / "project", "add", folder / "in", "--json")
    return ran.code, json.loads(ran.out)


def test_series_of_many_patients_in_one_folder_become_one_ct_each(tmp_path, write_series):
    for number, patient in enumerate(["A", "A", "B"], start=1):
        write_series(tmp_path / "export", prefix=f"{number}_", PatientID=patient, SeriesNumber=number)
    found = find_sources([tmp_path])
    assert [one.case_id for one in found.sources] == ["export_s1", "export_s2", "export_s3"]
    assert all(len(one.files) == 9 and one.path == tmp_path / "export" for one in found.sources)
    assert found.left_out == ()


def test_what_is_no_axial_ct_is_left_out_with_its_reason(tmp_path, write_series):
    folder = tmp_path / "study"
    write_series(folder / "good")
    for name, header in {
        "scout": {"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]},
        "mr": {"Modality": "MR"},
        "coronal": {"ImageOrientationPatient": [1, 0, 0, 0, 0, -1]},
        "mip": {"ImageType": ["DERIVED", "SECONDARY", "MIP"]},
    }.items():
        write_series(folder / name, **header)
    write_series(folder / "short", n=4)
    (folder / "good" / "report.txt").write_text("x")
    found = find_sources([folder])
    assert [one.case_id for one in found.sources] == ["good"]
    told = reasons(found, folder)
    assert len(told) == 4 * 9 + 4 + 1
    for path, seen in {
        "scout/001.dcm": "localizer",
        "mr/001.dcm": "modality is MR",
        "coronal/005.dcm": "not axial",
        "mip/009.dcm": "projection",
        "short/001.dcm": "4 slices",
        "good/report.txt": "beside DICOM",
    }.items():
        assert seen in told[path]


def test_one_series_over_several_folders_is_one_ct(tmp_path, write_series):
    files = write_series(tmp_path / "disk" / "a")
    (tmp_path / "disk" / "b").mkdir()
    for path in files[5:]:
        shutil.move(path, tmp_path / "disk" / "b" / path.name)
    (source,) = find_sources([tmp_path]).sources
    assert (source.case_id, source.path, len(source.files)) == ("disk", tmp_path / "disk", 9)


def test_series_without_identifiers_are_told_apart_by_folder(tmp_path, write_series):
    for name in ("x", "y"):
        write_series(tmp_path / name, SeriesInstanceUID="", StudyInstanceUID="", PatientID="")
    assert [one.case_id for one in find_sources([tmp_path]).sources] == ["x", "y"]


def test_series_of_one_number_keep_apart_and_the_same_names(tmp_path, write_series):
    for prefix in ("a", "b"):
        write_series(tmp_path / "export", prefix=prefix, SeriesNumber=7)
    names = [one.case_id for one in find_sources([tmp_path]).sources]
    assert len(set(names)) == 2
    assert names == [one.case_id for one in find_sources([tmp_path]).sources]
    assert all(name.startswith("export_s7_") for name in names)


def test_a_heap_comes_in_and_a_series_with_a_gap_is_set_aside(atlas, tmp_path, write_series):
    write_series(tmp_path / "export", prefix="1_", SeriesNumber=1, PatientID="A")
    write_series(tmp_path / "export", prefix="2_", SeriesNumber=2, PatientID="A")
    write_series(tmp_path / "export", prefix="3_", SeriesNumber=3, PatientID="B", n=12, gap=5)
    batch = add_found(atlas.workspace, find_sources([tmp_path / "export"]))
    assert batch.done == ("export_s1", "export_s2")
    assert "a slice is missing" in batch.failed[0].reason
    one, two = atlas.workspace.store.cases.all()
    assert one.patient_id == two.patient_id
    assert "A" not in one.patient_id
    first = pydicom.dcmread(tmp_path / "export" / "1_009.dcm")
    expected = first.pixel_array.T.astype(int) - 1024
    np.testing.assert_array_equal(read_nifti(one.ct_path).voxels[:, :, 0], expected)


@pytest.mark.parametrize("name", ["chaos_03", "crlm_1004", "totalsegmentator_example"])
def test_real_series_are_found(shared, name):
    (source,) = find_sources([shared / "data" / name / "dicom"]).sources
    assert source.case_id == name
    assert source.files == ()  # all files of the folder are its


def test_a_value_that_cannot_be_read_sets_the_series_aside_with_file_and_tag(atlas, tmp_path, write_series):
    write_series(tmp_path / "data" / "good")
    path = write_series(tmp_path / "data" / "bad")[3]
    path.write_bytes(path.read_bytes().replace(b"-20.0", b"-20,0"))
    batch = add_found(atlas.workspace, find_sources([tmp_path / "data"]))
    assert batch.done == ("good",)
    assert f"ImagePositionPatient of {path.name} is" in batch.failed[0].reason


def test_a_series_with_one_file_a_folder_is_one_ct(tmp_path, write_series):
    for number, path in enumerate(write_series(tmp_path / "export")):
        (tmp_path / "export" / str(number)).mkdir()
        path.rename(tmp_path / "export" / str(number) / "IM0")
    (source,) = find_sources([tmp_path]).sources
    assert (source.case_id, len(source.files)) == ("export", 9)


def test_files_without_preamble_and_ending_are_found(tmp_path, write_series):
    for path in write_series(tmp_path / "export"):
        data = pydicom.Dataset({one.tag: one for one in pydicom.dcmread(path)})
        with path.with_suffix("").open("wb") as stream:
            pydicom.dcmwrite(stream, data, implicit_vr=True, little_endian=True)
        path.unlink()
    (source,) = find_sources([tmp_path / "export"]).sources
    assert read_dicom(source.path).geometry.shape[2] == 9


def test_of_each_study_the_largest_series_may_be_taken_alone(tmp_path, write_series):
    for patient in ("A", "B"):
        for number, n_slices in ((1, 9), (2, 12), (3, 10)):
            header = {"PatientID": patient, "StudyInstanceUID": f"1.2.{ord(patient)}", "SeriesNumber": number}
            write_series(tmp_path / patient / str(number), n=n_slices, **header)
    found = find_sources([tmp_path], largest_only=True)
    assert [one.path.relative_to(tmp_path).as_posix() for one in found.sources] == ["A/2", "B/2"]
    assert len(found.left_out) == 2 * (9 + 10)
    assert "has 12; --all takes both" in found.left_out[0].reason


def test_a_damaged_file_sets_aside_the_one_series_in_its_folder(omentum, tmp_path, write_series):
    for name, content in {"empty": b"", "html": b"<html>not found</html>", "start": None}.items():
        path = write_series(tmp_path / "in" / name)[0]
        path.write_bytes(path.read_bytes()[:400] if content is None else content)
    write_series(tmp_path / "in" / "good")
    code, told = added(omentum, tmp_path)
    assert (code, [one["case"] for one in told["added"]]) == (1, ["good"])
    assert {one["case"] for one in told["failed"]} == {"empty", "html", "start"}
    assert all("001.dcm is cut short or damaged" in one["reason"] for one in told["failed"])


def test_a_damaged_file_among_several_series_is_set_aside_alone(omentum, tmp_path, write_series):
    write_series(tmp_path / "in", prefix="a", SeriesNumber=1)
    write_series(tmp_path / "in", prefix="b", SeriesNumber=2)
    (tmp_path / "in" / "c001.dcm").write_bytes(b"")
    code, told = added(omentum, tmp_path)
    assert (code, len(told["added"])) == (1, 2)
    (failed,) = told["failed"]
    assert failed["case"].endswith("c001.dcm")
    assert "cut short or damaged" in failed["reason"]


@pytest.mark.parametrize(
    "tag", ["ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "Columns"]
)
def test_a_slice_without_a_place_sets_its_series_aside_with_file_and_tag(
    omentum, tmp_path, write_series, tag
):
    path = write_series(tmp_path / "in" / "bad")[0]  # the last in space, so that no gap is left
    data = pydicom.dcmread(path)
    del data[tag]
    data.save_as(path)
    write_series(tmp_path / "in" / "good")
    code, told = added(omentum, tmp_path)
    assert (code, [one["case"] for one in told["added"]]) == (1, ["good"])
    assert f"{tag} of 001.dcm" in told["failed"][0]["reason"]


def test_pictures_without_a_place_in_a_series_of_their_own_are_left_out(tmp_path, write_series):
    write_series(tmp_path / "in" / "good")
    for path in write_series(tmp_path / "in" / "dose", n=2):
        data = pydicom.dcmread(path)
        del data.ImagePositionPatient
        data.save_as(path)
    found = find_sources([tmp_path / "in"])
    assert [one.case_id for one in found.sources] == ["good"]
    assert {one.reason.partition(":")[0] for one in found.left_out} == {
        "its header does not say where it lies"
    }


def test_a_file_that_cannot_be_opened_is_set_aside(tmp_path, monkeypatch, write_series, write_volume):
    write_series(tmp_path / "in" / "good")
    write_volume(tmp_path / "in" / "other" / "a.nii.gz")
    closed = {tmp_path / "in" / "good" / "closed", tmp_path / "in" / "locked"}
    for path in closed:
        path.write_bytes(b"x")
    opened = Path.open

    def refuse(path, *arguments, **options):
        if path in closed:
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, *arguments, **options)

    monkeypatch.setattr(Path, "open", refuse)
    found = find_sources([tmp_path / "in"])
    assert [one.case_id for one in found.sources] == ["good", "a"]
    assert {Path(one.key) for one in found.unusable} == closed
    assert all("Permission denied" in one.reason for one in found.unusable)


def test_a_series_in_a_folder_that_is_named_as_a_label_is_a_ct_and_label_maps_are_none(
    tmp_path, write_series
):
    write_series(tmp_path / "with_seg" / "ct")
    maps = write_series(tmp_path / "masks" / "liver")
    for path in maps:
        data = pydicom.dcmread(path)
        data.PixelData = bytes(len(data.PixelData))
        data.save_as(path)
    found = find_sources([tmp_path])
    assert [one.path.parent.name for one in found.sources] == ["with_seg"]
    assert {one.key for one in found.left_out} == {str(path) for path in maps}
