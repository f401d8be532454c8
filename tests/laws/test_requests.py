"""What holds of requests to every route: HEAD, unknown and repeated parameters, bytes as a body."""

from __future__ import annotations

import json

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from reglab.api.access import queries
from reglab.api.access.routes import contexts
from tests.harness.fuzz import inputs, tell
from tests.harness.inline import SMALL

# Streams without an end, of which the test client would wait for the last byte.
ENDLESS = ("/events", "/playground")
NAMES = {"name": "curves", "form": "png", "layer": "0"}


@pytest.fixture(scope="module")
def made(trained):
    return trained.finished(SMALL)


def paths(trained, made, method):
    """Every route of the app with its query parameters, ids of what there is put in."""
    known = NAMES | {"experiment_id": made["id"], "run_id": made["runs"][0]["id"]}
    for context in contexts(trained.http.app):
        if method in (context.methods or ()) and not str(context.path).endswith(ENDLESS):
            path = str(context.path).replace(":path", "")
            for name, value in known.items():
                path = path.replace(f"{{{name}}}", value)
            yield path, queries.parameters(context)


def test_head_is_answered_as_get_without_a_body(trained, made):
    tried = 0
    for path, _ in paths(trained, made, "GET"):
        if "{" in path:
            continue
        whole, head = (trained.http.request(method, path) for method in ("GET", "HEAD"))
        assert head.status_code == whole.status_code, path
        assert head.content == b""
        assert head.headers.get("content-type") == whole.headers.get("content-type"), path
        tried += 1
    assert tried > 30


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
def test_no_parameter_is_ignored(trained, made, method):
    tried = 0
    for path, known in paths(trained, made, method):
        if known is None or "{" in path:
            continue
        for query, field in misspelt(known):
            reply = trained.http.request(method, f"{path}?{query}")
            assert reply.status_code == 422, (method, path, query)
            assert field in {error["field"] for error in reply.json()["errors"]}, (path, query)
            tried += 1
    assert tried
    tell("unknown or repeated parameters", method)
    assert trained.http.get(f"/v1/experiments/{made['id']}").status_code == 200


def misspelt(known):
    yield "nothing=1", "nothing"
    for name, is_list in known.items():
        yield f"{name}x=1", f"{name}x"
        if not is_list:
            yield f"{name}=1&{name}=1", name


def test_the_nearest_name_is_told(trained, made):
    reply = trained.http.get("/v1/experiments?stat=failed")
    assert "Did you mean 'state'?" in reply.json()["errors"][0]["remedy"]
    assert trained.http.get("/experiments?state=foo").status_code == 422
    assert trained.http.get("/experiments?state=failed").status_code == 200


TEXTS = st.binary(max_size=40).map(lambda text: b'{"tags":["' + text + b'"],"name":"x"}')
BODIES = st.one_of(
    st.binary(max_size=200),
    TEXTS,
    st.text(st.characters(exclude_categories=())).map(
        lambda text: json.dumps({"name": text, "preset": text, "sweep": {text: [text]}}).encode()
    ),
    st.sampled_from([b'{"tags":["\xed\xa0\x80"]}', b'{"preset":"\xed\xa0\x80"}', b"\xff\xfe{}"]),
)


@inputs(60)
@given(body=BODIES)
def test_bytes_of_any_kind_are_no_fault(trained, made, body):
    http: TestClient = trained.http
    headers = {"Content-Type": "application/json"}
    for method in ("POST", "PATCH"):
        for path, _ in paths(trained, made, method):
            if path.endswith(("/cancel", "/retry", "/import")) or "{" in path:
                continue
            reply = http.request(method, path, content=body, headers=headers)
            assert reply.status_code < 500, (path, body)
            tell("bodies of any bytes", f"{reply.status_code // 100}xx")


def test_a_cursor_with_nul_is_no_cursor(trained, made):
    reply = trained.http.get(f"/v1/experiments?sort=name&cursor={made['id']}~AAAA")
    assert reply.status_code == 422
    assert reply.json()["errors"][0]["field"] == "cursor"
