"""The server does what its OpenAPI document says, also for requests that nobody thought of."""

import warnings
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from omentum.project.accounts import make_token

from .conftest import ORIGIN, TestClient

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import schemathesis
    from schemathesis import GenerationMode, checks

N_EXAMPLES = 4
"""Of each route."""
ENDLESS = {"/api/events"}
"""It has tests of its own."""
KNOWN = {
    "number": 1,
    "case_id": "a",
    "name": "liver",
    "source": "shown",
    "model": "omentum",
    "strategy": "omentum",
}
"""Path parameters that there are, so that routes are not only asked for what they do not have."""
SENT = {"method", "url", "headers", "params", "json", "content", "data", "files", "cookies"}
CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]


@pytest.mark.filterwarnings("ignore")  # of schemathesis and of what it is made of
def test_every_route_answers_any_request_as_the_document_says(client):
    schema = schemathesis.openapi.from_dict(client.get("/api/openapi.json").json())
    operations = [found.ok() for found in schema.get_all_operations()]
    asked = [one for one in operations if one.path not in ENDLESS and "people" not in one.tags]
    assert len(asked) >= 25
    for operation in asked:
        _ask(client, operation, N_EXAMPLES)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["anna", "ada", "chief"])
def test_every_route_answers_each_role_as_the_document_says(app, queued, people, name):
    """A token asks, as random requests would log a browser out, or let nobody in by the link any more."""
    store = queued.workspace.store
    for _ in range(20):  # a token of a small number might be revoked by a random request
        make_token(store, "ada", "of another person")
    token = make_token(store, name, "random requests")[0]
    headers = {"authorization": f"Bearer {token}"}
    with TestClient(app, base_url=ORIGIN, headers=headers) as client:
        schema = schemathesis.openapi.from_dict(client.get("/api/openapi.json").json())
        operations = [found.ok() for found in schema.get_all_operations()]
        for operation in operations:
            if "people" in operation.tags or "adjudication" in operation.tags:
                _ask(client, operation, 2)
            elif operation.path not in ENDLESS:
                _ask(client, operation, 1)
        assert client.get("/api/session").json()["reader"] == name


def _ask(client: Any, operation: Any, n_examples: int) -> None:
    known = {name: value for name, value in KNOWN.items() if f"{{{name}}}" in operation.path}
    cases = [
        operation.as_strategy(),
        operation.as_strategy(path_parameters=known or None),
        operation.as_strategy(generation_mode=GenerationMode.NEGATIVE, path_parameters=known or None),
    ]

    @hypothesis.settings(
        max_examples=n_examples,
        deadline=None,
        database=None,
        derandomize=True,  # the same requests on each machine
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(case=st.one_of(cases))
    def ask(case: Any) -> None:
        told = case.as_transport_kwargs(base_url=ORIGIN)
        if isinstance(told.get("data"), str | bytes):  # else the fields of a form
            told["content"] = told.pop("data")
        if told.get("files"):
            told["files"] = [(name, _sendable(value)) for name, value in _pairs(told["files"])]
        answer = client.request(**{name: value for name, value in told.items() if name in SENT})
        case.validate_response(answer, checks=CHECKS)

    ask()


def _pairs(files: Any) -> Any:
    return files.items() if isinstance(files, dict) else files


def _sendable(value: Any) -> Any:
    """Write a part of a form that is neither text nor bytes as text, as every client does."""
    if isinstance(value, tuple):
        return tuple(None if one is None else _sendable(one) for one in value)
    return value if isinstance(value, str | bytes) else str(value)


def test_every_route_has_a_summary_a_description_and_its_refusals(client):
    document = client.get("/api/openapi.json").json()
    for path, methods in document["paths"].items():
        for method, route in methods.items():
            assert route["summary"], (method, path)
            assert route["description"], (method, path)
            assert {"401", "403", "413", "421", "422"} <= set(route["responses"]), (method, path)
