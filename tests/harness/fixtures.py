"""Fixtures of the whole suite: servers, databases, services, workers, logs."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
import structlog

from reglab.api.stack import Stack
from reglab.core.process import logs
from reglab.core.storage import Storage
from reglab.core.storage.migrate import upgrade
from tests.harness.guarded import Guarded
from tests.harness.inline import Inline
from tests.harness.servers import (
    POSTGRES_VARIABLE,
    REDIS_VARIABLE,
    Postgres,
    Redis,
    Server,
    fresh_database,
    running,
)
from tests.harness.workers import Delivery


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """URL of a Postgres server's maintenance database."""
    if os.environ.get(POSTGRES_VARIABLE):
        yield os.environ[POSTGRES_VARIABLE]
        return
    with running(Postgres) as server:
        yield server.url


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """URL of a Redis database that no other process of the suite uses."""
    if os.environ.get(REDIS_VARIABLE):
        number = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
        yield f"{os.environ[REDIS_VARIABLE].rpartition('/')[0]}/{number}"
        return
    with running(Redis) as server:
        yield server.url


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.services)])
def empty_url(request, tmp_path) -> Iterator[str]:
    """A fresh database of each kind, without any table."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'reglab.db'}"
        return
    with fresh_database(request.getfixturevalue("postgres_server")) as url:
        yield url


@pytest.fixture
def database_url(empty_url) -> str:
    """A fresh, migrated database of each kind."""
    upgrade(empty_url)
    return empty_url


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds

    def pass_lease(self, storage: Storage, seconds: float = 30.0) -> None:
        """A lease's length, with looks all along as a reaper's; the last look is the test's."""
        storage.maintenance.reap(resend_seconds=5)
        for _ in range(5):
            self.seconds += seconds / 5
            if _ < 4:
                storage.maintenance.reap(resend_seconds=5)


@pytest.fixture
def clock() -> Clock:
    """The steady clock by which ``storage`` ends leases."""
    return Clock()


@pytest.fixture
def storage(database_url, clock) -> Iterator[Storage]:
    """Storage over a fresh database of each kind."""
    made = Storage(database_url, lease_seconds=30.0, max_attempts=2, clock=clock)
    yield made
    made.close()


@pytest.fixture
def inline(tmp_path) -> Iterator[Inline]:
    """A fresh service for one test."""
    made = Inline(tmp_path)
    yield made
    made.storage.close()


@pytest.fixture(scope="session")
def trained(tmp_path_factory) -> Iterator[Inline]:
    """A service with whatever the session's tests have trained; tests must not count rows."""
    made = Inline(tmp_path_factory.mktemp("trained"))
    yield made
    made.storage.close()


@pytest.fixture(scope="session")
def guarded(tmp_path_factory) -> Iterator[Guarded]:
    """One database for all; tests that end tokens make their own."""
    made = Guarded(tmp_path_factory.mktemp("guarded"))
    yield made
    made.storage.close()


@pytest.fixture(scope="session")
def service(tmp_path_factory) -> Iterator[Stack]:
    """A real server and a real worker on the embedded database and broker."""
    home = tmp_path_factory.mktemp("service")
    upgrade(f"sqlite:///{home / 'reglab.db'}")
    done = threading.Event()

    def keep() -> None:
        """What ``reglab serve`` does while it runs."""
        while not done.wait(0.5):
            stack.check()

    # As many processes on every machine.
    env = {"REGLAB_HOME": str(home), "REGLAB_WORKER_PROCESSES": "2"}
    with Stack(env=env, logs=home / "logs") as stack:
        keeper = threading.Thread(target=keep)
        keeper.start()
        yield stack
        done.set()
        keeper.join()


@pytest.fixture(scope="session")
def server(service) -> str:
    """URL of the live service."""
    return service.url


@pytest.fixture(scope="session")
def http(server) -> Iterator[httpx.Client]:
    """A client of the live service."""
    with httpx.Client(base_url=f"{server}/v1", timeout=60) as client:
        yield client


@pytest.fixture
def log_lines(request, monkeypatch) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """Logging as in a service; gives the lines so far, parsed. Its parameter is the settings."""
    buffer, root, before = io.StringIO(), logging.getLogger(), structlog.get_config()
    kept = (root.handlers[:], root.level)
    monkeypatch.setattr(sys, "stdout", buffer)
    logs.configure("test", getattr(request, "param", {}))
    yield lambda: [json.loads(line) for line in buffer.getvalue().splitlines()]
    root.handlers[:] = kept[0]
    root.setLevel(kept[1])
    logging.captureWarnings(False)
    structlog.configure(**before)
    structlog.contextvars.clear_contextvars()


@pytest.fixture(
    scope="module", params=["embedded", pytest.param("redis", marks=pytest.mark.services)]
)
def broker(request) -> str:
    """SQLite with the folder broker, or Postgres with Redis."""
    return request.param


@pytest.fixture(scope="module")
def servers(broker) -> Iterator[dict[str, Server]]:
    """Servers of this module's own, which tests may stop; none for the embedded pair."""
    with contextlib.ExitStack() as stack:
        if broker == "embedded":
            yield {}
            return
        kinds = {"postgres": Postgres, "redis": Redis}
        yield {name: stack.enter_context(running(kind)) for name, kind in kinds.items()}


@pytest.fixture(scope="module")
def delivery(servers, tmp_path_factory) -> Iterator[Delivery]:
    """A fresh database and broker; workers are started by tests and shared between them."""
    folder = tmp_path_factory.mktemp("delivery")
    env = {"REGLAB_HOME": str(folder / "home")}
    if servers:
        env["REGLAB_DATABASE_URL"] = servers["postgres"].url
        env["REGLAB_BROKER_URL"] = servers["redis"].url
    made = Delivery(env, folder)
    upgrade(made.settings.database_url)
    yield made
    made.close()


@pytest.fixture(scope="module")
def undisturbed(delivery):
    """The bits of the run that other tests disturb."""
    delivery.the_worker()
    experiment = delivery.submit()
    delivery.wait_for(experiment)
    assert delivery.run(experiment).attempt == 1
    return delivery.bits(experiment)
