"""The API reference: every field and parameter is described, every refusal is documented."""

from __future__ import annotations

import json
import re

import pytest
from openapi_spec_validator import validate


@pytest.fixture(scope="module")
def document(trained):
    return trained.http.get("/openapi.json").json()


def operations(document):
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def test_the_document_is_valid(document):
    validate(document)


def test_operations_are_described_and_have_names_of_their_own(document):
    found = dict(operations(document))
    names = [operation["operationId"] for operation in found.values()]
    assert len(set(names)) == len(names)
    assert [
        key for key, o in found.items() if not (o.get("summary") and o.get("description"))
    ] == []


def test_parameters_are_described(document):
    missing = [
        f"{key} {parameter['name']}"
        for key, operation in operations(document)
        for parameter in operation.get("parameters", [])
        if not (parameter.get("description") or parameter["schema"].get("description"))
    ]
    assert missing == []


def test_every_field_is_described(document):
    missing = [
        f"{name}.{field}"
        for name, schema in document["components"]["schemas"].items()
        for field, content in schema.get("properties", {}).items()
        if not content.get("description")
    ]
    assert missing == []


def test_refusals_are_problem_documents(document):
    for key, operation in operations(document):
        if "/v1/" not in key:
            continue
        errors = {code: r for code, r in operation["responses"].items() if code >= "400"}
        assert errors, key
        for code, response in errors.items():
            assert "application/problem+json" in response.get("content", {}), (key, code)


def test_everything_of_the_contract_is_there(document):
    expected = """
        POST /v1/experiments; GET /v1/experiments; GET /v1/experiments/{experiment_id}
        PATCH /v1/experiments/{experiment_id}; DELETE /v1/experiments/{experiment_id}
        POST /v1/experiments/{experiment_id}/cancel; POST /v1/experiments/{experiment_id}/retry
        GET /v1/experiments/{experiment_id}/runs; GET /v1/runs/{run_id}
        GET /v1/experiments/{experiment_id}/curves; GET /v1/experiments/{experiment_id}/ece
        GET /v1/runs/{run_id}/calibration; GET /v1/runs/{run_id}/boundary
        GET /v1/runs/{run_id}/weights; GET /v1/runs/{run_id}/spectrum
        GET /v1/runs/{run_id}/predictions; POST /v1/runs/{run_id}/predict
        GET /v1/runs/{run_id}/arrays; GET /v1/runs/{run_id}/arrays/{name}
        GET /v1/experiments/{experiment_id}/figures
        GET /v1/experiments/{experiment_id}/figures/{name}.{form}
        GET /v1/presets; GET /v1/datasets; GET /v1/schema; GET /healthz; GET /readyz; GET /metrics
    """
    wanted = {entry.strip() for line in expected.splitlines() for entry in line.split(";")} - {""}
    assert wanted <= {key for key, _ in operations(document)}


def test_every_reference_leads_to_something(document):
    names = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(document)))
    assert len(names) > 50
    assert names <= set(document["components"]["schemas"])


def test_the_reference_page_needs_no_other_host(trained):
    page = trained.http.get("/docs").text
    assert "https://" not in page.replace("https://json-schema.org", "")
    assert trained.http.get("/static-offline-docs/swagger-ui-bundle.js").status_code == 200
