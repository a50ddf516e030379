"""Two readers read a task without knowing of each other, and a third person decides between them."""

import numpy as np
import pytest

from app.server.conftest import BINARY, box, save

READERS = ("anna", "ben")


def as_reader(client, name):
    assert client.put("/api/session", json={"reader": name}).status_code == 200


def read(client, state, edits, name, mask, number=1):
    """Claim a task as a reader, save a mask, and give what became of it."""
    as_reader(client, name)
    begun = client.post(f"/api/tasks/{number}/claim").json()
    answer = save(client, edits({"liver": (begun["base"], mask)}), number)
    assert answer.status_code == 202, answer.json()
    state.saves.drained()
    return client.get(f"/api/saves/{answer.json()['save']}").json()


@pytest.fixture
def wide(liver):
    """The liver with a block more."""
    return liver | box((19, 21), (4, 8), (4, 8))


@pytest.fixture
def twice(queued):
    queued.workspace.store.tasks.want_readings(1, 2)
    return queued


@pytest.fixture
def disagreeing(client, state, edits, twice, drawn, wide):
    """Anna took a slab away, ben added a block; dora adjudicates."""
    for name, mask in zip(READERS, (drawn, wide), strict=True):
        read(client, state, edits, name, mask)
    as_reader(client, "dora")
    return twice


def test_who_adjudicates_sees_letters_differences_and_what_can_stand(client, disagreeing, drawn, wide):
    (row,) = client.get("/api/adjudications").json()["tasks"]
    n_slab, n_block = int((wide & ~drawn).sum()) - 32, 32
    assert (row["task"], row["n_readings"]) == (1, 2)
    assert row["differ_ml"] == pytest.approx((n_slab + n_block) * 0.064, abs=1e-3)
    answer = client.get("/api/adjudications/1")
    opened = answer.json()
    assert answer.status_code == 200, opened
    assert [one["label"] for one in opened["readings"]] == ["A", "B"]
    assert opened["sources"] == ["revision:1", "revision:2", "common"]
    assert [one["said"] for one in opened["hot_spots"]] == [
        f"B holds {n_slab * 0.064:.1f} mL that A does not",
        f"B holds {n_block * 0.064:.1f} mL that A does not",
    ]
    assert (opened["hot_spots"][1]["low_voxel"], opened["hot_spots"][1]["high_voxel"]) == (
        [19, 4, 4],
        [20, 7, 7],
    )
    assert opened["common_ml"] == pytest.approx(int((drawn & wide).sum()) * 0.064, abs=1e-3)
    assert opened["state"] == "in adjudication"
    for name in READERS:
        assert name not in answer.text


@pytest.mark.parametrize("source", ["revision:1", "revision:2", "common"])
def test_each_source_is_shown_to_who_adjudicates_and_to_no_reader(client, disagreeing, source, drawn, wide):
    expected = {"revision:1": drawn, "revision:2": wide, "common": drawn & wide}[source]
    shown = client.get(f"/api/tasks/1/masks/{source}")
    codes = np.frombuffer(shown.content, shown.headers["X-Omentum-Dtype"]).reshape(expected.shape, order="F")
    assert np.array_equal(codes > 0, expected)
    assert client.get("/api/tasks/1/masks/majority").status_code == 404


def test_a_reading_that_is_chosen_stands_and_both_stay(client, disagreeing):
    answer = client.post("/api/adjudications/1/decide", json={"stands": "revision:1", "why": "no spleen"})
    assert answer.json() == {"decision": 1, "revision": 1}
    store = disagreeing.workspace.store
    assert store.tasks.get(1).state.value == "done"
    assert [one.reader for one in store.revisions.of_task(1)] == ["anna", "ben"]
    again = client.post("/api/adjudications/1/decide", json={"stands": "revision:2"})
    assert (again.status_code, again.json()["kind"]) == (409, "refused")
    assert client.get("/api/adjudications").json() == {"tasks": []}


