"""No address is forgotten: each one in the API reference refuses who has no token or too little."""

from __future__ import annotations

import re

import pytest

from reglab.api.web import pages
from reglab.core.storage import SCOPES

ANY_ID = "01a20e8c-cfe5-759a-82b0-fdfa1ca8176f"
# Written down once more, so that a change of the table is seen here.
OPEN = {"GET /healthz", "GET /readyz", "GET /sign-in", "POST /sign-in", "POST /sign-out"}
SUBMIT = {
    "POST /v1/experiments",
    "POST /v1/experiments/import",
    "PATCH /v1/experiments/{experiment_id}",
    "DELETE /v1/experiments/{experiment_id}",
    "POST /v1/experiments/{experiment_id}/cancel",
    "POST /v1/experiments/{experiment_id}/retry",
    "POST /v1/datasets",
    "PATCH /v1/datasets/{dataset_id}",
    "DELETE /v1/datasets/{dataset_id}",
}


def wanted(key: str) -> str | None:
    if key in OPEN or key.startswith("GET /static"):
        return None
    if "/v1/tokens" in key:
        return "admin"
    return "submit" if key in SUBMIT else "read"


def addresses(client) -> list[str]:
    paths = client.app.openapi()["paths"]
    return [f"{method.upper()} {path}" for path, methods in paths.items() for method in methods]


def call(client, key: str):
    method, path = key.split()
    return client.request(method, re.sub(r"\{[^}]+\}", ANY_ID, path))


def test_every_operation_refuses_without_a_token_and_with_too_little(guarded):
    clients = {scope: guarded.client(scope=scope) for scope in SCOPES}
    nobody = guarded.client()
    keys = addresses(nobody)
    assert len(keys) > 30
    assert set(keys) >= SUBMIT
    for key in keys:
        scope = wanted(key)
        reply = call(nobody, key)
        if scope is None:
            assert reply.status_code in (200, 503), key
            continue
        assert reply.status_code == 401, key
        assert reply.headers["www-authenticate"] == 'Bearer realm="reglab"'
        problem = reply.json()
        assert reply.headers["content-type"] == "application/problem+json"
        assert problem["type"] == "urn:reglab:unauthenticated"
        assert "reglab tokens create" in problem["errors"][0]["remedy"]
        for less in SCOPES[: SCOPES.index(scope)]:
            reply = call(clients[less], key)
            assert reply.status_code == 403, (key, less)
            assert (
                f'error="insufficient_scope", scope="{scope}"' in reply.headers["www-authenticate"]
            )
            assert f"--scope {scope}" in reply.json()["errors"][0]["remedy"]
        # The same with enough is let through to the handler; a stream would not end.
        if key.endswith("/playground"):
            continue
        for enough in SCOPES[SCOPES.index(scope) :]:
            assert call(clients[enough], key).status_code not in (401, 403, 421), (key, enough)


def test_what_is_not_in_the_reference_is_closed_as_well(guarded):
    nobody = guarded.client()
    shown = {route.path for route in pages.router.routes}
    assert {"/", "/experiments", "/experiments/{experiment_id}", "/compare"} <= shown
    others = {"/docs", "/redoc", "/openapi.json", "/v1/nothing", "//v1/tokens", "/static"}
    for path in shown | others:
        assert nobody.get(path).status_code == 401, path
    for path in ("/v1/nothing", "/v1/tokens/x/y"):
        assert nobody.post(path).status_code == 401, path
        assert guarded.client(scope="read").post(path).status_code == 404, path


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "TRACE", "MADEUP"])
def test_a_method_that_a_route_has_not_needs_the_scope_of_the_route(guarded, method):
    reply = guarded.client(scope="submit").request(method, "/v1/tokens/x")
    assert reply.status_code == 403
    reply = guarded.client(scope="admin").request(method, "/v1/tokens/x")
    assert (reply.status_code, reply.headers["allow"]) == (405, "DELETE")
