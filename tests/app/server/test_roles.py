"""Each route asks for a role, and the server answers no route that names none."""

import re

import pytest
from fastapi import APIRouter
from starlette.routing import Mount

from omentum.app.server.app import make_app
from omentum.app.server.gate import Gate
from omentum.app.server.roles import ROLES, least_role, methods_of
from omentum.records.people import Role, may

from .conftest import ORIGIN, PORT, TestClient, logged_in

FILES = {"/", "/{page}.html", "/assets/{path:path}", "/licenses/{path:path}", "/third-party-notices.md"}
"""Of the page: a folder that is mounted, and no routes of the server."""


def routes_of(app):
    """Give (method, path) of all that the server answers, however FastAPI keeps it."""
    pending, found = list(app.routes), set()
    while pending:
        route = pending.pop()
        router = getattr(route, "original_router", None) or getattr(route, "router", None)
        if isinstance(route, Mount):
            assert route.name == "page"
        elif hasattr(route, "path"):
            found |= {(method, route.path) for method in route.methods or () if method != "HEAD"}
        else:
            assert isinstance(router, APIRouter), route
            pending += router.routes
    return found


def test_every_route_of_the_server_names_its_role_and_no_role_is_of_a_route_that_is_not_there(app):
    served = routes_of(app)
    assert len(served) > 30
    assert served - set(ROLES) == set()
    assert {path for _, path in set(ROLES) - served} <= FILES


def asked_path(path):
    values = {"number": "1", "case_id": "a", "name": "liver", "source": "shown", "page": "index"}
    return re.sub(r"{(\w+)(?::\w+)?}", lambda found: values.get(found[1], "1"), path)


async def let_in(scope, receive, send):
    """Stands for all that is behind the gate."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


@pytest.mark.parametrize("name", ["", "anna", "ada", "chief"])
def test_every_route_is_open_to_those_who_have_its_role_and_to_no_other(app, state, people, name):
    cookies = dict(logged_in(app, name).cookies) if name else {}
    gate = Gate(let_in, state.visitors, state.access, app.state.cookie)
    client = TestClient(gate, base_url=ORIGIN, headers={"origin": ORIGIN}, cookies=cookies)
    for (method, path), role in ROLES.items():
        answer = client.request(method, asked_path(path))
        may_ask = role is None or (name and may(people[name].roles, role))
        expected = None if may_ask else ("role" if name else "no-session")
        assert (answer.json()["kind"] if answer.status_code != 200 else None) == expected, (method, path)


@pytest.mark.parametrize("name", ["", "anna"])
def test_the_routes_of_admins_are_refused_to_readers_before_their_bodies_are_read(app, people, name):
    client = logged_in(app, name) if name else TestClient(app, base_url=ORIGIN, headers={"origin": ORIGIN})
    answer = client.post("/api/people", content=b"{")
    assert answer.status_code == (403 if name else 401)
    assert client.get("/api/people").status_code == (403 if name else 401)


def test_a_route_that_the_table_does_not_name_is_not_answered(state, tmp_path, people):
    app = make_app(state, PORT, tmp_path / "no-page")
    app.add_api_route("/api/forgotten", lambda: {"secret": 1})
    with logged_in(app, "chief") as client:
        answer = client.get("/api/forgotten")
    assert (answer.status_code, answer.json()["kind"]) == (404, "unknown")


def test_another_method_is_refused_with_those_that_there_are(app, people):
    with logged_in(app, "anna") as client:
        answer = client.delete("/api/queue")
    assert (answer.status_code, answer.json()["kind"]) == (405, "method")
    assert "GET" in answer.json()["detail"]


def test_of_routes_that_fit_the_same_path_the_highest_role_counts():
    assert least_role("GET", "/api/tasks/1/masks/shown.nii.gz") is Role.READER
    assert least_role("HEAD", "/api/people") is Role.ADMIN
    assert methods_of("/api/people") == ["GET", "POST"]
    with pytest.raises(LookupError):
        least_role("GET", "/api/people/")
