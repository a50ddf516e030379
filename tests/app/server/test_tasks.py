"""A page asks for tasks, claims them, and is shown what it may see."""

import json
from dataclasses import replace

import numpy as np
import pytest

from omentum.records import TaskKind, TaskState
from omentum.review.tasks import request

HIDDEN = ("attention_ml", "error_ml", "n_spots", "minutes")


@pytest.fixture
def attention(queued):
    """Attention of the liver of `a` and of `c`, where `c` is audited."""
    for case_id in ("a", "c"):
        folder = queued.workspace.folder.attention_dir(case_id)
        heat = np.zeros(queued.shape, np.uint8)
        heat[5:8, 5:8, 5:8] = 200
        queued.write(folder / "liver.nii.gz", heat)
        spot = {
            "organ": "liver", "volume_ml": 1.7, "error_ml": 1.1, "reason": "in 2 pieces",
            "low_voxel": [5, 5, 5], "high_voxel": [7, 7, 7], "centre_mm": [-24.0, -24.0, 24.0],
        }  # fmt: skip
        others = [{**spot, "organ": "spleen"}, {**spot, "high_voxel": [99, 7, 7]}, {"organ": "liver"}]
        (folder / "hot_spots.json").write_text(json.dumps({"hot_spots": [spot, *others]}))


def test_the_queue_gives_tasks_by_rank_and_what_the_reader_has(client):
    before = client.get("/api/queue").json()
    assert [one["task"] for one in before["next"]] == [1, 2, 3, 4]
    client.post("/api/tasks/next", json={})
    now = client.get("/api/queue").json()
    assert [one["task"] for one in now["mine"]] == [1]
    assert [one["task"] for one in now["next"]] == [2, 3, 4]
    assert (now["counts"]["claimed"], now["n_free"]) == (1, 3)
    only = client.get("/api/queue", params={"organ": "spleen", "case": "b"}).json()
    assert [one["task"] for one in only["next"]] == [3]


def test_the_next_task_is_the_readers_own_first_and_the_one_after_can_be_asked_for_meanwhile(client):
    first = client.post("/api/tasks/next", json={}).json()["task"]["task"]
    again = client.post("/api/tasks/next", json={}).json()["task"]["task"]
    after = client.post("/api/tasks/next", json={"without": [first]}).json()["task"]["task"]
    assert (first, again, after) == (1, 1, 2)
    client.put("/api/session", json={"reader": "ben"})
    assert client.post("/api/tasks/next", json={}).json()["task"]["task"] == 3


def test_no_task_is_left_at_the_end(client):
    answer = client.post("/api/tasks/next", json={"without": [1, 2, 3, 4]})
    assert (answer.status_code, answer.json()["task"]) == (200, None)


def test_a_task_that_another_has_is_not_given_out_and_says_who_has_it(client):
    client.post("/api/tasks/1/claim")
    client.put("/api/session", json={"reader": "ben"})
    refused = client.post("/api/tasks/1/claim")
    assert (refused.status_code, refused.json()["kind"]) == (409, "claimed")
    assert "anna until" in refused.json()["detail"]
    assert client.get("/api/tasks/1").json()["holder"] == "anna"


def test_given_back_a_task_is_free_again(client):
    client.post("/api/tasks/1/claim")
    assert client.post("/api/tasks/1/give-back").json() == {"given": True}
    assert client.get("/api/tasks/1").json()["state"] == "queued"
    assert client.post("/api/tasks/1/give-back").json() == {"given": False}


def test_a_lease_of_a_folder_is_not_cut_short_by_a_page(client, queued):
    from omentum.review.claims import claim

    claim(queued.workspace, "anna", 1)
    before = client.get("/api/tasks/1").json()["until"]
    assert client.post("/api/tasks/1/claim").json()["until"] == before
    assert client.post("/api/tasks/1/renew").json()["until"] == before


def test_a_task_is_skipped_with_a_reason(client):
    skipped = client.post("/api/tasks/1/skip", json={"why": "resected"}).json()
    assert (skipped["state"], skipped["reason"]) == ("skipped", "resected")
    assert client.post("/api/tasks/2/skip", json={"why": ""}).status_code == 422
    refused = client.post("/api/tasks/1/claim")
    assert refused.status_code == 409


def test_hot_spots_come_with_reasons_and_the_region_begins_at_the_first(client, attention):
    opened = client.get("/api/tasks/1").json()
    (spot,) = opened["hot_spots"]
    assert spot["said"] == "in 2 pieces; the network is unsure, 1.7 mL"
    assert opened["region"] == [0, 13, 0, 13, 0, 13]  # 20 mm are 5 voxels


def test_a_spot_where_networks_differ_says_so_in_ml(client, attention, queued, liver):
    other = liver.copy()
    other[5:8, 5:8, 5:8] = False
    settings = queued.workspace.settings.model_copy(update={"networks": ("synthetic", "second")})
    object.__setattr__(queued.workspace, "settings", settings)
    queued.predict("a", {"liver": other}, network="second")
    (spot,) = client.get("/api/tasks/1").json()["hot_spots"]
    assert spot["said"] == f"in 2 pieces; networks disagree, {27 * 0.064:.1f} mL"