def test_the_common_part_is_handed_in_by_who_decides_and_is_no_reading(client, disagreeing, drawn, wide):
    decided = client.post("/api/adjudications/1/decide", json={"stands": "common"}).json()
    store = disagreeing.workspace.store
    made = store.revisions.get(decided["revision"])
    assert (made.reader, made.task_number, made.comment) == ("dora", None, "common of the revisions 1, 2")
    assert made.removed_ml == pytest.approx(224 * 0.064)
    assert store.tasks.get(1).state.value == "done"
    assert len(store.revisions.of_task(1)) == 2


def test_what_the_adjudicator_draws_stands(client, state, edits, disagreeing, drawn):
    opened = client.get("/api/adjudications/1").json()
    mask = drawn.copy()
    mask[3:5] = False
    content = edits({"liver": (opened["bases"]["common"], mask)}, comment="between both")
    answer = client.post("/api/adjudications/1/save", content=content, headers=BINARY)
    assert answer.status_code == 202, answer.json()
    state.saves.drained()
    kept = client.get(f"/api/saves/{answer.json()['save']}").json()
    assert (kept["state"], kept["revisions"][0]["stands"]) == ("done", True), kept
    store = disagreeing.workspace.store
    assert store.tasks.get(1).state.value == "done"
    assert store.decisions.of_case("a")[-1].by == "dora"


def test_edits_of_a_mask_that_no_reading_gives_are_kept_as_a_draft(client, edits, disagreeing, drawn):
    content = edits({"liver": ("0" * 64, drawn)})
    refused = client.post("/api/adjudications/1/save", content=content, headers=BINARY)
    assert (refused.status_code, refused.json()["kind"]) == (409, "stale-base")
    assert client.get(f"/api/tasks/1/drafts/{refused.json()['draft']}").status_code == 200


def test_a_killed_server_goes_on_with_what_the_adjudicator_saved(client, state, edits, disagreeing, drawn):
    from omentum.app.server.app import make_state

    state.saves.close()
    opened = client.get("/api/adjudications/1").json()
    content = edits({"liver": (opened["bases"]["revision:1"], drawn)})
    assert client.post("/api/adjudications/1/save", content=content, headers=BINARY).status_code == 202
    later = make_state(disagreeing.workspace, "dora")
    later.saves.start()
    later.saves.drained()
    later.saves.close()
    store = disagreeing.workspace.store
    assert store.tasks.get(1).state.value == "done"
    assert store.decisions.of_case("a")[-1].by == "dora"


def test_with_three_readings_a_majority_and_an_estimate_can_stand(
    client, state, edits, queued, liver, drawn, wide
):
    queued.workspace.store.tasks.want_readings(1, 3)
    for name, mask in zip(("anna", "ben", "carl"), (drawn, wide, liver), strict=True):
        read(client, state, edits, name, mask)
        expected = "in adjudication" if name == "carl" else "submitted"
        assert queued.workspace.store.tasks.get(1).state.value == expected
    as_reader(client, "dora")
    opened = client.get("/api/adjudications/1").json()
    assert opened["sources"][3:] == ["common", "majority", "staple"]
    assert opened["hot_spots"][0]["said"].startswith("B and C hold")
    decided = client.post("/api/adjudications/1/decide", json={"stands": "majority"}).json()
    assert queued.workspace.store.revisions.get(decided["revision"]).sha256 == opened["bases"]["majority"]


def test_an_absent_organ_against_a_revised_one_is_one_difference(client, state, edits, twice, drawn):
    read(client, state, edits, "anna", np.zeros_like(drawn))
    read(client, state, edits, "ben", drawn)
    as_reader(client, "dora")
    opened = client.get("/api/adjudications/1").json()
    assert [one["says"] for one in opened["readings"]] == ["absent", "revised"]
    assert len(opened["hot_spots"]) == 1
    assert (opened["common_ml"], opened["readings"][0]["volume_ml"]) == (0.0, 0.0)
    assert client.post("/api/adjudications/1/decide", json={"stands": "common"}).status_code == 200
