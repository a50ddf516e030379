"""A reader answers, leaves out and gives back what is that reader's own, and nothing of others."""

from datetime import timedelta

import pytest

from app.server.conftest import save
from app.server.test_adjudication import as_reader, disagreeing, read, twice, wide  # noqa: F401 (fixtures)
from omentum.records import TaskState
from omentum.review.claims import claim_task
from omentum.store.tasks import pool_of


def state_of(project, number=1):
    return project.store.tasks.get(number).state


def skip(client, number=1):
    return client.post(f"/api/tasks/{number}/skip", json={"why": "resected"})


def test_a_skip_ends_one_reading_alone_and_tells_nothing_of_the_other(client, state, edits, request, drawn):
    project = request.getfixturevalue("twice").workspace
    read(client, state, edits, "anna", drawn)
    as_reader(client, "ben")
    assert skip(client).json()["state"] == "skipped"
    assert state_of(project) is TaskState.SUBMITTED
    assert client.get("/api/tasks/1/masks/revision:1").status_code == 403
    assert skip(client).status_code == 409
    as_reader(client, "carl")
    assert client.post("/api/tasks/1/claim").status_code == 200


def test_nobody_skips_what_an_adjudicator_decides_or_another_reader_has(client, request):
    project = request.getfixturevalue("disagreeing").workspace
    as_reader(client, "carl")
    assert skip(client).status_code == 409
    assert state_of(project) is TaskState.IN_ADJUDICATION
    as_reader(client, "anna")
    client.post("/api/tasks/2/claim")
    as_reader(client, "ben")
    assert (skip(client, 2).status_code, skip(client, 2).json()["kind"]) == (409, "claimed")
    assert state_of(project, 2) is TaskState.CLAIMED


def test_a_lease_given_back_in_adjudication_changes_nothing(client, state, edits, request, drawn):
    project, other = request.getfixturevalue("twice").workspace, request.getfixturevalue("wide")
    as_reader(client, "anna")
    base = client.post("/api/tasks/1/claim").json()["base"]
    claim_task(project, 1, "ben", lasting=timedelta(seconds=-1))
    as_reader(client, "cleo")
    assert client.post("/api/tasks/1/claim").status_code == 200
    as_reader(client, "anna")
    save(client, edits({"liver": (base, drawn)}))
    state.saves.drained()
    project.store.leases.give_back(pool_of(1), "1", "cleo")
    read(client, state, edits, "ben", other)
    assert state_of(project) is TaskState.IN_ADJUDICATION
    assert project.store.leases.all(pool_of(1), ["1"]) == {}
    as_reader(client, "cleo")
    client.post("/api/tasks/1/give-back")
    assert state_of(project) is TaskState.IN_ADJUDICATION


def test_a_task_that_is_given_back_is_submitted_where_it_was_read(client, state, edits, request, drawn):
    project = request.getfixturevalue("twice").workspace
    read(client, state, edits, "anna", drawn)
    as_reader(client, "ben")
    client.post("/api/tasks/1/claim")
    client.post("/api/tasks/1/give-back")
    assert state_of(project) is TaskState.SUBMITTED


@pytest.mark.parametrize("answer", ["accept", "absent"])
def test_who_never_claimed_a_task_does_not_answer_it(client, state, queued, answer):
    base = client.post("/api/tasks/1/claim").json()["base"]
    as_reader(client, "ben")
    for number in (1, 2):
        seen = base if number == 1 else client.get("/api/tasks/2").json()["base"]
        refused = client.post(f"/api/tasks/{number}/{answer}", json={"base": seen})
        assert (refused.status_code, refused.json()["kind"]) == (409, "claimed")
    as_reader(client, "anna")
    assert client.post(f"/api/tasks/1/{answer}", json={"base": base}).status_code == 202


def test_edits_of_who_never_claimed_a_compared_task_are_kept_as_a_draft(client, edits, request, drawn):
    project = request.getfixturevalue("twice").workspace
    base = client.get("/api/tasks/1").json()["base"]
    for name in ("anna", "ben"):
        claim_task(project, 1, name)
    as_reader(client, "carl")
    refused = save(client, edits({"liver": (base, drawn)}))
    assert (refused.status_code, refused.json()["kind"]) == (409, "claimed")
    (draft,) = client.get("/api/tasks/1/drafts").json()
    assert draft["draft"] in refused.json()["detail"]


def test_who_drew_the_mask_of_a_catch_trial_does_not_answer_it(caught_server):
    from fixtures.catch import trial_of

    client, state = caught_server
    task, _ = trial_of(state.project)
    as_reader(client, "zoe")
    base = client.get(f"/api/tasks/{task.number}").json()["base"]
    refused = client.post(f"/api/tasks/{task.number}/accept", json={"base": base})
    assert (refused.status_code, refused.json()["kind"]) == (409, "claimed")
