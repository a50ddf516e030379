"""dicomweb-client lists and retrieves cases, and what it gets is the CT and the masks, voxel for voxel."""

from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from dicomweb_client.api import DICOMwebClient

from fixtures.page_atlas import PageAtlas, Wanted, page_atlas
from fixtures.running_server import running
from omentum.app.server.app import make_app, make_state
from omentum.exchange.importers.dicom_masks import dicom_masks
from omentum.exchange.importers.dicom_segment_names import segment_names
from omentum.project.accounts import add_person, make_token
from omentum.project.project import opened
from omentum.records.people import Role
from omentum.volumes.geometry import Geometry
from omentum.volumes.lattice import full_placement
from omentum.volumes.nifti import read_nifti
from omentum.volumes.read import read_ct
from omentum.volumes.segmentations import read_on_grid

WANTED = (
    Wanted("a", orientation="LPS", turned_degrees=20.0, spacing_mm=(0.75, 1.3, 2.7)),
    Wanted("b", orientation="RAS", organ="spleen"),
    Wanted("c", orientation="PIL", turned_degrees=-9.0),
)
CASES = [one.case_id for one in WANTED]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("dicomweb") / "atlas"
    page_atlas(root, *WANTED)
    return root


@pytest.fixture(scope="module")
def project(root):
    with opened(root) as project:
        add_person(project.store, "maria", [Role.ADMIN], password="a long enough password")
        add_person(project.store, "anna", [Role.READER], password="a long enough password")
        yield project


@pytest.fixture(scope="module")
def client(project, tmp_path_factory):
    """A client of anna's, with a token of hers."""
    text, _ = make_token(project.store, "anna", "ohif")
    with running(make_app(make_state(project, "nobody"), 0, tmp_path_factory.mktemp("page"))) as url:
        headers = {"Authorization": f"Bearer {text}"}
        yield DICOMwebClient(f"{url}/dicomweb", headers=headers)


def study_of(client, case_id):
    (found,) = client.search_for_studies(search_filters={"StudyDescription": case_id})
    return pydicom.Dataset.from_json(found)


def series_of(client, study, modality):
    (found,) = client.search_for_series(study.StudyInstanceUID, search_filters={"Modality": modality})
    return pydicom.Dataset.from_json(found)


def saved(datasets, folder: Path) -> Path:
    folder.mkdir()
    for number, made in enumerate(datasets):
        made.save_as(folder / f"{number}.dcm", enforce_file_format=True)
    return folder


def test_studies_are_listed_by_pseudonym_and_page(client):
    found = [pydicom.Dataset.from_json(one) for one in client.search_for_studies()]
    assert [(one.StudyDescription, one.PatientID) for one in found] == [(name, name) for name in CASES]
    assert [list(one.ModalitiesInStudy) for one in found] == [["CT", "SEG"]] * 3
    second = client.search_for_studies(limit=1, offset=1, fields=["StudyDescription"])
    assert [one["00081030"]["Value"] for one in second] == [["b"]]
    assert client.search_for_studies(search_filters={"PatientName": "*B*"}) == second
    assert client.search_for_studies(search_filters={"StudyDate": "20200101-20210101"}) == []
    assert len(client.search_for_series(search_filters={"Modality": "CT"})) == 3


@pytest.mark.parametrize("case_id", CASES)
def test_a_series_is_the_ct_voxel_for_voxel_where_it_is(client, project, case_id, tmp_path):
    study = study_of(client, case_id)
    series = series_of(client, study, "CT")
    uids = study.StudyInstanceUID, series.SeriesInstanceUID
    made = client.retrieve_series(*uids)
    assert len(made) == series.NumberOfSeriesRelatedInstances
    folder = saved(made, tmp_path / "ct")
    case = project.store.cases.get(case_id)
    ours = read_ct(folder)
    placed = full_placement(folder, ours.geometry, case.geometry)
    np.testing.assert_array_equal(placed.turned(ours.voxels), PageAtlas.hu())
    image = sitk.ReadImage(sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder)))
    sitk.WriteImage(image, tmp_path / "ct.nrrd")
    np.testing.assert_array_equal(
        read_on_grid(tmp_path / "ct.nrrd", case.geometry).voxels, read_nifti(case.ct_path).voxels
    )


