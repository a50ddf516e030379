"""What a reader saves is kept before it is answered, and never lost."""

import time

import numpy as np
import pytest

from omentum.app.server.app import make_app, make_state
from omentum.review import hand_in, save_tries
from omentum.volumes.nifti import read_nifti

from .conftest import PORT, entered, save


def test_a_save_becomes_a_revision_measured_against_what_was_shown(
    client, state, begun, edits, drawn, queued
):
    answer = save(client, edits({"liver": (begun["base"], drawn)}, comment="a slab too much"))
    assert answer.status_code == 202
    state.saves.drained()
    done = client.get(f"/api/saves/{answer.json()['save']}").json()
    (revision,) = done["revisions"]
    assert (done["state"], revision["says"], revision["stands"]) == ("done", "revised", True)
    assert revision["removed_ml"] == pytest.approx(16 * 14 * 0.064)
    assert revision["sha256"] == answer.json()["bases"]["liver"]
    (kept,) = queued.workspace.store.revisions.of_case("a")
    assert (kept.reader, kept.task_number, kept.base_sha256) == ("anna", 1, begun["base"])
    assert kept.comment == "a slab too much"
    assert np.array_equal(read_nifti(kept.path).voxels > 0, drawn)
    assert client.get("/api/tasks/1").json()["state"] == "done"
    assert not list(queued.folder("a").glob("drafts/*"))


def test_a_box_alone_is_sent_and_the_rest_stays_as_it_was(client, state, begun, edits, liver, queued):
    from omentum.review.edit_files import packed_edits

    box = [3, 6, 3, 17, 2, 9]
    geometry = {key: begun["geometry"][key] for key in ("shape", "affine")}
    row = {"organ": "liver", "base": begun["base"], "box": box}
    inside = np.random.default_rng(1).random((3, 14, 7)) < 0.5
    assert save(client, packed_edits({"geometry": geometry, "edits": [row]}, [inside])).status_code == 202
    state.saves.drained()
    expected = liver.copy()
    expected[3:6, 3:17, 2:9] = inside
    (kept,) = queued.workspace.store.revisions.of_case("a")
    assert np.array_equal(read_nifti(kept.path).voxels > 0, expected)


def test_masks_that_overlap_are_saved_together_and_other_tasks_stay_open(
    client, state, begun, edits, drawn, spleen, queued
):
    bases = {one["organ"]: one["base"] for one in begun["organs"]}
    larger = spleen.copy()
    larger[18:24, 4:14, 4:14] = True  # over the liver
    save(client, edits({"liver": (bases["liver"], drawn), "spleen": (bases["spleen"], larger)}))
    state.saves.drained()
    liver, spleen_now = queued.workspace.store.revisions.of_case("a")
    assert np.array_equal(read_nifti(liver.path).voxels > 0, drawn)
    assert np.array_equal(read_nifti(spleen_now.path).voxels > 0, larger)
    assert (drawn & larger).any()
    assert client.get("/api/tasks/2").json()["state"] == "queued"
    assert client.get("/api/tasks/1").json()["state"] == "done"


def test_the_second_of_two_tabs_is_told_of_a_stale_base_and_its_work_is_kept(
    client, state, begun, edits, drawn, liver
):
    assert save(client, edits({"liver": (begun["base"], drawn)})).status_code == 202
    other = liver.copy()
    other[:, :, 2] = False
    content = edits({"liver": (begun["base"], other)}, extra={"at": [1, 2, 3]})
    answer = save(client, content)
    assert answer.status_code == 409
    told = answer.json()
    assert told["kind"] == "stale-base"
    (stale,) = told["stale"]
    assert stale["base"] == begun["base"]
    assert stale["now"] == client.get("/api/tasks/1").json()["base"] != begun["base"]
    assert client.get(f"/api/tasks/1/drafts/{told['draft']}").content == content
    (draft,) = client.get("/api/tasks/1/drafts").json()
    assert (draft["why"], draft["is_stale"], draft["organs"]) == ("stale-base", True, ["liver"])


