"""Whoever submitted an experiment changes it, and admins; nobody else does."""

from __future__ import annotations

import pytest

from reglab.api.access.policy import Policy
from reglab.core.storage import SCOPES, TokenRefusedError
from reglab.core.storage.sessions import MOST
from tests.harness.inline import SMALL

CHANGES = [
    ("PATCH", "", {"name": "renamed"}),
    ("POST", "/cancel", None),
    ("POST", "/retry", None),
    ("DELETE", "", None),
]


@pytest.fixture
def other(guarded):
    """A client with a second token that may submit."""
    _, text = guarded.storage.tokens.create("another", "submit")
    client = guarded.client()
    client.headers["Authorization"] = f"Bearer {text}"
    return client


def submitted(client) -> str:
    reply = client.post("/v1/experiments", json=SMALL)
    assert reply.status_code == 202, reply.text
    return f"/v1/experiments/{reply.json()['id']}"


@pytest.mark.parametrize(("method", "path", "body"), CHANGES)
def test_only_the_owner_and_an_admin_change_an_experiment(guarded, other, method, path, body):
    address = submitted(guarded.client(scope="submit"))
    before = other.get(address).json()
    reply = other.request(method, address + path, json=body)
    assert reply.status_code == 403
    (error,) = reply.json()["errors"]
    assert error["field"] == "experiment_id"
    assert "admin" in error["remedy"]
    assert other.get(address).json() == before
    for scope in ("submit", "admin"):
        mine = submitted(guarded.client(scope="submit"))
        reply = guarded.client(scope=scope).request(method, mine + path, json=body)
        assert reply.status_code != 403, reply.text


def test_only_the_owner_and_an_admin_change_a_dataset(guarded, other):
    content = b"a,y\n1,x\n2,z\n3,x\n4,z\n"
    owner = guarded.client(scope="submit")
    reply = owner.post("/v1/datasets", files={"file": ("a.csv", content)})
    assert reply.status_code == 201, reply.text
    address = reply.headers["location"]
    for method, body in (("PATCH", {"name": "renamed"}), ("DELETE", None)):
        refused = other.request(method, address, json=body)
        assert refused.status_code == 403
        assert refused.json()["errors"][0]["field"] == "dataset_id"
        assert guarded.client(scope="read").request(method, address).status_code == 403
    assert other.get(address).json()["name"] == "a.csv"
    # The same bytes of another are the first one's dataset still.
    assert other.post("/v1/datasets", files={"file": ("b.csv", content)}).status_code == 200
    assert other.delete(address).status_code == 403
    assert owner.patch(address, json={"name": "renamed"}).json()["name"] == "renamed"
    assert guarded.client(scope="admin").delete(address).status_code == 204


def test_what_nobody_owns_may_be_changed_by_all_who_submit(guarded, other):
    spec = {**SMALL, "seeds": [11]}
    nobody = guarded.client(Policy(mode="open", host="0.0.0.0"))
    address = f"/v1/experiments/{nobody.post('/v1/experiments', json=spec).json()['id']}"
    assert other.patch(address, json={"name": "ours"}).status_code == 200
    assert guarded.client(scope="read").patch(address, json={"name": "x"}).status_code == 403


def test_pages_show_buttons_to_those_who_may_use_them(guarded, other):
    address = submitted(guarded.client(scope="submit")).removeprefix("/v1")
    shown = {scope: guarded.client(scope=scope).get(address).text for scope in SCOPES}
    assert [scope for scope in SCOPES if 'id="actions"' in shown[scope]] == ["submit", "admin"]
    assert 'id="actions"' not in other.get(address).text


def test_a_token_keeps_its_newest_sign_ins(guarded):
    record, _ = guarded.storage.tokens.create("signs in often", "read")
    sessions = guarded.storage.sessions
    secrets = [sessions.open(record, 3600) for _ in range(MOST + 3)]
    for secret in secrets[3:]:
        assert sessions.authenticate(secret).id == record.id
    for secret in secrets[:3]:
        with pytest.raises(TokenRefusedError, match="ended"):
            sessions.authenticate(secret)


@pytest.mark.parametrize("name", ["Host", "Authorization", "Content-Type", "Idempotency-Key"])
def test_a_header_that_is_sent_twice_is_refused(guarded, name):
    client = guarded.client()
    values = {"Host": "testserver", "Authorization": f"Bearer {guarded.texts['admin']}"}
    headers = [*values.items(), (name, values.get(name, "one")), (name, "two")]
    reply = client.get("/v1/presets", headers=headers)
    assert reply.status_code == 400
    assert reply.json()["errors"][0]["field"] == name


def test_a_compressed_body_is_refused_by_its_header(guarded):
    client = guarded.client(scope="submit")
    reply = client.post("/v1/experiments", content=b"x", headers={"Content-Encoding": "gzip"})
    assert reply.status_code == 415
    assert reply.json()["errors"][0]["field"] == "Content-Encoding"
