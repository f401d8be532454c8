"""Security headers on every kind of answer, and CORS only for origins that were named."""

from __future__ import annotations

import pytest

from reglab.api.access.policy import Policy
from reglab.api.middleware.headers import ALWAYS

LOCAL = Policy(hosts=frozenset({"testserver"}))
NOTES = "https://notes.example.org"
PAGE = {"Accept": "text/html"}


@pytest.fixture(scope="module")
def local(guarded):
    return guarded.client(LOCAL)


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/healthz", {}, 200),
        ("/v1/presets", {}, 200),
        ("/v1/nothing", {}, 404),
        ("/nothing", PAGE, 404),
        ("/experiments", PAGE, 200),
        ("/", {}, 307),
        ("/docs", PAGE, 200),
        ("/openapi.json", {}, 200),
        ("/v1/presets", {"Host": "evil.example"}, 421),
    ],
)
def test_every_answer_has_them(local, path, headers, status):
    reply = local.get(path, headers=headers)
    assert reply.status_code == status
    for name, value in ALWAYS.items():
        assert reply.headers.get_list(name) == [value], name
    (policy,) = reply.headers.get_list("content-security-policy")
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert reply.headers["cache-control"] == "no-store"
    assert "strict-transport-security" not in reply.headers
    assert "access-control-allow-origin" not in reply.headers


def test_a_fault_and_a_refusal_have_them_too(guarded, local, monkeypatch):
    refused = guarded.client().get("/v1/presets")
    monkeypatch.setattr("reglab.api.routers.catalog.PRESETS", None)
    faulty = local.get("/v1/presets")
    assert (refused.status_code, faulty.status_code) == (401, 500)
    for reply in (refused, faulty):
        assert {name: reply.headers.get(name) for name in ALWAYS} == ALWAYS
        assert reply.headers["cache-control"] == "no-store"


def test_static_files_stay_cached(local):
    page = local.get("/experiments", headers=PAGE).text
    style = page.split('rel="stylesheet" href="')[1].split('"')[0]
    assert "immutable" in local.get(style).headers["cache-control"]
    bundle = local.get("/static-offline-docs/swagger-ui-bundle.js")
    assert bundle.status_code == 200
    assert "cache-control" not in bundle.headers


def test_the_reference_s_policy_allows_its_own_script_alone(local):
    policy = local.get("/docs").headers["content-security-policy"]
    script = policy.split("script-src ")[1].split(";")[0]
    assert "unsafe" not in script
    assert "'sha256-" in script
    assert "'sha256-" not in local.get("/redoc").headers["content-security-policy"]


def test_under_https_browsers_are_told_to_stay_there(guarded):
    reply = guarded.client(LOCAL, base_url="https://testserver").get("/healthz")
    assert reply.headers["strict-transport-security"] == "max-age=31536000"


def preflight(client, origin: str):
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    return client.options("/v1/experiments", headers=headers)


def test_cors_is_off_unless_an_origin_is_named(guarded):
    off = guarded.client()
    reply = preflight(off, NOTES)
    assert reply.status_code == 401
    assert not any(name.startswith("access-control") for name in reply.headers)
    on = guarded.client(Policy.from_env({"REGLAB_ACCESS": "tokens", "REGLAB_CORS_ORIGINS": NOTES}))
    reply = preflight(on, NOTES)
    assert reply.status_code == 200
    assert reply.headers["access-control-allow-origin"] == NOTES
    assert "access-control-allow-credentials" not in reply.headers
    assert preflight(on, "https://evil.example").status_code == 400
    headers = {"Origin": NOTES, "Authorization": f"Bearer {guarded.texts['read']}"}
    reply = on.get("/v1/presets", headers=headers)
    assert reply.status_code == 200
    assert reply.headers["access-control-allow-origin"] == NOTES
    # A refusal can be read by the page as well.
    refused = on.get("/v1/presets", headers={"Origin": NOTES})
    assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, NOTES)
