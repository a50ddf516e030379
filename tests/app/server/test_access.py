"""The server lets in whoever has its link, and no other site."""

import time

import pytest
from starlette.websockets import WebSocketDisconnect

from omentum.app.server.app import make_app, make_state
from omentum.app.server.gate import CONTENT_SECURITY_POLICY, MOST_JSON_BYTES
from omentum.app.server.sessions import LINK_SECONDS, SESSION_SECONDS, Sessions
from omentum.review.edit_files import MOST_EDIT_BYTES

from .conftest import BINARY, ORIGIN, PORT, TestClient, entered


@pytest.fixture
def stranger(app):
    """A browser that was not let in."""
    with TestClient(app, base_url=ORIGIN, follow_redirects=False) as client:
        yield client


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


def test_a_link_is_exchanged_for_a_cookie_that_scripts_and_other_sites_cannot_use(app, stranger):
    token = app.state.server.sessions.new_link_token()
    answer = stranger.get("/enter", params={"token": token})
    assert answer.status_code == 303
    assert token not in answer.headers["location"]
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"omentum-{PORT}=")
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert stranger.get("/api/session").status_code == 200


def test_a_link_works_once(app, stranger):
    token = app.state.server.sessions.new_link_token()
    stranger.get("/enter", params={"token": token})
    again = TestClient(app, base_url=ORIGIN).get("/enter", params={"token": token})
    assert again.status_code == 401
    assert "press Enter in the terminal" in again.text
    assert token not in again.text


@pytest.mark.parametrize("query", ["", "?token=", "?token=of-another-server"])
def test_a_missing_or_foreign_token_lets_nobody_in(stranger, query):
    answer = stranger.get(f"/enter{query}")
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers


def test_a_link_and_a_session_end_by_the_clock(tmp_path):
    clock = Clock()
    sessions = Sessions(tmp_path / "sessions.json", "anna", clock)
    late, token = sessions.new_link_token(), sessions.new_link_token()
    secret = sessions.exchange(token)
    clock.now += LINK_SECONDS
    with pytest.raises(PermissionError, match="is too old"):
        sessions.exchange(late)
    assert sessions.find(secret) is not None
    clock.now += SESSION_SECONDS
    assert sessions.find(secret) is None


@pytest.mark.parametrize(
    "path", ["/api/session", "/api/nothing", "/api/queue", "/api/cases/a/ct", "/api/openapi.json"]
)
@pytest.mark.parametrize("cookie", [None, "", "of-another-server"])
def test_nothing_is_shown_without_a_session(stranger, path, cookie):
    if cookie is not None:
        stranger.cookies.set(f"omentum-{PORT}", cookie)
    assert stranger.get(path).status_code == 401


def test_a_session_outlives_a_restart_of_the_server_and_its_file_holds_no_secret(app, queued, tmp_path):
    with entered(app) as before:
        cookies = dict(before.cookies)
    again = make_app(make_state(queued.workspace, "anna"), PORT, tmp_path / "no-page")
    with TestClient(again, base_url=ORIGIN, cookies=cookies) as client:
        assert client.get("/api/session").status_code == 200
    kept = queued.workspace.folder.cache_dir / "review" / "sessions.json"
    assert kept.stat().st_mode & 0o077 == 0
    assert all(secret not in kept.read_text() for secret in cookies.values())


def test_a_foreign_host_is_refused_as_names_can_be_pointed_at_this_machine(client):
    for host in ("evil.example", "evil.example:8765", "127.0.0.1.evil.example", "", "a@127.0.0.1", "[::2]"):
        answer = client.get("/api/session", headers={"host": host})
        assert (answer.status_code, answer.json()["kind"]) == (421, "foreign-host"), host


def test_this_machine_has_several_names_and_a_tunnel_another_port(client):
    for host in ("localhost:8765", "[::1]:8765", "127.0.0.1:9000"):
        assert client.get("/api/session", headers={"host": host}).status_code == 200, host


def test_what_another_site_asks_a_browser_to_send_is_refused(client):
    for origin in ("https://evil.example", "http://127.0.0.1:9999", "http://localhost:8765", "null", ""):
        answer = client.post("/api/tasks/1/skip", json={"why": "x"}, headers={"origin": origin})
        assert (answer.status_code, answer.json()["kind"]) == (403, "foreign-origin"), origin
    assert client.get("/api/tasks/1").json()["state"] == "queued"


def test_every_answer_keeps_other_sites_frames_and_caches_out(client):
    for path in ("/", "/entered", "/api/session", "/api/nothing", "/api/cases/a/ct"):
        headers = client.get(path).headers
        assert headers["content-security-policy"] == CONTENT_SECURITY_POLICY
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"
        assert "access-control-allow-origin" not in headers


def test_no_inline_script_and_no_frame_is_allowed():
    rules = dict(rule.split(" ", 1) for rule in CONTENT_SECURITY_POLICY.split("; "))
    assert rules["script-src"] == "'self'"
    assert rules["worker-src"] == "'self' blob:"
    assert rules["frame-ancestors"] == "'none'"


def test_a_body_that_says_it_is_too_large_is_not_read(client):
    read = []

    def body():
        read.append(1)
        yield b"{}"

    huge = {"content-length": str(MOST_JSON_BYTES + 1), "content-type": "application/json"}
    answer = client.post("/api/tasks/next", content=body(), headers=huge)
    assert answer.status_code == 413
    edits = {**BINARY, "content-length": str(MOST_EDIT_BYTES + 1)}
    assert client.post("/api/tasks/1/save", content=body(), headers=edits).status_code == 413


def test_a_body_without_a_length_is_read_to_its_bound_and_no_further(client):
    given = []

    def endless():
        while True:
            given.append(1)
            yield bytes(1 << 18)

    # TestClient joins the pieces before it sends them, so that the app is asked by hand.
    async def receive():
        given.append(1)
        return {"type": "http.request", "body": bytes(1 << 18), "more_body": True}

    sent = []

    async def send(message):
        sent.append(message)

    headers = [
        (b"host", b"127.0.0.1:8765"),
        (b"origin", b"http://127.0.0.1:8765"),
        (b"cookie", f"omentum-{PORT}={client.cookies[f'omentum-{PORT}']}".encode()),
    ]
    scope = {"type": "http", "method": "POST", "path": "/api/tasks/next", "headers": headers}
    client.portal.call(client.app, scope, receive, send)
    assert sent[0]["status"] == 413
    assert len(given) <= 5


def test_no_web_socket_is_offered(client):
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/api/events"):
        pass


def test_the_reader_of_a_browser_can_change_and_is_checked(client):
    assert client.put("/api/session", json={"reader": "ben"}).json()["reader"] == "ben"
    assert client.get("/api/session").json()["reader"] == "ben"
    for name in ("", "../anna", "a b", "x" * 101):
        assert client.put("/api/session", json={"reader": name}).status_code == 422


def test_a_page_that_is_not_built_says_how_to_build_it(client):
    assert "npm ci" in client.get("/").text


def test_a_built_page_is_served_and_nothing_beside_it(state, tmp_path):
    page = tmp_path / "page"
    page.mkdir()
    (page / "index.html").write_text("the page")
    (tmp_path / "secret.txt").write_text("secret")
    with entered(make_app(state, PORT, page)) as client:
        assert client.get("/").text == "the page"
        for path in ("/../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt", "//etc/passwd"):
            answer = client.get(path)
            assert answer.status_code == 404
            assert "secret" not in answer.text.replace("secret.txt", "")
