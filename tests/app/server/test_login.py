"""People log in by name and password, and go when they, or an admin, want it."""

import asyncio
import json

import pytest

from omentum.app.server.accounts import Accounts
from omentum.app.server.app import make_app, make_state
from omentum.app.server.login_errors import TooManyTriesError, WrongLoginError
from omentum.app.server.login_limits import LoginLimits
from omentum.app.server.logins import Logins
from omentum.errors import ProjectError
from omentum.project.accounts import add_person, change_person, make_token
from omentum.records.audit_log import LogAction
from omentum.records.people import Role
from omentum.store.audit_log import AuditLog

from .conftest import ORIGIN, PASSWORDS, PORT, TestClient, entered, logged_in


@pytest.fixture
def stranger(app):
    with TestClient(app, base_url=ORIGIN, headers={"origin": ORIGIN}) as client:
        yield client


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_without_people_the_page_is_told_of_the_link_and_no_password_is_taken(stranger):
    assert stranger.get("/api/login").json() == {"mode": "link"}
    answer = stranger.post("/api/login", json={"name": "anna", "password": "x"})
    assert (answer.status_code, answer.json()["kind"]) == (409, "refused")
    assert "link" in answer.json()["detail"]


def test_whoever_has_the_link_has_all_roles(client):
    told = client.get("/api/session").json()
    assert (told["login"], told["roles"]) == ("link", ["reader", "adjudicator", "admin"])


def test_a_person_comes_in_by_name_and_password_and_reads_under_that_name(app, people, stranger):
    assert stranger.get("/api/login").json() == {"mode": "password"}
    answer = stranger.post("/api/login", json={"name": "anna", "password": PASSWORDS["anna"]})
    assert answer.status_code == 204
    cookie = answer.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=strict", "Path=/", "Max-Age=43200"} <= set(cookie.split("; "))
    assert "Secure" not in cookie
    told = stranger.get("/api/session").json()
    assert (told["reader"], told["roles"], told["login"]) == ("anna", ["reader"], "password")


def test_under_tls_the_cookie_goes_over_tls_alone(app, people):
    with TestClient(app, base_url="https://localhost", headers={"origin": "https://localhost"}) as client:
        answer = client.post("/api/login", json={"name": "anna", "password": PASSWORDS["anna"]})
        assert "Secure" in answer.headers["set-cookie"].split("; ")
        plain = client.post("/api/login", json={}, headers={"origin": "http://localhost"})
        assert plain.json()["kind"] == "foreign-origin"


def test_a_wrong_password_and_an_unknown_name_are_refused_in_the_same_words(people, stranger):
    answers = [
        stranger.post("/api/login", json={"name": name, "password": "not the password"})
        for name in ("anna", "nobody", "../etc", "anna\x00")
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.text for answer in answers}) == 1
    assert answers[0].json()["kind"] == "wrong-login"
    assert "set-cookie" not in answers[0].headers


def test_an_unknown_name_takes_a_check_of_a_password_as_a_known_one_does(people, queued, monkeypatch):
    checked = []
    monkeypatch.setattr(
        "omentum.app.server.logins.is_password_of", lambda known, _: bool(checked.append(known))
    )
    logins = Logins(queued.workspace.store)
    for name in ("anna", "nobody"):
        with pytest.raises(WrongLoginError):
            asyncio.run(logins.check(name, "some password", "10.0.0.1"))
    assert len(checked) == 2


def test_another_sites_page_cannot_log_a_browser_in(people, stranger):
    told = {"name": "anna", "password": PASSWORDS["anna"]}
    answer = stranger.post("/api/login", json=told, headers={"origin": "https://evil.example"})
    assert (answer.status_code, answer.json()["kind"]) == (403, "foreign-origin")


def test_no_token_valid_or_not_lets_another_sites_page_log_a_browser_in(people, queued, stranger):
    told = {"name": "anna", "password": PASSWORDS["anna"]}
    evil = {"origin": "https://evil.example"}
    for token in ("x", "omt_x", make_token(queued.workspace.store, "ada", "slicer")[0]):
        for answer in (
            stranger.post(f"/t/{token}/api/login", json=told, headers=evil),
            stranger.post("/api/login", json=told, headers={**evil, "authorization": f"Bearer {token}"}),
        ):
            assert (answer.status_code, answer.json()["kind"]) == (403, "foreign-origin")
            assert "set-cookie" not in answer.headers


