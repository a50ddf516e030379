"""Admins add and change people in the page, and nobody is ever shown a password."""

import json

import pytest

from .conftest import PASSWORDS, logged_in


@pytest.fixture
def chief(app, people):
    with logged_in(app, "chief") as client:
        yield client


def test_an_admin_sees_all_people_with_their_roles_and_no_hash(chief, queued):
    told = chief.get("/api/people").json()["people"]
    assert [(one["name"], one["roles"], one["has_password"]) for one in told] == [
        ("ada", ["adjudicator"], True),
        ("anna", ["reader"], True),
        ("chief", ["admin"], True),
    ]
    said = json.dumps(told)
    assert all(one.password_hash not in said for one in queued.workspace.store.people.all())


def test_who_an_admin_adds_can_log_in_at_once(app, chief, monkeypatch):
    added = chief.post(
        "/api/people", json={"name": "ben", "roles": ["reader"], "password": "ben reads kidneys"}
    )
    assert added.status_code == 201
    assert (added.json()["name"], added.json()["tokens"]) == ("ben", [])
    monkeypatch.setitem(PASSWORDS, "ben", "ben reads kidneys")
    assert logged_in(app, "ben").get("/api/session").json()["reader"] == "ben"


def test_a_person_without_a_password_comes_in_by_no_password(app, chief):
    assert not chief.post("/api/people", json={"name": "bot", "roles": ["reader"]}).json()["has_password"]
    answer = chief.post("/api/login", json={"name": "bot", "password": ""})
    assert (answer.status_code, answer.json()["kind"]) == (401, "wrong-login")


@pytest.mark.parametrize(
    ("wanted", "status", "kind"),
    [
        ({"name": "Anna", "roles": ["reader"]}, 409, "taken"),
        ({"name": "omentum", "roles": ["reader"]}, 422, "invalid"),
        ({"name": "a b", "roles": ["reader"]}, 422, "invalid"),
        ({"name": "ben", "roles": []}, 422, "invalid"),
        ({"name": "ben", "roles": ["king"]}, 422, "invalid"),
        ({"name": "ben", "roles": ["reader"], "password": "short"}, 422, "invalid"),
    ],
)
def test_who_cannot_be_added_is_refused_and_the_password_is_in_no_answer(chief, wanted, status, kind):
    answer = chief.post("/api/people", json=wanted)
    assert (answer.status_code, answer.json()["kind"]) == (status, kind)
    assert "short" not in answer.json()["detail"].replace("shorter", "")


def test_what_an_admin_leaves_out_stays(chief):
    changed = chief.put("/api/people/anna", json={"roles": ["adjudicator", "reader"]}).json()
    assert (changed["roles"], changed["has_password"], changed["is_disabled"]) == (
        ["reader", "adjudicator"], True, False,
    )  # fmt: skip
    assert chief.put("/api/people/nobody", json={}).status_code == 404


def test_the_last_admin_stays(chief):
    for change in ({"is_disabled": True}, {"roles": ["reader"]}):
        answer = chief.put("/api/people/chief", json=change)
        assert (answer.status_code, answer.json()["kind"]) == (409, "refused")
    assert chief.get("/api/people").status_code == 200


def test_an_admin_gives_a_person_a_new_password_which_ends_the_persons_sessions(app, chief, monkeypatch):
    anna = logged_in(app, "anna")
    assert chief.put("/api/people/anna", json={"password": "a new one for anna"}).status_code == 200
    assert anna.get("/api/session").status_code == 401
    monkeypatch.setitem(PASSWORDS, "anna", "a new one for anna")
    assert logged_in(app, "anna").get("/api/session").status_code == 200
