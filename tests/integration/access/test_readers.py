"""A token that only reads: the playground is open to it, and no page offers what it may not do."""

from __future__ import annotations

import pytest

from tests.harness.inline import SMALL

HTML = {"Accept": "text/html"}
PLAYGROUND = "/v1/playground?train_size=20"
OFFERS = {
    "/experiments": 'href="/experiments/new"',
    "/experiments/new": 'id="submit"',
    "/experiments/{made}": 'id="actions"',
    "/playground": 'id="keep"',
}


@pytest.fixture(scope="module")
def made(guarded):
    reply = guarded.client(scope="submit").post("/v1/experiments", json={"name": "One", **SMALL})
    return reply.json()["id"]


@pytest.mark.parametrize("path", OFFERS)
def test_pages_offer_what_the_token_may_do(guarded, made, path):
    for scope, offered in (("read", False), ("submit", True)):
        reply = guarded.client(scope=scope).get(path.format(made=made), headers=HTML)
        assert reply.status_code == 200
        assert (OFFERS[path] in reply.text) == offered, scope
        assert ('href="/experiments/new"' in reply.text) == offered, scope


def test_the_playground_trains_for_readers(guarded, monkeypatch):
    monkeypatch.setattr("reglab.api.playground.EPOCHS", 2)
    assert guarded.client().get(PLAYGROUND).status_code == 401
    reply = guarded.client(scope="read").get(PLAYGROUND)
    assert reply.status_code == 200
    assert reply.text.count("event: frame") == 3
