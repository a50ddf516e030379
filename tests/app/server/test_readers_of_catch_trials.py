"""Who made the true mask is given no trial of it, and a trial ends where its organ is asked for."""

from dataclasses import replace

import pytest

from fixtures.catch import VOUCHED, trial_of
from omentum.project.accounts import add_person, make_token
from omentum.records import TaskKind, TaskState
from omentum.records.people import Role
from omentum.review.page_bases import facts_of_task, shows_attention
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


def other_task(project, organ):
    """Another task of the trial's case, which comes before the trial."""
    task, _ = trial_of(project)
    rank = {"rank": 0, "number": None, "kind": TaskKind.ATTENTION}
    return project.store.tasks.add(replace(task, organ=organ, **rank))


def liver_in(client, number):
    told = client.get(f"/api/tasks/{number}").json()["organs"]
    return next((one["base"], one["source"]) for one in told if one["organ"] == "liver")


def test_another_task_of_the_case_hides_a_trial_that_nobody_has_claimed(client, project):
    task, trial = trial_of(project)
    other = other_task(project, "spleen")
    assert liver_in(client, other.number) == (trial.planted_sha256, "predicted")
    assert liver_in(client, other.number) == liver_in(client, task.number)
    assert client.get(f"/api/tasks/{other.number}").json()["masks"] == ["shown", "predicted:synthetic"]


def test_a_trial_that_ended_unread_is_hidden_no_more(client, project):
    task, trial = trial_of(project)
    other = other_task(project, "spleen")
    project.store.tasks.set_state([task.number], TaskState.SKIPPED)
    assert liver_in(client, other.number) == (trial.true_sha256, "revised")


def test_an_admin_is_not_told_that_a_mask_was_restored_when_none_was(caught_server, project):
    client, state = caught_server
    task, _ = trial_of(project)
    at = f"/api/cases/{task.case_id}/organs/liver/restore"
    assert client.post(at, json={"to": "predicted"}).status_code == 200
    add_person(project.store, "chief", [Role.ADMIN], password="chief adds all people")
    token, _ = make_token(project.store, "chief", "script")
    state.accounts.forget()
    client.cookies.clear()
    client.headers["authorization"] = f"Bearer {token}"
    refused = client.post(at, json={"to": "predicted"})
    assert (refused.status_code, refused.json()["kind"]) == (409, "refused")
    assert f"task {task.number}" in refused.json()["detail"]
    assert project.store.decisions.all() == []


def test_only_the_trial_itself_shows_attention_of_its_organ(project):
    task, _ = trial_of(project)
    about = facts_of_task(project, other_task(project, "spleen"), "anna")
    assert shows_attention(about)
    assert not shows_attention(replace(about, task=replace(about.task, organ="liver")))
    assert shows_attention(facts_of_task(project, task, "anna"))
