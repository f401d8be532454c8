"""Requests made from the API reference itself: none may be answered with a fault of ours."""

from __future__ import annotations

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    response_schema_conformance,
    status_code_conformance,
)

from tests.live import SMALL

CHECKS = [not_a_server_error, status_code_conformance, response_schema_conformance]


@schemathesis.serializer("application/zip")
def bytes_as_they_are(ctx, value):
    return value if isinstance(value, bytes) else str(value).encode()


@pytest.fixture(scope="module")
def finished(trained):
    return trained.finished(SMALL)


def test_no_request_makes_a_fault(trained, finished):
    known = {"experiment_id": finished["id"], "run_id": finished["runs"][0]["id"]}
    schema = schemathesis.openapi.from_asgi("/openapi.json", trained.http.app)
    tried = 0
    for result in schema.exclude(
        path_regex="/(events|playground)$", method="DELETE"
    ).get_all_operations():
        _try(result.ok(), known)
        tried += 1
    assert tried > 20


def _try(operation, known):
    @given(case=operation.as_strategy())
    @settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
    def run(case):
        for name in known.keys() & (case.path_parameters or {}).keys():
            case.path_parameters[name] = known[name]
        case.call_and_validate(checks=CHECKS, timeout=60)

    run()
