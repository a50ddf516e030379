"""The dashboard names readers to an admin alone, and hides from readers which tasks are read twice."""

import pytest

from app.server.conftest import logged_in, save


@pytest.fixture
def disagreeing(app, state, queued, people, edits, liver, drawn):
    """The admin and anna read the first task and disagree."""
    queued.workspace.store.tasks.want_readings(1, 2)
    with logged_in(app, "chief") as chief:
        anna = logged_in(app, "anna")
        for reader, mask in ((chief, liver), (anna, drawn)):
            base = reader.post("/api/tasks/1/claim").json()["base"]
            assert save(reader, edits({"liver": (base, mask)})).status_code == 202
            state.saves.drained()
        yield app, chief, anna


def tables(dashboard):
    return {one["id"]: one for one in dashboard["tables"]}


def test_an_admin_sees_names_an_adjudicator_agreement_and_a_reader_neither(disagreeing):
    app, chief, anna = disagreeing
    told = chief.get("/api/dashboard").json()
    agreement = tables(told)["reader-agreement"]
    assert [row[:4] for row in agreement["rows"]] == [
        ["anna", "chief", "Liver", 1], ["anna", "chief", "All organs", 1],
    ]  # fmt: skip
    assert (told["n_conflicts"], told["queue"]["counts"]["in adjudication"]) == (1, 1)
    assert [row[0] for row in tables(told)["reader-load"]["rows"]] == ["anna", "chief"]

    ada = logged_in(app, "ada")
    told = ada.get("/api/dashboard")
    assert "chief" not in told.text
    assert tables(told.json())["reader-agreement"]["rows"][0][:2] == ["another reader", "another reader"]

    told = anna.get("/api/dashboard")
    assert "chief" not in told.text
    assert "adjudicat" not in told.text.replace('"in adjudication":0', "")
    counts = told.json()["queue"]["counts"]
    assert (counts["in adjudication"], counts["done"], told.json()["n_conflicts"]) == (0, 1, 0)
    assert {row[0] for row in tables(told.json())["reader-load"]["rows"]} == {"anna", "another reader"}
    (liver,) = [one for one in told.json()["organs"] if one["organ"] == "liver"]
    assert (liver["n_open"], liver["n_done"]) == (1, 1)


def test_an_admin_makes_and_removes_rules_and_nobody_else_does(app, people, queued):
    with logged_in(app, "chief") as chief:
        made = chief.post("/api/assignments", json={"reader": "anna", "organ": "spleen"})
        assert (made.status_code, made.json()) == (
            201,
            {"number": 1, "reader": "anna", "organ": "spleen", "share": None},
        )
        assert chief.get("/api/assignments").json() == {"assignments": [made.json()]}
        anna = logged_in(app, "anna")
        assert anna.post("/api/assignments", json={"reader": "anna", "share": 1.0}).status_code == 403
        assert {one["organ"] for one in anna.get("/api/queue").json()["next"]} == {"spleen"}
        nobody = chief.post("/api/assignments", json={"reader": "zoe", "share": 0.5})
        assert (nobody.status_code, "anna" in nobody.json()["detail"]) == (422, True)
        assert chief.delete("/api/assignments/1").status_code == 204
        assert chief.delete("/api/assignments/1").status_code == 404
        assert {one["organ"] for one in anna.get("/api/queue").json()["next"]} == {"liver", "spleen"}
    kept = [one.action for one in queued.workspace.store.log.entries()]
    assert [one for one in kept if "assigned" in one] == ["assigned", "unassigned"]
