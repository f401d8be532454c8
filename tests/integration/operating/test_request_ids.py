"""The id of a request is found again in the log of the worker that trained what it asked for."""

from __future__ import annotations

import json

import pytest

from tests.harness.inline import SMALL
from tests.harness.workers import until

pytestmark = pytest.mark.slow


def lines(path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines() if line.startswith("{")]


def test_request_ids_reach_the_worker(service, http):
    made = {}
    for name in ("first-1", "second.2"):
        document = SMALL | {"name": name, "seeds": [len(made), 10 + len(made)]}
        reply = http.post(
            "/experiments", json=document, headers={"X-Request-Id": name}, params={"force": True}
        )
        assert reply.headers["x-request-id"] == name
        made[name] = reply.json()
    for body in made.values():
        address = f"/experiments/{body['id']}"
        until(lambda address=address: http.get(address).json()["state"] == "succeeded")
    worker = lines(service.logs / "worker.log")
    server = lines(service.logs / "api.log")
    for name, body in made.items():
        for run in body["runs"]:
            mine = [line for line in worker if line.get("run_id") == run["id"]]
            assert len(mine) >= 2
            for line in mine:
                assert line["request_id"] == name
                assert line["experiment_id"] == body["id"]
                assert (line["attempt"], line["service"]) == (1, "worker")
        [asked] = [line for line in server if line.get("request_id") == name]
        assert (asked["path"], asked["status"]) == ("/v1/experiments", 202)
    # Everything but Celery's own farewell is JSON.
    text = (service.logs / "worker.log").read_text().splitlines()
    assert all(line.startswith("{") for line in text if line)
