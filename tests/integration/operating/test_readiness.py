"""/readyz tells the truth about each part, and quickly, also about one that hangs."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import update

from reglab.api.app import create_app
from reglab.api.readiness import Looks
from reglab.core.settings import Settings
from reglab.core.storage.migrate import upgrade
from reglab.core.storage.models import Run, Worker
from tests.harness.inline import SMALL
from tests.harness.servers import Postgres, Redis, running


def ready(http: httpx.Client | TestClient) -> tuple[int, dict]:
    reply = http.get("/readyz")
    return reply.status_code, reply.json()


def test_ages_and_numbers(inline):
    status, found = ready(inline.http)
    assert (status, found["ready"]) == (200, True)
    assert found["worker"].startswith("none seen yet")
    assert (found["worker_seconds"], found["workers"], found["queued"]) == (None, 0, 0)

    made = inline.submit(SMALL | {"seeds": [0, 1, 2]})
    inline.storage.maintenance.seen("one/1", 2)
    inline.storage.maintenance.seen("two/2", 4)
    inline.storage.runs.lease_next("w")
    with inline.storage.engine.begin() as connection:
        old = datetime.now(UTC) - timedelta(seconds=90)
        connection.execute(update(Run).values(created_at=old))
        # Of the two workers one is silent since a minute.
        mine = Worker.name == "two/2"
        connection.execute(update(Worker).where(mine).values(seen=Worker.seen - 60))
    status, found = ready(inline.http)
    assert (found["worker"], found["workers"], found["slots"]) == ("ok", 1, 2)
    assert found["worker_seconds"] < 10
    assert (found["queued"], found["running"]) == (2, 1)
    assert 90 <= found["oldest_queued_seconds"] < 120

    with inline.storage.engine.begin() as connection:
        connection.execute(update(Worker).values(seen=Worker.seen - 100))
    status, found = ready(inline.http)
    assert status == 200, "an absent worker only delays"
    assert found["worker"].startswith("none seen for 1")
    assert found["workers"] == 0
    inline.http.post(f"/v1/experiments/{made['id']}/cancel")


def test_a_database_that_is_not_migrated_is_not_ready(tmp_path):
    settings = Settings(home=tmp_path, database_url=f"sqlite:///{tmp_path / 'reglab.db'}")
    status, found = ready(TestClient(create_app(settings)))
    assert (status, found["ready"]) == (503, False)
    assert found["database"].startswith("behind")
    assert found["worker"] == "unknown"


def test_a_look_that_hangs_is_not_begun_again():
    looks, begun, release = Looks(), [], threading.Event()

    def hang() -> str:
        begun.append(1)
        release.wait(240)
        return "late"

    for _ in range(3):
        found = looks.within(1, {"hang": hang, "fine": lambda: 7})
        assert found["hang"].trouble == "no answer within 1 s"
        assert found["fine"].value == 7
    assert len(begun) == 1
    release.set()
    assert looks.within(60, {"hang": hang})["hang"].value == "late"


@pytest.mark.services
@pytest.mark.slow
def test_servers_that_hang_or_are_gone(tmp_path):
    with running(Postgres) as postgres, running(Redis) as redis:
        upgrade(postgres.url)
        settings = Settings(home=tmp_path, database_url=postgres.url, broker_url=redis.url)
        http = TestClient(create_app(settings))
        assert ready(http)[1] | {"worker": ""} == {
            "ready": True, "database": "ok", "broker": "ok", "worker": "", "worker_seconds": None,
            "workers": 0, "slots": 0, "queued": 0, "running": 0, "oldest_queued_seconds": 0.0,
        }  # fmt: skip
        with postgres.frozen(), redis.frozen():
            began = time.monotonic()
            status, found = ready(http)
            assert time.monotonic() - began < 30
            assert (status, found["database"]) == (503, "unreachable: no answer within 2 s")
            assert found["broker"].startswith("unreachable")
        deadline = time.monotonic() + 60
        while ready(http)[0] != 200 and time.monotonic() < deadline:
            time.sleep(0.2)
        assert ready(http)[0] == 200
        redis.stop()
        status, found = ready(http)
        assert (status, found["broker"]) == (200, "unreachable; the reaper sends later")
        postgres.stop()
        status, found = ready(http)
        assert (status, found["database"]) == (503, "unreachable: OperationalError")