def test_a_link_and_its_sessions_let_nobody_in_once_there_are_people(app, queued):
    with entered(app) as client:
        assert client.get("/api/session").status_code == 200
        add_person(queued.workspace.store, "chief", [Role.ADMIN])
        app.state.server.accounts.forget()
        answer = client.get("/api/session")
        assert (answer.status_code, answer.json()["kind"]) == (401, "no-session")
        assert "name and password" in answer.json()["detail"]
        token = app.state.server.sessions.new_link_token()
        assert client.get("/enter", params={"token": token}).status_code == 401


def test_after_logout_the_cookie_lets_nobody_in(app, people):
    with logged_in(app, "anna") as client:
        kept = dict(client.cookies)
        assert client.post("/api/logout").status_code == 204
        assert not client.cookies
        client.cookies.update(kept)
        assert client.get("/api/session").status_code == 401


def test_the_reader_is_the_person_and_takes_no_other_name(app, people):
    with logged_in(app, "anna") as client:
        answer = client.put("/api/session", json={"reader": "ben"})
        assert (answer.status_code, answer.json()["kind"]) == (409, "refused")
        assert client.get("/api/session").json()["reader"] == "anna"


def test_a_disabled_person_is_out_at_once_and_does_not_come_back_by_the_old_session(app, people):
    anna = logged_in(app, "anna")
    with logged_in(app, "chief") as chief:
        assert chief.put("/api/people/anna", json={"is_disabled": True}).json()["is_disabled"]
        assert anna.get("/api/session").status_code == 401
        told = {"name": "anna", "password": PASSWORDS["anna"]}
        assert anna.post("/api/login", json=told).json()["kind"] == "wrong-login"
        chief.put("/api/people/anna", json={"is_disabled": False})
        assert anna.get("/api/session").status_code == 401


def test_a_new_password_ends_the_persons_other_sessions_and_not_the_one_that_set_it(app, people):
    there = logged_in(app, "anna")
    with logged_in(app, "anna") as here:
        told = {"old": PASSWORDS["anna"], "new": "anna has another one"}
        assert here.put("/api/password", json=told).status_code == 204
        assert here.get("/api/session").status_code == 200
        assert there.get("/api/session").status_code == 401
        assert there.post("/api/login", json={"name": "anna", "password": told["old"]}).status_code == 401
        assert there.post("/api/login", json={"name": "anna", "password": told["new"]}).status_code == 204


def test_a_password_changes_only_with_the_old_one_and_to_one_that_keeps_the_rule(app, people):
    with logged_in(app, "anna") as client:
        wrong = client.put("/api/password", json={"old": "not the password", "new": "anna has another one"})
        assert (wrong.status_code, wrong.json()["kind"]) == (401, "wrong-login")
        short = client.put("/api/password", json={"old": PASSWORDS["anna"], "new": "short"})
        assert (short.status_code, short.json()["kind"]) == (422, "invalid")
        assert client.get("/api/session").status_code == 200


def test_what_another_program_changes_counts_after_a_moment(queued, people):
    clock = Clock()
    accounts = Accounts(queued.workspace.store, clock)
    assert asyncio.run(accounts.known()).active("anna")
    change_person(queued.workspace.store, "anna", is_disabled=True)
    assert asyncio.run(accounts.known()).active("anna")
    clock.now += 1.0
    assert asyncio.run(accounts.known()).active("anna") is None


def test_sessions_outlive_a_restart_with_their_persons(app, queued, people, tmp_path):
    with logged_in(app, "ada") as before:
        cookies = dict(before.cookies)
    again = make_app(make_state(queued.workspace, "anna"), PORT, tmp_path / "no-page")
    with TestClient(again, base_url=ORIGIN, cookies=cookies) as client:
        assert client.get("/api/session").json()["reader"] == "ada"


