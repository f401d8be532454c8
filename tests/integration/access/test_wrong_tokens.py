"""Wrong tokens count against the rate of their address, before anything looks them up."""

from __future__ import annotations

from fastapi.testclient import TestClient

from reglab.api.access.policy import Policy
from reglab.api.app import create_app
from reglab.core.settings.limits import Limits

FEW = Limits(rate=1, burst=5)
TRIES = 60


def client(guarded, **headers) -> TestClient:
    app = create_app(guarded.settings, Policy(mode="tokens"), FEW)
    return TestClient(app, headers=headers, follow_redirects=False)


def lookups(guarded, monkeypatch) -> list[str]:
    """The texts that are looked up from now on."""
    seen: list[str] = []
    tokens = type(guarded.storage.tokens)
    real = tokens.authenticate

    def authenticate(self, text):
        seen.append(text)
        return real(self, text)

    monkeypatch.setattr(tokens, "authenticate", authenticate)
    return seen


def test_beyond_the_rate_they_are_429_and_not_looked_up(guarded, monkeypatch):
    seen = lookups(guarded, monkeypatch)
    http = client(guarded)
    replies = [
        http.get("/v1/presets", headers={"Authorization": f"Bearer wrong{k}"}) for k in range(TRIES)
    ]
    codes = [reply.status_code for reply in replies]
    assert codes[:5] == [401] * 5
    assert codes[-1] == 429
    assert len(seen) == codes.count(401) < 10
    last = replies[-1]
    assert int(last.headers["retry-after"]) >= 1
    assert "REGLAB_MAX_RATE" in last.json()["detail"]


def test_who_was_right_lately_is_not_shut_out(guarded):
    http = client(guarded)
    right = {"Authorization": f"Bearer {guarded.texts['read']}"}
    assert http.get("/v1/presets", headers=right).status_code == 200
    for k in range(TRIES):
        http.get("/v1/presets", headers={"Authorization": f"Bearer wrong{k}"})
    wrong = http.get("/v1/presets", headers={"Authorization": "Bearer wrong"})
    assert wrong.status_code == 429
    # The rate of the token itself has its own allowance.
    assert http.get("/v1/presets", headers=right).status_code == 200


def test_signing_in_too_and_made_up_addresses_do_not_help(guarded):
    http = client(guarded)
    codes = [
        http.post(
            "/sign-in",
            data={"token": f"wrong{k}"},
            headers={"X-Forwarded-For": f"192.0.2.{k % 250}"},
        ).status_code
        for k in range(TRIES)
    ]
    assert codes[0] == 401
    assert codes[-1] == 429
