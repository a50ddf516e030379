"""Programs come in with a person's token, in a header or in the path, and it is never shown again."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta

import pytest
from fastapi import Request
from starlette.routing import compile_path

from omentum.app.server import roles
from omentum.app.server.app import make_app
from omentum.app.server.requests import Asked
from omentum.app.server.session_routes import while_in
from omentum.project.accounts import hashed_token, make_token, revoke_token
from omentum.records.people import AccessToken, Role

from .conftest import ORIGIN, PORT, TestClient, logged_in


@pytest.fixture
def program(app, people):
    """A program that sends neither a cookie nor an origin."""
    with TestClient(app, base_url=ORIGIN) as client:
        yield client


@pytest.fixture
def token(queued, people):
    return make_token(queued.workspace.store, "anna", "slicer")[0]


def bearer(token):
    return {"authorization": f"Bearer {token}"}


def test_a_token_lets_its_person_in_and_needs_no_origin(program, token):
    told = program.get("/api/session", headers=bearer(token)).json()
    assert (told["reader"], told["roles"]) == ("anna", ["reader"])
    answer = program.post("/api/tasks/next", json={}, headers=bearer(token))
    assert answer.json()["task"]["holder"] == "anna"


def test_a_token_in_the_path_does_the_same_for_programs_that_send_no_header(program, token):
    assert program.get(f"/t/{token}/api/session").json()["reader"] == "anna"
    assert program.post(f"/t/{token}/api/tasks/next", json={}).json()["task"]["holder"] == "anna"


@pytest.mark.parametrize("wrong", ["omt_", "omt_of-another-server", "omt_" + "x" * 5000])
def test_a_foreign_token_lets_nobody_in_and_is_in_no_answer(program, wrong):
    for answer in (
        program.get("/api/session", headers=bearer(wrong)),
        program.get(f"/t/{wrong}/api/session"),
        program.get(f"/t/{wrong}/api/nothing"),
    ):
        assert answer.status_code == 401
        assert answer.json()["kind"] in ("stranger", "no-session")
        assert wrong not in answer.text or wrong == "omt_"


def test_an_expired_a_revoked_and_a_disabled_persons_token_let_nobody_in(app, program, queued, token):
    store, now = queued.workspace.store, datetime.now(UTC)
    ended = AccessToken(
        person="anna", label="old", sha256=hashed_token("omt_old"), time=now, until=now - timedelta(seconds=1)
    )
    store.tokens.add(ended, "anna")
    revoked, made = make_token(store, "anna", "lost")
    revoke_token(store, made.number)
    for one in ("omt_old", revoked):
        assert program.get("/api/session", headers=bearer(one)).json()["kind"] == "stranger"
    assert program.get("/api/session", headers=bearer(token)).status_code == 200
    logged_in(app, "chief").put("/api/people/anna", json={"is_disabled": True})
    assert program.get("/api/session", headers=bearer(token)).status_code == 401


def test_with_a_cookie_and_a_token_the_token_alone_counts(app, token):
    with logged_in(app, "chief") as chief:
        assert chief.get("/api/session", headers=bearer(token)).json()["reader"] == "anna"
        assert chief.get("/api/session", headers=bearer("omt_wrong")).status_code == 401
        assert chief.get("/api/people", headers=bearer(token)).status_code == 403


def test_what_other_programs_send_as_authorization_is_not_taken_for_a_token(app, people):
    with logged_in(app, "anna") as client:
        for value in ("Basic YW5uYTp4", "Bearer eyJhbGciOi", "Bearer"):
            assert client.get("/api/session", headers={"authorization": value}).json()["reader"] == "anna"


def test_a_person_makes_lists_and_revokes_own_tokens(app, people):
    with logged_in(app, "anna") as client:
        made = client.post("/api/tokens", json={"label": "slicer", "days": 90})
        assert made.status_code == 201
        text = made.json()["token"]
        (listed,) = client.get("/api/tokens").json()["tokens"]
        assert listed == {key: value for key, value in made.json().items() if key != "token"}
        assert client.get("/api/session", headers=bearer(text)).status_code == 200
        assert client.delete(f"/api/tokens/{listed['number']}").status_code == 204
        assert client.get("/api/session", headers=bearer(text)).status_code == 401
        assert client.get("/api/tokens").json()["tokens"][0]["revoked"]


def test_another_readers_token_is_as_if_it_were_not_there_and_an_admin_revokes_it(app, queued, people):
    _, made = make_token(queued.workspace.store, "ada", "slicer")
    anna = logged_in(app, "anna")
    answer = anna.delete(f"/api/tokens/{made.number}")
    assert (answer.status_code, answer.text) == (404, anna.delete("/api/tokens/99").text.replace("99", "1"))
    assert logged_in(app, "chief").delete(f"/api/tokens/{made.number}").status_code == 204
    assert queued.workspace.store.tokens.get(made.number).revoked


def test_a_token_makes_no_other_way_in(program, queued, people):
    token = make_token(queued.workspace.store, "chief", "script")[0]
    assert program.get("/api/people", headers=bearer(token)).status_code == 200
    for answer in (
        program.post("/api/tokens", json={"label": "more"}, headers=bearer(token)),
        program.post("/api/people", json={"name": "eve", "roles": ["admin"]}, headers=bearer(token)),
        program.put("/api/people/chief", json={"password": "one that eve knows"}, headers=bearer(token)),
    ):
        assert (answer.status_code, answer.json()["kind"]) == (403, "hidden")
    answer = program.put("/api/password", json={"old": "x", "new": "y"}, headers=bearer(token))
    assert (answer.status_code, answer.json()["kind"]) == (409, "refused")


def test_no_route_error_or_log_ever_has_a_token_of_a_path(state, tmp_path, queued, token, caplog):
    app = make_app(state, PORT, tmp_path / "no-page")
    seen = []

    @app.get("/api/queue/{place}/broken")
    def broken(request: Request) -> None:
        seen.append((str(request.url), dict(request.scope)))
        raise RuntimeError("a bug")

    known = ("GET", compile_path("/api/queue/{place}/broken")[0], Role.READER)
    with pytest.MonkeyPatch.context() as patch, caplog.at_level(logging.DEBUG):
        patch.setattr(roles, "_COMPILED", [*roles._COMPILED, known])
        client = TestClient(app, base_url=ORIGIN, raise_server_exceptions=False)
        answers = [
            client.get(f"/t/{token}/api/queue/1/broken"),
            client.get(f"/t/{token}/api/nothing"),
            client.get(f"/t/{token}/api/tasks/x/masks/shown"),
            client.get(f"/t/{token}/api/people"),
        ]
    assert [answer.status_code for answer in answers] == [500, 404, 422, 403]
    assert token not in "".join(answer.text + str(answer.headers) for answer in answers)
    assert token not in repr(seen)
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith("httpx")]
    assert token not in "".join(ours)


def test_a_stream_of_events_ends_with_the_token_that_opened_it(state, queued, people):
    store = queued.workspace.store

    async def pieces() -> list[bytes]:
        text, last = make_token(store, "anna", "stream")
        asked = Asked(
            peer="127.0.0.1", is_by_proxy=False, host="", scheme="http", origin="", token=text, cookie="",
            user_names=(),
        )  # fmt: skip
        visitor = await state.visitors.find(asked)
        stream, found = while_in(state.events.listen(None, "anna"), state.visitors, visitor), []
        found.append(await anext(stream))
        state.events.tell("note", {"note": 1})
        found.append(await anext(stream))
        revoke_token(store, last.number)
        state.accounts.forget()
        state.events.tell("note", {"note": 2})
        return [*found, *[piece async for piece in stream]]

    found = asyncio.run(pieces())
    assert len(found) == 2
    assert b'"note": 1' in found[1]


def test_roles_of_a_token_are_those_that_its_person_has_now(app, program, queued, token):
    assert program.get("/api/people", headers=bearer(token)).status_code == 403
    logged_in(app, "chief").put("/api/people/anna", json={"roles": [Role.ADMIN]})
    assert program.get("/api/people", headers=bearer(token)).status_code == 200
