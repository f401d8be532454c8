"""Tokens over HTTP: made, listed and revoked by who has the scope admin."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest


def test_a_token_is_made_listed_and_revoked(guarded):
    admin = guarded.client(scope="admin")
    reply = admin.post("/v1/tokens", json={"name": "notebook", "scope": "submit", "days": 2})
    assert reply.status_code == 201
    made = reply.json()
    text = made.pop("token")
    assert made["state"] == "active"
    left = datetime.fromisoformat(made["expires_at"]) - datetime.now(UTC)
    assert timedelta(days=2, minutes=-1) < left < timedelta(days=2)
    headers = {"Authorization": f"Bearer {text}"}
    assert guarded.client().get("/v1/presets", headers=headers).status_code == 200
    listed = admin.get("/v1/tokens")
    found = {row["id"]: row for row in listed.json()["items"]}
    assert found[made["id"]]["last_used_at"] is not None
    assert {k: v for k, v in found[made["id"]].items() if k != "last_used_at"} == {
        k: v for k, v in made.items() if k != "last_used_at"
    }
    assert text.split("_", 2)[2] not in listed.text
    assert "digest" not in listed.text
    path = f"/v1/tokens/{made['id']}"
    assert [admin.delete(path).status_code for _ in range(2)] == [204, 204]
    assert guarded.client().get("/v1/presets", headers=headers).status_code == 401
    after = {row["id"]: row for row in admin.get("/v1/tokens").json()["items"]}
    assert after[made["id"]]["state"] == "revoked"


def test_defaults_are_the_least_right_and_an_end(guarded):
    made = guarded.client(scope="admin").post("/v1/tokens", json={"name": "n"}).json()
    assert made["scope"] == "read"
    assert made["expires_at"] is not None
    lasting = guarded.client(scope="admin").post("/v1/tokens", json={"name": "n", "days": None})
    assert lasting.json()["expires_at"] is None


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"scope": "root"}, "scope"),
        ({"days": 0}, "days"),
        ({"days": 1e9}, "days"),
        ({"admin": True}, "admin"),
    ],
)
def test_a_wrong_request_names_the_field(guarded, change, field):
    admin = guarded.client(scope="admin")
    reply = admin.post("/v1/tokens", json={"name": "n", **change})
    assert reply.status_code == 422
    assert [error["field"] for error in reply.json()["errors"]] == [field]


@pytest.mark.parametrize("token_id", ["0" * 16, "x", "0" * 15 + "G"])
def test_there_is_no_such_token(guarded, token_id):
    reply = guarded.client(scope="admin").delete(f"/v1/tokens/{token_id}")
    assert reply.status_code == 404


def test_the_log_says_who_did_what_with_tokens(guarded, log_lines):
    admin = guarded.client(scope="admin")
    made = admin.post("/v1/tokens", json={"name": "logged"}).json()
    admin.delete(f"/v1/tokens/{made['id']}")
    guarded.client().post("/sign-in", data={"token": guarded.texts["read"]})
    by = guarded.ids["admin"]
    told = [(line["event"], line.get("token_id")) for line in log_lines()]
    assert told == [
        ("token made", by), ("request", by),
        ("token revoked", by), ("request", by),
        ("signed in", guarded.ids["read"]), ("request", None),
    ]  # fmt: skip
    assert made["token"][-43:] not in json.dumps(log_lines())
