"""A page says that its reader is at work, and what comes of it is in the dashboard."""

import subprocess
import sys

import pytest

from omentum.review.hand_in import HandIn, hand_in


@pytest.fixture
def task(client):
    return client.post("/api/tasks/next", json={"warm": False}).json()["task"]


def test_signs_of_work_are_noted_for_the_reader_and_the_task(client, task, queued):
    first = client.post(f"/api/tasks/{task['task']}/activity", json={"actions": {"brush": 3}})
    assert (first.status_code, first.json()) == (200, {"seconds": 0.0, "idle_after_seconds": 60.0})
    second = client.post(f"/api/tasks/{task['task']}/activity", json={}).json()
    assert 0 < second["seconds"] < 60
    noted = queued.workspace.store.activities.of_task(task["task"])
    assert [(one.reader, one.actions) for one in noted] == [("anna", {"brush": 3}), ("anna", {})]


@pytest.mark.parametrize(
    "body",
    [
        {"actions": {"Brush": 1}},
        {"actions": {"brush": -1}},
        {"actions": {"brush": 10_001}},
        {"actions": {f"tool-{number}": 1 for number in range(51)}},
        {"seconds": 1e9},
    ],
)
def test_what_no_page_sends_is_refused(client, task, body):
    answer = client.post(f"/api/tasks/{task['task']}/activity", json=body)
    assert (answer.status_code, answer.json()["kind"]) == (422, "invalid")


def test_activity_on_a_task_that_is_not_there_is_refused(client):
    answer = client.post("/api/tasks/99/activity", json={})
    assert (answer.status_code, answer.json()["kind"]) == (404, "unknown")


def test_an_answer_is_a_sign_of_work_itself(client, task, queued):
    for _ in range(2):
        client.post(f"/api/tasks/{task['task']}/activity", json={})
    assert client.post(f"/api/tasks/{task['task']}/accept", json={"base": task["base"]}).status_code == 202
    assert len(queued.workspace.store.activities.of_task(task["task"])) == 3


def test_the_dashboard_tells_minutes_by_reader(client, task, queued, liver):
    for _ in range(2):
        client.post(f"/api/tasks/{task['task']}/activity", json={})
    mask = liver.copy()
    mask[2, 5:9, 5:9] = True
    one = HandIn(case_id="a", organ="liver", mask=mask, reader="anna", task_number=task["task"])
    hand_in(queued.workspace, [one])
    told = client.get("/api/dashboard").json()
    assert [(one["reader"], one["n_revisions"]) for one in told["readers"]] == [("anna", 1)]
    assert 0 < told["readers"][0]["minutes"] <= told["readers"][0]["minutes_at_work"]
    assert {one["organ"]: one["n_revised"] for one in told["organs"]} == {
        "spleen": 0,
        "liver": 1,
        "pancreas": 0,
    }
    assert told["queue"]["counts"]["done"] == 1


def test_the_dashboard_says_nothing_of_the_score_of_an_audited_organ(client):
    told = client.get("/api/dashboard").text
    assert "two pieces" not in told


def test_without_a_session_there_is_no_dashboard(client):
    client.cookies.clear()
    assert client.get("/api/dashboard").status_code == 401


def test_the_routes_load_no_network_and_draw_nothing():
    program = (
        "import sys, omentum.app.server.dashboard_routes\n"
        "print([name for name in ('torch', 'monai', 'matplotlib') if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
