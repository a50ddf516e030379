"""Decisions about readings are an adjudicator's, are made once, and say what they mean."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from app.server.conftest import BINARY, box, logged_in
from app.server.test_adjudication import as_reader, disagreeing, read, twice, wide  # noqa: F401 (fixtures)
from omentum.errors import ReviewError
from omentum.review.adjudicate import decide_task

pytestmark = pytest.mark.usefixtures("wide")


@pytest.mark.parametrize("is_decided", [False, True])
def test_a_reader_restores_no_mask_that_an_adjudicator_decides_about(client, app, state, request, is_decided):
    disagreed = request.getfixturevalue("disagreeing")
    if is_decided:
        client.post("/api/adjudications/1/decide", json={"stands": "revision:1"})
    request.getfixturevalue("people")
    state.accounts.forget()
    at = "/api/cases/a/organs/liver/restore"
    refused = logged_in(app, "anna").post(at, json={"to": 2})
    assert (
        (refused.status_code, refused.json()["kind"]) == (403, "hidden") if is_decided else (409, "refused")
    )
    if is_decided:
        assert logged_in(app, "ada").post(at, json={"to": 2}).status_code == 200
    assert len(disagreed.workspace.store.decisions.of_case("a")) == 2 * is_decided


def test_of_two_adjudicators_at_once_one_decides(request):
    project = request.getfixturevalue("disagreeing").workspace

    def decided(stands):
        try:
            return decide_task(project, 1, stands, by="dora").revision_number
        except ReviewError:
            return None

    with ThreadPoolExecutor(2) as both:
        found = set(both.map(decided, ["revision:1", "revision:2"]))
    assert None in found
    assert len(project.store.decisions.of_case("a")) == 1


def test_a_mask_drawn_before_another_decision_overrides_it_not_and_is_a_draft(
    client, state, edits, request, drawn
):
    project = request.getfixturevalue("disagreeing").workspace
    opened = client.get("/api/adjudications/1").json()
    mask = drawn.copy()
    mask[3:5] = False
    content = edits({"liver": (opened["bases"]["common"], mask)})
    work = state.saves._threads._do
    state.saves._threads._do = lambda job: (decide_task(project, 1, "revision:1", by="ada"), work(job))
    name = client.post("/api/adjudications/1/save", content=content, headers=BINARY).json()["save"]
    state.saves.drained()
    kept = client.get(f"/api/saves/{name}").json()
    assert kept["state"] == "failed"
    assert "meanwhile" in str(kept)
    assert [one.by for one in project.store.decisions.of_case("a")] == ["ada"]
    assert len(client.get("/api/tasks/1/drafts").json()) == 1


def test_the_common_part_of_readings_apart_is_not_decided(client, state, edits, request):
    project = request.getfixturevalue("twice").workspace
    for name, mask in (("anna", box((3, 9), (3, 17), (2, 17))), ("ben", box((10, 19), (3, 17), (2, 17)))):
        read(client, state, edits, name, mask)
    as_reader(client, "dora")
    refused = client.post("/api/adjudications/1/decide", json={"stands": "common"})
    assert (refused.status_code, refused.json()["kind"]) == (409, "refused")
    assert "no voxel" in refused.json()["detail"]
    assert project.store.tasks.get(1).state.value == "in adjudication"