def test_a_page_goes_on_from_its_own_save_at_once(client, state, begun, edits, drawn, queued):
    first = save(client, edits({"liver": (begun["base"], drawn)})).json()
    smaller = drawn.copy()
    smaller[:, :, 15] = False
    second = save(client, edits({"liver": (first["bases"]["liver"], smaller)}))
    assert second.status_code == 202
    state.saves.drained()
    one, two = queued.workspace.store.revisions.of_case("a")
    assert two.base_sha256 == one.sha256
    assert two.conflicts_with is None
    assert client.get("/api/tasks/1").json()["base"] == two.sha256


def test_both_masks_are_kept_where_a_reader_wants_that_and_a_person_decides(
    client, state, begun, edits, drawn, liver, queued
):
    save(client, edits({"liver": (begun["base"], drawn)}))
    state.saves.drained()
    client.put("/api/session", json={"reader": "ben"})
    other = liver.copy()
    other[:, :, 2] = False
    assert save(client, edits({"liver": (begun["base"], other)})).status_code == 409
    assert save(client, edits({"liver": (begun["base"], other)}, on_stale="both")).status_code == 202
    state.saves.drained()
    assert client.get("/api/tasks/1").json()["state"] == "in adjudication"
    assert [one.reader for one in queued.workspace.store.revisions.of_case("a")] == ["anna", "ben"]


def test_a_killed_server_hands_in_at_its_next_start_what_it_had_kept(
    queued, state, app, edits, drawn, tmp_path, monkeypatch
):

    with monkeypatch.context() as patch, entered(app) as client:
        begun = client.post("/api/tasks/next", json={}).json()["task"]
        # as if it was killed right after the answer
        patch.setattr(state.saves._threads, "put", lambda *_: None)
        assert save(client, edits({"liver": (begun["base"], drawn)})).status_code == 202
        patch.undo()
    assert not queued.workspace.store.revisions.of_case("a")
    again = make_state(queued.workspace, "anna")
    with entered(make_app(again, PORT, tmp_path / "no-page")):
        again.saves.drained()
        (kept,) = queued.workspace.store.revisions.of_case("a")
    assert np.array_equal(read_nifti(kept.path).voxels > 0, drawn)
    assert not list(queued.folder("a").glob("drafts/*"))


def test_what_was_handed_in_before_the_kill_is_not_handed_in_twice(
    queued, state, app, edits, drawn, tmp_path
):
    with entered(app) as client:
        begun = client.post("/api/tasks/next", json={}).json()["task"]
        save(client, edits({"liver": (begun["base"], drawn)}))
        (kept_file,) = queued.folder("a").glob("drafts/*.save")
        content = kept_file.read_bytes()
        state.saves.drained()
    kept_file.write_bytes(content)  # as if it was killed before the file was removed
    again = make_state(queued.workspace, "anna")
    with entered(make_app(again, PORT, tmp_path / "no-page")):
        again.saves.drained()
    assert len(queued.workspace.store.revisions.of_case("a")) == 1


def test_a_save_that_cannot_be_handed_in_is_a_draft_again_and_the_next_one_goes_on(
    client, state, begun, edits, drawn, monkeypatch, queued
):
    def failing(*_):
        raise OSError(28, "No space left on device")

    content = edits({"liver": (begun["base"], drawn)})
    with monkeypatch.context() as patch:
        patch.setattr(hand_in, "hand_in", failing)
        patch.setattr(save_tries, "PAUSES", ())
        name = save(client, content).json()["save"]
        state.saves.drained()
    failed = client.get(f"/api/saves/{name}").json()
    assert failed["state"] == "failed"
    assert "No space left" in failed["said"]
    (draft,) = client.get("/api/tasks/1/drafts").json()
    assert draft["why"] == "failed"
    assert client.get(f"/api/tasks/1/drafts/{draft['draft']}").content == content
    assert save(client, content).status_code == 202
    state.saves.drained()
    assert len(queued.workspace.store.revisions.of_case("a")) == 1


