"""Reuse over HTTP, with real trainings of a few epochs."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from reglab.api.app import create_app
from reglab.core.settings import Settings
from reglab.core.storage.migrate import upgrade
from reglab.worker.execute import Execution

SPEC = {
    "dataset": {"name": "two_moons", "train_size": 40},
    "model": {"hidden": [4]},
    "optimizer": {"schedule": {"lr": 0.1}},
    "training": {"epochs": 3, "batch_size": 16},
    "sweep": {"regularization.l2": [0, 0.01]},
}


@pytest.fixture
def client(tmp_path):
    url = f"sqlite:///{tmp_path / 'reglab.db'}"
    upgrade(url)
    with TestClient(create_app(Settings(home=tmp_path, database_url=url))) as made:
        yield made


def submit(client, spec=SPEC, **options):
    reply = client.post("/v1/experiments", json=spec, **options)
    assert reply.status_code == 202
    return reply.json()


def train(client):
    context = client.app.state.context
    while (lease := context.storage.runs.lease_next("test")) is not None:
        Execution(context.storage, lease, context.settings).run()


def test_an_equal_submission_is_done_at_once_and_force_trains(client):
    first = submit(client)
    assert [run["cached"] for run in first["runs"]] == [False, False]
    train(client)
    again = submit(client, SPEC | {"name": "another name", "tags": ["x"]})
    assert again["state"] == "succeeded"
    assert [run["reused_from"] for run in again["runs"]] == [run["id"] for run in first["runs"]]
    assert all(run["cached"] for run in again["runs"])
    forced = submit(client, params={"force": "true"})
    assert forced["state"] == "queued"
    train(client)
    paths = [f"/v1/experiments/{one['id']}" for one in (first, again, forced)]
    curves = [client.get(f"{path}/curves").json()["test_loss"] for path in paths]
    assert curves[0] == curves[1] == curves[2]
    ece = [[row["ece"] for row in client.get(f"{path}/ece").json()["items"]] for path in paths]
    assert ece[0] == ece[1] == ece[2]
    run = client.get(f"/v1/runs/{again['runs'][0]['id']}").json()
    assert (run["cached"], run["reused_from"]) == (True, first["runs"][0]["id"])


def test_only_new_points_of_a_wider_sweep_are_trained(client):
    submit(client)
    train(client)
    wider = submit(client, SPEC | {"sweep": {"regularization.l2": [0.01, 0.02]}})
    assert [run["state"] for run in wider["runs"]] == ["succeeded", "queued"]
    assert wider["state"] == "running"


def test_force_is_part_of_the_request_that_a_key_names(client):
    key = {"Idempotency-Key": "k"}
    first = submit(client, headers=key)
    assert submit(client, headers=key)["id"] == first["id"]
    reply = client.post("/v1/experiments", json=SPEC, headers=key, params={"force": "true"})
    assert reply.status_code == 409


def test_changed_files_are_other_data(client, images, tmp_path, monkeypatch):
    spec = SPEC | {"dataset": {"name": "mnist", "train_size": 20, "test_size": 10}, "sweep": {}}
    first = submit(client, spec)
    train(client)
    assert submit(client, spec)["runs"][0]["reused_from"] == first["runs"][0]["id"]
    folder = tmp_path / "data" / "mnist"
    folder.mkdir(parents=True)
    for file in (images / "mnist").iterdir():
        # The same images in the same order, from a file that is not the same.
        padding = b"" if file.name.startswith("t10k") else b"\x00"
        (folder / file.name).write_bytes(file.read_bytes() + padding)
    monkeypatch.setenv("REGLAB_DATA_DIR", str(folder.parent))
    assert submit(client, spec)["runs"][0]["state"] == "queued"
