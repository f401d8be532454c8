"""Who is asked for a token, and what other sites can make a browser do."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import anyio
import pytest
from fastapi.testclient import TestClient

from reglab.api.access.policy import Policy
from reglab.api.access.principal import ANONYMOUS
from reglab.api.app import create_app
from reglab.api.limits.rate import Refusals
from reglab.api.middleware import guard
from reglab.core.settings import Settings, SettingsError
from reglab.core.settings.limits import Limits
from reglab.core.storage import SCOPES
from tests.harness.guarded import TOKENS
from tests.harness.inline import SMALL

LOCAL = Policy(hosts=frozenset({"testserver"}))
NETWORK = Policy(host="0.0.0.0")


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


@pytest.mark.parametrize(
    ("policy", "status"),
    [
        (LOCAL, 200),
        (Policy(host="::1", hosts=LOCAL.hosts), 200),
        (NETWORK, 401),
        (Policy(host="10.1.2.3"), 401),
        (Policy(host="machine.example.org"), 401),
        (Policy(mode="open", host="0.0.0.0"), 200),
        (Policy(mode="tokens", hosts=LOCAL.hosts), 401),
    ],
)
def test_a_token_is_asked_for_by_address_unless_told_so(guarded, policy, status):
    assert guarded.client(policy).get("/v1/presets").status_code == status
    assert guarded.client(policy, "read").get("/v1/presets").status_code == 200


def test_on_loopback_everyone_is_anonymous_even_with_a_token(guarded):
    client = guarded.client(LOCAL)
    seen = []

    async def look(scope, receive, send):
        seen.append(scope["state"]["principal"])

    watched = guard.GuardMiddleware(look, LOCAL, guarded.storage, Refusals(Limits()))
    with pytest.raises(AssertionError):
        TestClient(watched).get("/v1/presets", headers=bearer("nonsense"))
    assert seen == [ANONYMOUS]
    assert set(SCOPES) == ANONYMOUS.scopes
    assert ANONYMOUS.token_id is None
    assert client.post("/v1/experiments/estimate", json=SMALL).status_code == 200


@pytest.mark.parametrize("name", ["X-Forwarded-For", "X-Forwarded-Host", "Forwarded"])
def test_what_a_proxy_forwards_to_loopback_needs_a_token(guarded, name):
    headers = {name: "for=192.0.2.7"}
    assert guarded.client(LOCAL).get("/v1/presets", headers=headers).status_code == 401
    assert guarded.client(LOCAL, "read").get("/v1/presets", headers=headers).status_code == 200


async def status_of(app, **scope):
    """The status that a bare ASGI call gets."""
    statuses = []
    base = {
        "type": "http", "method": "GET", "path": "/v1/presets", "raw_path": b"/v1/presets",
        "query_string": b"", "root_path": "", "scheme": "http", "http_version": "1.1",
        "headers": [(b"host", b"localhost")], "client": ("127.0.0.1", 1), "asgi": {},
    }  # fmt: skip

    async def send(message):
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    await app({**base, **scope}, receive, send)
    return statuses[0]


@pytest.mark.parametrize(
    ("server", "status"),
    [
        (("127.0.0.1", 8000), 200),
        (("::1", 8000), 200),
        (("192.0.2.7", 8000), 401),
        (("2001:db8::7", 8000), 401),
        (("/run/reglab.sock", None), 200),
        (None, 200),
    ],
)
def test_an_app_served_elsewhere_without_our_command_asks_too(guarded, server, status):
    app = guarded.client(Policy()).app
    assert anyio.run(lambda: status_of(app, server=server)) == status


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("LOCALHOST:8000", 200),
        ("127.0.0.1:8000", 200),
        ("127.1.2.3", 200),
        ("[::1]:8000", 200),
        ("lab.example.org", 200),
        ("evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("localhost:8000:1", 421),
        ("[::1", 421),
        ("", 421),
    ],
)
def test_a_name_that_is_not_ours_is_refused(guarded, host, status):
    policy = Policy.from_env({"REGLAB_ALLOWED_HOSTS": "lab.example.org"})
    client = guarded.client(policy)
    reply = client.get("/v1/presets", headers={"Host": host})
    assert reply.status_code == status
    if status == 421:
        assert "REGLAB_ALLOWED_HOSTS" in reply.json()["errors"][0]["remedy"]
    # A supervisor's probe comes by an address that nobody knows beforehand.
    assert client.get("/healthz", headers={"Host": host}).status_code == 200


def test_a_server_that_asks_for_tokens_may_have_any_name(guarded):
    headers = {"Host": "any.example"}
    assert guarded.client(NETWORK, "read").get("/v1/presets", headers=headers).status_code == 200


SITES = [
    # method, headers, status
    ("POST", {}, 200),
    ("POST", {"Origin": "http://testserver"}, 200),
    ("POST", {"Origin": "https://testserver", "Host": "testserver:443"}, 200),
    ("POST", {"Origin": "http://testserver:9000"}, 403),
    ("POST", {"Origin": "http://evil.example"}, 403),
    ("POST", {"Origin": "null"}, 403),
    ("POST", {"Origin": "http://testserver.evil.example"}, 403),
    ("POST", {"Sec-Fetch-Site": "cross-site"}, 403),
    ("POST", {"Sec-Fetch-Site": "same-site"}, 403),
    ("POST", {"Sec-Fetch-Site": "same-origin", "Origin": "http://testserver"}, 200),
    ("POST", {"Origin": "https://notes.example.org", "Sec-Fetch-Site": "cross-site"}, 200),
    ("GET", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}, 403),
    ("GET", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, 200),
    ("GET", {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors"}, 200),
    ("GET", {"Sec-Fetch-Site": "none"}, 200),
]


@pytest.mark.parametrize(("method", "headers", "status"), SITES)
def test_other_sites_cannot_make_a_browser_act(guarded, method, headers, status):
    policy = Policy(hosts=LOCAL.hosts, origins=frozenset({"https://notes.example.org"}))
    path = "/v1/experiments/estimate" if method == "POST" else "/v1/presets"
    body = {"json": SMALL} if method == "POST" else {}
    reply = guarded.client(policy).request(method, path, headers=headers, **body)
    assert reply.status_code == status, reply.text
    if status == 403:
        assert reply.json()["type"] == "urn:reglab:foreign-origin"


@pytest.mark.parametrize(
    ("header", "detail"),
    [
        ("Basic cmVnbGFiOng=", "not 'Bearer <token>'"),
        ("{text}", "not 'Bearer <token>'"),
        ("Bearer {text}x", "not known"),
        ("Bearer", "not known"),
    ],
)
def test_what_is_wrong_with_a_token_is_said_without_repeating_it(guarded, header, detail):
    text = guarded.texts["read"]
    headers = {"Authorization": header.format(text=text)}
    reply = guarded.client().get("/v1/presets", headers=headers)
    assert reply.status_code == 401
    assert detail in reply.json()["detail"]
    assert reply.headers["www-authenticate"] == 'Bearer realm="reglab", error="invalid_token"'
    assert text not in reply.text
    assert text.split("_", 2)[2][:12] not in reply.text
    for case in ("bearer", "BEARER"):
        headers = {"Authorization": f"{case}  {text}"}
        assert guarded.client().get("/v1/presets", headers=headers).status_code == 200


def test_expiry_and_revocation_count_at_once(guarded):
    client = guarded.client()
    tokens = guarded.storage.tokens
    ended = tokens.create("ended", "read", datetime.now(UTC) - timedelta(minutes=1))[1]
    reply = client.get("/v1/presets", headers=bearer(ended))
    assert reply.status_code == 401
    assert "'ended' expired at" in reply.json()["detail"]
    record, text = tokens.create("brief", "read")
    assert client.get("/v1/presets", headers=bearer(text)).status_code == 200
    tokens.revoke(record.id)
    reply = client.get("/v1/presets", headers=bearer(text))
    assert reply.status_code == 401
    assert "'brief' was revoked" in reply.json()["detail"]


def test_a_stream_ends_soon_after_its_reader_s_token(guarded, monkeypatch):
    monkeypatch.setattr(guard, "RECHECK_SECONDS", 0.05)
    record, text = guarded.storage.tokens.create("reader", "read")
    told = []

    async def stream(scope, receive, send):
        with anyio.fail_after(60):
            told.append(await receive())

    async def nothing():
        await anyio.sleep_forever()

    async def main():
        app = guard.GuardMiddleware(stream, TOKENS, guarded.storage, Refusals(Limits()))
        headers = [(b"authorization", f"Bearer {text}".encode())]
        scope = {"type": "http", "method": "GET", "path": "/v1/x", "headers": headers}
        scope |= {"query_string": b"", "scheme": "http"}
        async with anyio.create_task_group() as group:
            group.start_soon(app, scope, nothing, None)
            await anyio.sleep(0.3)
            assert told == []
            guarded.storage.tokens.revoke(record.id)

    anyio.run(main)
    assert told == [{"type": "http.disconnect"}]


def test_an_experiment_is_stored_with_the_token_that_made_it(guarded):
    reply = guarded.client(scope="submit").post("/v1/experiments", json=SMALL)
    assert reply.status_code == 202, reply.text
    record = guarded.storage.experiments.get(reply.json()["id"])
    assert record.token_id == guarded.ids["submit"]


def test_a_database_that_is_away_lets_nobody_in(guarded, tmp_path):
    away = Settings(home=tmp_path, database_url="postgresql+psycopg://nobody@127.0.0.1:1/none")
    client = TestClient(create_app(away, TOKENS), headers=bearer(guarded.texts["admin"]))
    reply = client.get("/v1/presets")
    assert reply.status_code == 503
    assert reply.headers["retry-after"]
    assert reply.json()["type"] == "urn:reglab:unavailable"
    assert client.get("/healthz").status_code == 200


def test_metrics_may_be_opened(guarded):
    assert guarded.client().get("/metrics").status_code == 401
    assert guarded.client(scope="read").get("/metrics").status_code == 200
    opened = Policy.from_env({"REGLAB_ACCESS": "tokens", "REGLAB_OPEN_METRICS": "1"})
    assert guarded.client(opened).get("/metrics").status_code == 200
    assert guarded.client(opened).get("/v1/presets").status_code == 401


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REGLAB_ACCESS", "none"),
        ("REGLAB_CORS_ORIGINS", "*"),
        ("REGLAB_CORS_ORIGINS", "notes.example.org"),
        ("REGLAB_CORS_ORIGINS", "https://notes.example.org/"),
        ("REGLAB_SESSION_HOURS", "-1"),
        ("REGLAB_SESSION_HOURS", "soon"),
    ],
)
def test_a_wrong_setting_is_named(name, value):
    with pytest.raises(SettingsError, match=name):
        Policy.from_env({name: value})


def test_a_fault_is_logged_without_the_token(guarded, monkeypatch, log_lines):
    monkeypatch.setattr("reglab.api.routers.catalog.PRESETS", None)
    client = guarded.client(scope="admin")
    cookie = {"Cookie": f"reglab-session={guarded.texts['admin'][-43:]}"}
    assert client.get("/v1/presets", headers=cookie).status_code == 500
    lines = log_lines()
    assert [line["event"] for line in lines if line["event"] == "fault"] == ["fault"]
    assert guarded.texts["admin"][-43:] not in json.dumps(lines)


def test_where_no_token_is_asked_for_a_header_is_no_passport(guarded):
    headers = {"Origin": "http://evil.example", "Authorization": "x"}
    reply = guarded.client(LOCAL).post("/v1/experiments", json=SMALL, headers=headers)
    assert reply.status_code == 403
    assert reply.json()["errors"][0]["field"] == "Origin"


@pytest.mark.parametrize("host", ["evil:80@127.0.0.1", "127.0.0.1#.evil.com", "127.0.0.1/evil", ""])
def test_odd_hosts_are_no_names(guarded, host):
    reply = guarded.client(LOCAL).get("/v1/presets", headers={"Host": host})
    assert reply.status_code == 421


def test_a_token_in_the_query_is_noticed_however_it_is_written(guarded):
    text = "".join(f"%{ord(sign):02x}" for sign in guarded.texts["read"])
    reply = guarded.client(TOKENS, "read").get(f"/v1/experiments?q={text}")
    assert (reply.status_code, reply.json()["type"]) == (400, "urn:reglab:token-in-address")


def test_a_key_is_its_token_s(guarded):
    first, second = (guarded.client(TOKENS, scope) for scope in ("submit", "admin"))
    key = {"Idempotency-Key": "mine alone"}
    ids = [
        http.post("/v1/experiments", json=SMALL, headers=key).json()["id"]
        for http in (first, first, second, second)
    ]
    assert ids[0] == ids[1] != ids[2] == ids[3]