def test_a_lease_that_ended_loses_nothing(client, state, begun, edits, drawn, queued):
    queued.workspace.store.leases.give_back("tasks 1", "1", "anna")
    client.put("/api/session", json={"reader": "ben"})
    assert client.post("/api/tasks/1/claim").status_code == 200
    client.put("/api/session", json={"reader": "anna"})
    lost = client.post("/api/tasks/1/renew")
    assert (lost.status_code, lost.json()["kind"]) == (409, "claimed")
    assert "ben" in lost.json()["detail"]
    assert save(client, edits({"liver": (begun["base"], drawn)})).status_code == 202
    state.saves.drained()
    assert [one.reader for one in queued.workspace.store.revisions.of_case("a")] == ["anna"]


def test_accepting_needs_the_mask_that_was_seen(client, state, begun, queued):
    wrong = client.post("/api/tasks/1/accept", json={"base": "0" * 64})
    assert (wrong.status_code, wrong.json()["kind"]) == (409, "stale-base")
    assert client.post("/api/tasks/1/accept", json={"base": begun["base"]}).status_code == 202
    state.saves.drained()
    (kept,) = queued.workspace.store.revisions.of_case("a")
    assert kept.says.value == "accepted"
    assert client.get("/api/tasks/1").json()["state"] == "done"


def test_an_organ_can_be_absent(client, state, begun, queued):
    said = {"base": begun["base"], "comment": "resected"}
    assert client.post("/api/tasks/1/absent", json=said).status_code == 202
    state.saves.drained()
    (kept,) = queued.workspace.store.revisions.of_case("a")
    assert (kept.says.value, kept.comment) == ("absent", "resected")
    assert not (read_nifti(kept.path).voxels > 0).any()


def test_the_original_label_is_where_edits_begin_and_a_second_tab_is_told(
    client, state, queued, edits, liver
):
    queued.label("a", {"liver": liver})
    begun = client.get("/api/tasks/1").json()
    assert begun["base_source"] == "original"
    drawn = liver.copy()
    drawn[:, :, 16] = False
    assert save(client, edits({"liver": (begun["base"], drawn)})).status_code == 202
    state.saves.drained()
    now = client.get("/api/tasks/1").json()
    assert now["base"] != begun["base"]
    assert save(client, edits({"liver": (begun["base"], liver)})).status_code == 409


def test_a_save_whose_task_is_gone_stays_and_the_server_starts_all_the_same(
    queued, state, app, edits, drawn, tmp_path
):
    with entered(app) as client:
        begun = client.get("/api/tasks/1").json()
        save(client, edits({"liver": (begun["base"], drawn)}))
        (kept_file,) = queued.folder("a").glob("drafts/*.save")
        content = kept_file.read_bytes()
        state.saves.drained()
    orphan = kept_file.with_name(kept_file.name.replace("task-1", "task-99"))
    orphan.write_bytes(content.replace(b'"task": 1,', b'"task": 9,'))
    again = make_state(queued.workspace, "anna")
    with entered(make_app(again, PORT, tmp_path / "no-page")) as client:
        assert client.get("/api/session").status_code == 200
        again.saves.drained()
    assert orphan.exists()


def test_a_decision_comes_after_what_was_saved_before_it(
    client, state, begun, edits, drawn, monkeypatch, queued
):
    handed_in = hand_in.hand_in

    def slowly(*given):
        time.sleep(0.5)
        return handed_in(*given)

    monkeypatch.setattr(hand_in, "hand_in", slowly)
    save(client, edits({"liver": (begun["base"], drawn)}))
    told = client.get("/api/cases/a/organs/liver/history").json()
    assert told["stands"] == "revised"
    save(client, edits({"liver": (client.get("/api/tasks/1").json()["base"], ~drawn)}))
    restored = client.post("/api/cases/a/organs/liver/restore", json={"to": "predicted", "why": "as before"})
    assert restored.json()["stands"] == "predicted"
    state.saves.drained()
    assert client.get("/api/cases/a/organs/liver/history").json()["stands"] == "predicted"
