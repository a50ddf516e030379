"""Who made the true mask is given no trial of it, and a trial ends where its organ is asked for."""

import pytest

from fixtures.catch import VOUCHED, trial_of
from omentum.records import TaskKind, TaskState
from omentum.review.tasks import request


@pytest.fixture
def project(caught):
    return caught.workspace


@pytest.fixture
def client(caught_server):
    return caught_server[0]


def test_who_made_the_true_mask_is_never_given_the_trial(client, project):
    client.put("/api/session", json={"reader": "zoe"})
    task, _ = trial_of(project)
    queue = client.get("/api/queue").json()
    assert (task.number not in {one["task"] for one in queue["next"]}, queue["n_free"]) == (True, 4)
    assert client.post(f"/api/tasks/{task.number}/claim").status_code == 409
    given = {client.post("/api/tasks/next", json={"without": []}).json()["task"]["task"] for _ in range(2)}
    assert task.number not in given


def test_another_task_of_the_case_shows_a_reader_of_the_trial_no_other_mask(client, project):
    task, trial = trial_of(project)
    client.post(f"/api/tasks/{task.number}/claim")
    other = request(project, task.case_id, "spleen")
    told = client.get(f"/api/tasks/{other.number}").json()
    bases = {one["organ"]: (one["base"], one["source"]) for one in told["organs"]}
    assert bases["liver"] == (trial.planted_sha256, "predicted")


def test_who_asks_for_the_organ_gets_a_task_of_what_stands_and_the_trial_ends(project):
    task, trial = trial_of(project)
    asked = request(project, task.case_id, "liver")
    assert asked.kind is TaskKind.REQUESTED
    assert asked.shown_sha256 == trial.true_sha256
    assert project.store.tasks.get(task.number).state is TaskState.SKIPPED
    assert task.case_id in VOUCHED
