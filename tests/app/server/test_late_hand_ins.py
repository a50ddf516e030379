"""An answer that was taken is not dropped where the database or the disk fails for a while."""

import pytest

from app.server.conftest import save
from omentum.app.server.app import make_state
from omentum.errors import ProjectError
from omentum.review import hand_in as hand_ins
from omentum.review import save_tries


@pytest.fixture
def failing(monkeypatch):
    """Function: `failing(n)` lets the next `n` hand-ins fail as in a database that is in use."""
    monkeypatch.setattr(save_tries, "PAUSES", (0.0, 0.0))
    works = hand_ins.hand_in

    def fail(n_times):
        left = iter(range(n_times))

        def hand_in(project, masks):
            if next(left, None) is not None:
                raise ProjectError("the database is in use")
            return works(project, masks)

        monkeypatch.setattr(hand_ins, "hand_in", hand_in)

    return fail


def accepted(client, state, begun):
    name = client.post("/api/tasks/1/accept", json={"base": begun["base"]}).json()["save"]
    state.saves.drained()
    return client.get(f"/api/saves/{name}").json()["state"]


def test_an_answer_is_tried_again(client, state, begun, queued, failing):
    failing(2)
    assert accepted(client, state, begun) == "done"
    assert len(queued.workspace.store.revisions.of_task(1)) == 1


def test_an_answer_that_could_not_be_kept_is_handed_in_at_the_next_start(
    client, state, begun, queued, failing
):
    failing(3)
    assert accepted(client, state, begun) == "failed"
    later = make_state(queued.workspace, "anna")
    later.saves.start()
    later.saves.drained()
    later.saves.close()
    assert len(queued.workspace.store.revisions.of_task(1)) == 1


def test_an_answer_from_before_the_readers_last_hand_in_is_not_handed_in(
    client, state, begun, queued, failing, edits, drawn
):
    failing(3)
    assert accepted(client, state, begun) == "failed"
    save(client, edits({"liver": (begun["base"], drawn)}))
    state.saves.drained()
    later = make_state(queued.workspace, "anna")
    later.saves.start()
    later.saves.drained()
    later.saves.close()
    assert [one.says.value for one in queued.workspace.store.revisions.of_task(1)] == ["revised"]
