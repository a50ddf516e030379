"""Drafts are kept at the server: by tab, by reader, in bounds, until their case is erased."""

import threading

from omentum.app.server.app import make_app, make_state

from .conftest import BINARY, PORT, entered, save


def test_drafts_of_two_tabs_overwrite_nothing_and_go_with_their_save(
    client, state, begun, edits, drawn, liver
):
    mine = edits({"liver": (begun["base"], drawn)}, extra={"tab": 1})
    other = edits({"liver": (begun["base"], liver)}, extra={"tab": 2})
    for name, content in (("tab-1", mine), ("tab-2", other)):
        kept = client.put(f"/api/tasks/1/drafts/{name}", content=content, headers=BINARY)
        assert (kept.status_code, kept.json()["why"]) == (200, "autosave")
    assert client.get("/api/tasks/1/drafts/tab-1").content == mine
    assert [one["draft"] for one in client.get("/api/tasks/1/drafts").json()] == ["tab-2", "tab-1"]
    save(client, edits({"liver": (begun["base"], drawn)}, draft="tab-1"))
    state.saves.drained()
    (left,) = client.get("/api/tasks/1/drafts").json()
    assert (left["draft"], left["is_stale"]) == ("tab-2", True)
    assert client.delete("/api/tasks/1/drafts/tab-2").status_code == 204
    assert client.get("/api/tasks/1").json()["drafts"] == []


def test_a_draft_outlives_the_server_and_is_its_readers_own(app, queued, edits, drawn, tmp_path):
    content = edits({"liver": (None, drawn)})
    with entered(app) as client:
        client.put("/api/tasks/1/drafts/tab-1", content=content, headers=BINARY)
    again = make_state(queued.workspace, "anna")
    with entered(make_app(again, PORT, tmp_path / "no-page")) as client:
        assert client.get("/api/tasks/1/drafts/tab-1").content == content
        client.put("/api/session", json={"reader": "ben"})
        assert client.get("/api/tasks/1/drafts").json() == []
        assert client.get("/api/tasks/1/drafts/tab-1").status_code == 404


def test_drafts_are_bounded_and_the_last_one_is_refused_with_the_cure(client, edits, drawn):
    content = edits({"liver": (None, drawn)})
    answers = [
        client.put(f"/api/tasks/1/drafts/t{number}", content=content, headers=BINARY) for number in range(21)
    ]
    assert {one.status_code for one in answers[:20]} == {200}
    assert (answers[20].status_code, answers[20].json()["kind"]) == (409, "refused")
    assert client.put("/api/tasks/1/drafts/t0", content=content, headers=BINARY).status_code == 200


def test_an_erased_case_leaves_no_draft_and_no_decoded_copy(client, queued, edits, drawn):
    from omentum.project.case_life import erase_case

    client.put("/api/tasks/3/drafts/tab-1", content=edits({"spleen": (None, drawn)}), headers=BINARY)
    client.get("/api/cases/b/ct")
    client.get("/api/tasks/3/masks/shown")
    cache = queued.workspace.folder.cache_dir
    for thread in threading.enumerate():
        if thread.name.startswith("decode "):
            thread.join()
    assert any(path.name.startswith("b.") for path in cache.rglob("*.raw"))
    erase_case(queued.workspace, "b", why="asked for", by="owner")
    assert not any(path.name.startswith("b.") for path in cache.rglob("*"))
    assert not queued.folder("b").exists()
    assert client.get("/api/cases/b/ct").status_code == 404
