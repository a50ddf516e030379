"""DICOMweb shows what the review page shows, and says what it does not offer."""

from dataclasses import replace
from io import BytesIO

import numpy as np
import pydicom
import pytest

from fixtures.catch import trial_of
from omentum.app.server.app import make_state
from omentum.app.server.dicomweb.accept import DICOM, EXPLICIT, IMPLICIT, OCTETS, Form, binary_form
from omentum.app.server.dicomweb.shown_organs import shown_organs
from omentum.records import Case
from omentum.review.tasks import request
from omentum.volumes.geometry import Geometry

from .conftest import entered, save


def study_of(client, case_id):
    (found,) = client.get("/dicomweb/studies", params={"StudyDescription": case_id}).json()
    return found["0020000D"]["Value"][0]


def series_of(client, study, modality):
    (found,) = client.get(f"/dicomweb/studies/{study}/series", params={"Modality": modality}).json()
    return found["0020000E"]["Value"][0]


@pytest.fixture
def series(client):
    """Path of the CT series of the first case."""
    study = study_of(client, "a")
    return f"/dicomweb/studies/{study}/series/{series_of(client, study, 'CT')}"


def instance_of(client, series):
    return client.get(f"{series}/instances", params={"limit": 1}).json()[0]["00080018"]["Value"][0]


def test_a_name_that_is_no_attribute_and_a_number_that_is_none_are_refused(client):
    for query in ("Nonsense=1", "limit=-1", "offset=x", "a.b%0d%0aSet-Cookie:c=1"):
        answer = client.get(f"/dicomweb/studies?{query}")
        assert (answer.status_code, query.partition("=")[0][:3] in answer.json()["detail"]) == (400, True)


def test_what_is_not_matched_is_said_in_a_warning(client):
    unknown = "BodyPartExamined=LIVER&00400275.00400008=1"
    answer = client.get(f"/dicomweb/studies?fuzzymatching=true&{unknown}&limit=5000")
    assert len(answer.json()) == 3
    said = answer.headers["warning"]
    assert "fuzzymatching parameter is not supported" in said
    assert "BodyPartExamined is not supported" in said
    assert "00400275.00400008 is not supported" in said
    assert "exceeded the maximum" in said
    assert "warning" not in client.get("/dicomweb/studies?includefield=all&PatientID=*").headers


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("00100020=a", ["a"]),
        ("PatientName=B", []),
        ("PatientName=b^", ["b"]),
        ("StudyID=?", ["a", "b", "c"]),
        ("StudyDate=19000101", ["a", "b", "c"]),
        ("StudyDate=20200101-", []),
        ("ModalitiesInStudy=SEG&offset=2", ["c"]),
        ("ModalitiesInStudy=MR", []),
        ("PatientID=[a]", []),
        ("ReferringPhysicianName=" + "a*" * 40, []),
        ("StudyInstanceUID=1.2.3", []),
    ],
)
def test_studies_are_found_by_their_attributes(client, query, found):
    rows = client.get(f"/dicomweb/studies?{query}").json()
    assert [row["00081030"]["Value"][0] for row in rows] == found


def test_what_is_not_there_is_unknown(client, series):
    study = series.split("/")[3]
    gone = [
        "/dicomweb/studies/1.2.3/series",
        f"/dicomweb/studies/{study}/series/1.2.3",
        f"{series}/instances/1.2.3",
        f"{series}/instances/{instance_of(client, series)}/frames/2",
        f"{series}/instances/{instance_of(client, series)}/rendered",
    ]
    for path in gone:
        assert client.get(path).status_code in (403, 404), path
    assert client.get("/dicomweb/studies/words/series").status_code == 422


def test_other_forms_than_those_offered_are_not_acceptable(client, series):
    assert client.get("/dicomweb/studies", headers={"accept": "text/html"}).status_code == 406
    jpeg = f'multipart/related; type="{DICOM}"; transfer-syntax=1.2.840.10008.1.2.4.50'
    answer = client.get(series, headers={"accept": jpeg})
    assert answer.status_code == 406
    assert EXPLICIT in answer.json()["detail"]