def test_an_audited_organ_shows_no_attention_score_or_hot_spot(client, attention):
    opened = client.get("/api/tasks/4").json()
    assert opened["is_whole"]
    assert all(opened[key] is None for key in HIDDEN)
    assert (opened["hot_spots"], opened["findings"], opened["reason"]) == ([], [], "")
    for ending in ("", ".nii.gz"):
        refused = client.get(f"/api/tasks/4/attention{ending}")
        assert (refused.status_code, refused.json()["kind"]) == (403, "hidden")
    rows = client.get("/api/queue").json()["next"]
    (row,) = [one for one in rows if one["task"] == 4]
    assert all(row[key] is None for key in HIDDEN)
    assert client.get("/api/tasks/1/attention").status_code == 200
    assert client.get("/api/tasks/3/attention").status_code == 404


def test_another_task_of_an_audited_organ_shows_no_attention_until_the_audit_ends(client, queued, attention):
    tasks = queued.workspace.store.tasks
    other = tasks.add(replace(tasks.get(4), number=None, kind=TaskKind.ATTENTION))
    opened = client.get(f"/api/tasks/{other.number}").json()
    assert (opened["has_attention"], opened["hot_spots"]) == (False, [])
    for ending in ("", ".nii.gz"):
        refused = client.get(f"/api/tasks/{other.number}/attention{ending}")
        assert (refused.status_code, refused.json()["kind"]) == (403, "hidden")
    tasks.set_state([4], TaskState.DONE)
    assert len(client.get(f"/api/tasks/{other.number}").json()["hot_spots"]) == 1
    assert client.get(f"/api/tasks/{other.number}/attention").status_code == 200


def test_a_task_of_another_organ_cannot_change_an_audited_one(client, queued, attention):
    task = request(queued.workspace, "c", "spleen")
    organs = {one["organ"]: one for one in client.get(f"/api/tasks/{task.number}").json()["organs"]}
    assert not organs["liver"]["is_editable"]
    assert "task 4" in organs["liver"]["why_locked"]
    assert organs["spleen"]["is_editable"]


def test_a_blinded_reader_sees_no_mask_or_word_of_the_other(client, state, queued, liver):
    task = request(queued.workspace, "b", "liver", n_readings=2)
    number = task.number
    shown = client.post(f"/api/tasks/{number}/claim").json()
    assert client.post(f"/api/tasks/{number}/absent", json={"base": shown["base"]}).status_code == 202
    state.saves.drained()
    (first,) = queued.workspace.store.revisions.of_case("b")
    client.put("/api/session", json={"reader": "ben"})
    second = client.post(f"/api/tasks/{number}/claim").json()
    assert second["base"] == shown["base"]
    assert f"revision:{first.number}" not in second["masks"]
    hidden = client.get(f"/api/tasks/{number}/masks/revision:{first.number}")
    assert (hidden.status_code, hidden.json()["kind"]) == (403, "hidden")
    history = client.get("/api/cases/b/organs/liver/history").json()
    assert all(one["by"] != "anna" for one in history["events"])
    beside = {one["organ"]: one for one in client.get("/api/tasks/3").json()["organs"]}
    assert not beside["liver"]["is_editable"]


def test_other_cts_of_the_patient_are_named(client, queued):
    store = queued.workspace.store
    case = store.cases.get("b")
    queued.add("d")
    with store._database.writing() as session:
        from sqlalchemy import update

        from omentum.store.tables import CaseRow

        session.execute(update(CaseRow).where(CaseRow.case_id == "d").values(patient_id=case.patient_id))
    (other,) = client.get("/api/tasks/3").json()["other_cts"]
    assert (other["case"], other["geometry"]["shape"]) == ("d", [24, 20, 18])


@pytest.mark.parametrize("number", [0, 99, 2**31, "x"])
def test_a_task_that_there_is_not(client, number):
    answer = client.get(f"/api/tasks/{number}")
    assert answer.status_code in (404, 422)
    assert answer.json()["kind"] in ("unknown", "invalid")


def test_a_task_whose_files_are_gone_is_said_and_does_not_stop_the_others(client, queued):
    (queued.folder("a") / "ct.nii.gz").unlink()
    (queued.folder("b") / "networks" / "synthetic" / "masks.nii.gz").unlink()
    answer = client.post("/api/tasks/next", json={}).json()
    assert answer["task"]["task"] == 4
    assert [(one["task"], one["case"]) for one in answer["left_out"]] == [(1, "a"), (2, "a"), (3, "b")]
    assert "no such file" in answer["left_out"][0]["reason"]
    assert client.get("/api/queue").json()["counts"]["claimed"] == 1