def test_after_too_many_passwords_a_name_waits_also_with_the_right_one(people, stranger, monkeypatch):
    right = "omentum.app.server.logins.is_password_of"
    monkeypatch.setattr(right, lambda _, typed: typed in PASSWORDS.values())  # fast, as the wait is of 1 s
    for _ in range(5):
        stranger.post("/api/login", json={"name": "anna", "password": "not the password"})
    answer = stranger.post("/api/login", json={"name": "anna", "password": PASSWORDS["anna"]})
    assert (answer.status_code, answer.json()["kind"]) == (429, "too-many")
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    other = stranger.post("/api/login", json={"name": "ada", "password": PASSWORDS["ada"]})
    assert other.status_code == 204


def test_waits_of_a_name_grow_up_to_a_minute_and_a_success_clears_them():
    clock = Clock()
    limits = LoginLimits(clock)
    waits = []
    for place in range(20):
        try:
            limits.begin("anna", f"10.0.{place}.1")
        except TooManyTriesError as error:
            waits.append(error.wait_seconds)
            clock.now += error.wait_seconds
            limits.begin("anna", f"10.0.{place}.1")
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (1, 60)
    limits.succeed("anna", "10.0.19.1")
    limits.begin("anna", "10.0.20.1")


def test_an_address_that_tries_many_names_waits_and_its_own_success_clears_no_other_names_tries():
    clock = Clock()
    limits = LoginLimits(clock)
    for number in range(19):
        limits.begin(f"name-{number}", "10.0.0.1")
    limits.begin("own", "10.0.0.1")
    limits.succeed("own", "10.0.0.1")
    limits.begin("name-20", "10.0.0.1")
    with pytest.raises(TooManyTriesError):
        limits.begin("name-21", "10.0.0.1")
    limits.begin("name-21", "10.0.0.2")


def test_all_addresses_of_an_ipv6_network_count_as_one():
    limits = LoginLimits(Clock())
    for number in range(20):
        limits.begin(f"name-{number}", f"2001:db8::{number + 1:x}")
    with pytest.raises(TooManyTriesError):
        limits.begin("name-20", "2001:db8::ffff")
    limits.begin("name-20", "2001:db8:1::1")


def test_all_that_is_no_address_counts_as_one():
    limits = LoginLimits(Clock())
    for number in range(20):
        limits.begin(f"name-{number}", f"unknown-{number}")
    with pytest.raises(TooManyTriesError):
        limits.begin("name-20", "another text")


def test_names_that_nobody_has_fill_a_bounded_memory():
    limits = LoginLimits(Clock())
    for number in range(12_000):
        limits.begin(f"name-{number}", f"10.{number // 65536}.{number // 256 % 256}.{number % 256}")
    assert len(limits._names._tries) == 10_000


def test_failed_logins_are_counted_in_the_log_and_what_was_typed_for_a_name_is_not(people, queued):
    store, clock = queued.workspace.store, Clock()
    logins = Logins(store, clock=clock)
    typed = "perhaps a password"
    for name in ("anna", "anna", typed):
        with pytest.raises(WrongLoginError):
            asyncio.run(logins.check(name, "not the password", "10.0.0.1"))
    logins.close()
    entries = [entry.about for entry in store.log.entries() if entry.action == LogAction.LOGINS_FAILED]
    assert sum(entry["n_failed"].get("anna", 0) for entry in entries) == 2
    assert sum(entry["n_unknown"] for entry in entries) == 1
    assert len(entries) == 2
    assert typed not in json.dumps(entries)


def test_counts_that_cannot_be_written_are_kept_and_who_logs_in_is_told_of_the_password(
    people, queued, monkeypatch
):
    store, clock = queued.workspace.store, Clock()
    logins = Logins(store, clock=clock)

    def busy(*_):
        raise ProjectError("another program writes to the database")

    with monkeypatch.context() as patch:
        patch.setattr(AuditLog, "add", busy)
        for name in ("anna", "nobody"):
            with pytest.raises(WrongLoginError):
                asyncio.run(logins.check(name, "not the password", "10.0.0.1"))
    clock.now += 600.0
    with pytest.raises(WrongLoginError):
        asyncio.run(logins.check("anna", "not the password", "10.0.0.1"))
    entries = [entry.about for entry in store.log.entries() if entry.action == LogAction.LOGINS_FAILED]
    assert entries == [{"n_failed": {"anna": 2}, "n_unknown": 1}]