def test_metadata_is_that_of_the_objects_and_names_nobody(client):
    study = study_of(client, "a")
    series = series_of(client, study, "CT")
    uids = study.StudyInstanceUID, series.SeriesInstanceUID
    told = [pydicom.Dataset.from_json(one) for one in client.retrieve_series_metadata(*uids)]
    (listed, *_) = client.search_for_instances(*uids, limit=1, offset=3)
    uid = listed["00080018"]["Value"][0]
    made = client.retrieve_instance(*uids, uid)
    (frame,) = client.retrieve_instance_frames(*uids, uid, [1])
    assert frame == made.PixelData
    del made.PixelData
    assert told[3].SOPInstanceUID == uid
    now = made.to_json_dict()
    assert {tag: now[tag] for tag in told[3].to_json_dict()} == told[3].to_json_dict()
    assert set(now) - set(told[3].to_json_dict()) <= {"00080005"}  # the character set of the file
    assert (made.PatientName, made.PatientIdentityRemoved, made.PatientBirthDate) == ("a^", "YES", "")


def test_the_segmentation_is_read_back_with_organs_that_overlap_and_one_that_is_absent(
    client, project, hand_in, tmp_path
):
    masks = PageAtlas.masks_of_all()
    masks["spleen"] = masks["spleen"] | masks["liver"]
    masks["kidney_left"] = np.zeros_like(masks["liver"])
    for name in ("spleen", "kidney_left"):
        hand_in(project, "c", name, masks[name])
    study = study_of(client, "c")
    uids = study.StudyInstanceUID, series_of(client, study, "SEG").SeriesInstanceUID
    (made,) = client.retrieve_series(*uids)
    made.save_as(tmp_path / "seg.dcm", enforce_file_format=True)
    names = {name for _, name in segment_names(made).by_number.values()}
    assert names == set(masks)
    read = dict(dicom_masks(tmp_path / "seg.dcm", project.store.cases.get("c").geometry))
    assert set(read) == set(masks)
    for name, mask in masks.items():
        np.testing.assert_array_equal(read[name], mask, err_msg=name)
    (told,) = client.retrieve_series_metadata(*uids)
    assert pydicom.Dataset.from_json(told).NumberOfFrames == made.NumberOfFrames
    (frame,) = client.retrieve_instance_frames(*uids, made.SOPInstanceUID, [2])
    bits = np.unpackbits(np.frombuffer(frame, np.uint8), bitorder="little")[: made.Rows * made.Columns]
    np.testing.assert_array_equal(bits.reshape(made.Rows, made.Columns), made.pixel_array[1])


def test_masks_that_change_are_another_series_and_the_old_one_is_gone(client, project, hand_in):
    study = study_of(client, "a")
    before = series_of(client, study, "SEG").SeriesInstanceUID
    assert series_of(client, study, "SEG").SeriesInstanceUID == before
    hand_in(project, "a", "kidney_right", PageAtlas.masks_of_all()["kidney_left"])
    now = series_of(client, study, "SEG").SeriesInstanceUID
    assert now != before
    with pytest.raises(Exception, match="404"):
        client.retrieve_series(study.StudyInstanceUID, before)


def test_oblique_grids_keep_their_place_to_the_micrometre(client, project):
    study = study_of(client, "c")
    uids = study.StudyInstanceUID, series_of(client, study, "CT").SeriesInstanceUID
    first, *_, last = (pydicom.Dataset.from_json(one) for one in client.retrieve_series_metadata(*uids))
    grid: Geometry = project.store.cases.get("c").geometry.reoriented("LPS")
    lps = np.diag([-1.0, -1.0, 1.0]) @ grid.affine[:3]
    np.testing.assert_allclose(first.ImagePositionPatient, lps[:, 3], atol=1e-6)
    np.testing.assert_allclose(
        last.ImagePositionPatient, lps[:, 3] + (grid.shape[2] - 1) * lps[:, 2], atol=1e-6
    )
    np.testing.assert_allclose(first.PixelSpacing, grid.spacing_mm[1::-1], atol=1e-9)