def test_an_instance_comes_alone_and_in_implicit_vr_where_it_is_asked_so(client, series):
    uid = instance_of(client, series)
    accept = {"accept": f"{DICOM}; transfer-syntax={IMPLICIT}"}
    answer = client.get(f"{series}/instances/{uid}", headers=accept)
    assert answer.headers["content-type"] == DICOM
    made = pydicom.dcmread(BytesIO(answer.content))
    assert (made.file_meta.TransferSyntaxUID, made.SOPInstanceUID) == (IMPLICIT, uid)
    frame = client.get(f"{series}/instances/{uid}/frames/1", headers={"accept": OCTETS})
    assert frame.content == made.PixelData


def test_the_first_form_that_is_offered_is_taken():
    either = f'multipart/related; type="{OCTETS}"; transfer-syntax=1.2.3, */*'
    assert binary_form(either, OCTETS) == Form(syntax=EXPLICIT)
    assert binary_form("", DICOM) == Form()


def test_a_sheared_ct_is_listed_and_its_series_are_refused_with_a_sentence(client, queued):
    affine = np.diag([1.0, 1.0, 2.0, 1.0])
    affine[1, 2] = 0.5
    path = queued.folder("tilted") / "ct.nii.gz"
    tilted = Case(
        case_id="tilted", patient_id="t", ct_path=path, geometry=Geometry((4, 4, 4), affine), source="t"
    )
    queued.workspace.store.cases.add(tilted)
    (row,) = client.get("/dicomweb/studies?PatientID=t").json()
    assert row["00201206"]["Value"] == [0]
    answer = client.get(f"/dicomweb/studies/{row['0020000D']['Value'][0]}/series")
    assert (answer.status_code, "not at right angles" in answer.json()["detail"]) == (409, True)
    assert len(client.get("/dicomweb/series?Modality=CT").json()) == 3


def test_an_excluded_case_is_gone(client, queued):
    study = study_of(client, "a")
    queued.workspace.store.cases.exclude("a", "motion")
    assert client.get(f"/dicomweb/studies/{study}/series").status_code == 404


def test_one_cannot_see_what_another_reader_drew_of_an_organ_that_is_read_twice(
    app, queued, drawn, edits, client, state
):
    task = request(queued.workspace, "a", "liver", n_readings=2)
    shown = client.post(f"/api/tasks/{task.number}/claim").json()["base"]
    before = series_of(client, study_of(client, "a"), "SEG")
    other = entered(app)
    other.put("/api/session", json={"reader": "ben"})
    assert series_of(other, study_of(other, "a"), "SEG") == before
    assert save(client, edits({"liver": (shown, drawn)}), task.number).status_code == 202
    state.saves.drained()
    assert series_of(other, study_of(other, "a"), "SEG") == before
    assert series_of(client, study_of(client, "a"), "SEG") != before


def test_a_catch_trial_shows_what_its_task_shows(caught):
    state = make_state(caught.workspace, "anna")
    task, trial = trial_of(caught.workspace)
    case = caught.workspace.store.cases.get(task.case_id)
    for reader in ("anna", "zoe"):
        found = {base.organ: base for _, base in shown_organs(state, case, reader).bases}
        assert found["liver"].sha256 == trial.planted_sha256
        assert found["liver"].source == found["spleen"].source
        assert found["liver"].network == found["spleen"].network


def test_other_masks_have_another_content(caught):
    state = make_state(caught.workspace, "anna")
    case = caught.workspace.store.cases.get("real-1")
    shown = shown_organs(state, case, "anna")
    less = replace(shown, bases=shown.bases[:1])
    assert len({shown.content, less.content, replace(shown, bases=()).content}) == 3
