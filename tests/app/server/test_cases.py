"""Notes, history and decisions; and every open page is told."""

import asyncio
import json
from dataclasses import replace

import pytest

from omentum.app.server.events import MOST_STREAMS, Events
from omentum.records import MaskFinding
from omentum.records.findings import WHOLE_CT


def read(stream, n):
    """Take the first events of a stream."""

    async def take():
        found = []
        async for piece in stream:
            if piece.startswith(b"id:"):
                found.append(piece.decode())
            if len(found) == n:
                break
        await stream.aclose()
        return found

    return take()


def names(found):
    return [one.splitlines()[1].removeprefix("event: ") for one in found]


def test_a_flag_is_noted_once_and_can_be_withdrawn_and_stays_in_the_record(client):
    said = {"kind": "wrong_phase", "text": "arterial"}
    first = client.post("/api/cases/a/notes", json=said)
    assert first.status_code == 201
    assert client.post("/api/cases/a/notes", json=said).json() == first.json()
    number = first.json()["note"]
    assert client.delete(f"/api/cases/a/notes/{number}").json()["is_withdrawn"]
    (kept,) = client.get("/api/cases/a").json()["notes"]
    assert (kept["kind"], kept["by"], kept["is_withdrawn"]) == ("wrong_phase", "anna", True)
    assert client.post("/api/cases/a/notes", json=said).json()["note"] != number
    assert client.delete(f"/api/cases/b/notes/{number}").status_code == 404


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ({"kind": "comment"}, 409),
        ({"kind": "comment", "text": " "}, 409),
        ({"kind": "other"}, 422),
        ({}, 422),
    ],
)
def test_a_comment_needs_a_text_and_a_flag_a_name(client, said, status):
    assert client.post("/api/cases/a/notes", json=said).status_code == status


def test_an_earlier_mask_stands_again(client, queued, liver):
    drawn = liver.copy()
    drawn[:, :, 16] = False
    revision = queued.hand_in("a", "liver", drawn)
    path = "/api/cases/a/organs/liver"
    assert client.get(f"{path}/history").json()["stands"] == "revised"
    restored = client.post(f"{path}/restore", json={"to": "predicted", "why": "it was right"}).json()
    assert restored["stands"] == "predicted"
    again = client.post(f"{path}/restore", json={"to": revision.number}).json()
    assert again["stands"] == "revised"
    assert [one["revision"] for one in again["events"] if one["stands"]] == [revision.number]
    assert client.post(f"{path}/restore", json={"to": 99}).status_code == 409
    assert client.post("/api/cases/a/organs/heart/restore", json={"to": 1}).status_code == 404


def test_a_finding_is_confirmed_to_be_no_error(client, queued):
    queued.find(
        "a", MaskFinding(organ="liver", rule="extreme_volume", said="very large", severity=0.9, holds=True)
    )
    assert client.get("/api/tasks/1").json()["findings"] == ["liver: very large"]
    said = {"rule": "extreme_volume", "why": "hepatomegaly"}
    found = client.post("/api/cases/a/confirm", json=said).json()
    assert found == {"confirmed": [{"organ": "liver", "rule": "extreme_volume"}]}
    assert client.get("/api/tasks/1").json()["findings"] == []
    assert client.post("/api/cases/a/confirm", json=said).status_code == 409


def test_what_happens_to_tasks_saves_drafts_and_notes_is_told(client, state, queued):
    last = state.events.last
    opened = client.post("/api/tasks/next", json={}).json()["task"]
    client.post("/api/cases/a/notes", json={"kind": "poor_scan"})
    client.post("/api/tasks/1/accept", json={"base": opened["base"]})
    state.saves.drained()

    async def listen():
        return await read(state.events.listen(last), 5)

    found = asyncio.run(listen())
    assert names(found) == ["task", "note", "save", "save", "task"]
    done = json.loads(found[-1].splitlines()[2].removeprefix("data: "))
    assert done == {"task": 1, "case": "a", "organ": "liver", "state": "done", "holder": None}


def test_a_page_that_comes_back_gets_what_it_missed_or_is_told_to_load_anew():
    events = Events()
    before = events.last
    for number in range(3):
        events.tell("task", {"task": number})

    async def listen(last, n):
        return await read(events.listen(last), n)

    assert names(asyncio.run(listen(before + 1, 2))) == ["task", "task"]
    assert names(asyncio.run(listen(before - 5, 1))) == ["reload"]
    for number in range(2000):
        events.tell("task", {"task": number})
    assert names(asyncio.run(listen(before + 1, 1))) == ["reload"]


def test_streams_are_bounded_and_end_with_the_server():
    events = Events()

    async def many():
        streams = [events.listen(None) for _ in range(MOST_STREAMS)]
        with pytest.raises(RuntimeError, match="pages listen"):
            events.listen(None)
        events.close()
        for stream in streams:
            assert [piece async for piece in stream] == [b": omentum\n\n"]
        return events.listen(None)

    asyncio.run(many())


def test_a_task_about_a_whole_ct_names_the_rules_to_confirm(client, queued):
    from omentum.review.tasks import request

    upside_down = MaskFinding(organ=WHOLE_CT, rule="orientation", said="upside down", severity=0.9)
    arrivals = queued.workspace.store.arrivals
    arrivals.keep(replace(arrivals.of_case("a"), findings=(upside_down,)))
    task = request(queued.workspace, "a", WHOLE_CT)
    begun = client.get(f"/api/tasks/{task.number}").json()
    assert begun["rules"] == ["orientation"]
    assert ["upside down" in one for one in begun["findings"]] == [True]
    said = {"rule": "orientation", "organs": [WHOLE_CT], "why": "situs inversus"}
    assert client.post("/api/cases/a/confirm", json=said).json()["confirmed"] == [
        {"organ": WHOLE_CT, "rule": "orientation"}
    ]
    assert client.get(f"/api/tasks/{task.number}").json()["rules"] == []
    assert client.get("/api/tasks/1").json()["rules"] == []


def test_a_mask_of_a_whole_ct_is_confirmed_and_not_drawn(client, queued):
    from omentum.review.tasks import request

    task = request(queued.workspace, "a", "whole_ct")
    opened = client.get(f"/api/tasks/{task.number}").json()
    assert (opened["is_of_ct"], opened["name"]) == (True, "Whole CT")
    refused = client.post(f"/api/tasks/{task.number}/accept", json={"base": None})
    assert (refused.status_code, refused.json()["kind"]) == (409, "refused")
