"""The server does what its OpenAPI document says, also for requests that nobody thought of."""

import warnings
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from .conftest import ORIGIN

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import schemathesis
    from schemathesis import GenerationMode, checks

N_EXAMPLES = 4
"""Of each route."""
ENDLESS = {"/api/events"}
"""It has tests of its own."""
KNOWN = {"number": 1, "case_id": "a", "name": "liver", "source": "shown"}
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
    asked = [one for one in operations if one.path not in ENDLESS]
    assert len(asked) >= 25
    for operation in asked:
        _ask(client, operation)


def _ask(client: Any, operation: Any) -> None:
    known = {name: value for name, value in KNOWN.items() if f"{{{name}}}" in operation.path}
    cases = [
        operation.as_strategy(),
        operation.as_strategy(path_parameters=known or None),
        operation.as_strategy(generation_mode=GenerationMode.NEGATIVE, path_parameters=known or None),
    ]

    @hypothesis.settings(
        max_examples=N_EXAMPLES,
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
        answer = client.request(**{name: value for name, value in told.items() if name in SENT})
        case.validate_response(answer, checks=CHECKS)

    ask()


def test_every_route_has_a_summary_a_description_and_its_refusals(client):
    document = client.get("/api/openapi.json").json()
    for path, methods in document["paths"].items():
        for method, route in methods.items():
            assert route["summary"], (method, path)
            assert route["description"], (method, path)
            assert {"401", "403", "413", "421", "422"} <= set(route["responses"]), (method, path)
