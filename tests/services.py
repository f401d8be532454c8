"""Fixtures of real servers and of databases on them."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from reglab.core.storage import Storage
from reglab.core.storage.database import make_engine
from reglab.core.storage.migrate import upgrade
from tests.servers import (
    POSTGRES_VARIABLE,
    REDIS_VARIABLE,
    Absent,
    Postgres,
    Redis,
    Server,
)


def absent(what: str) -> None:
    """A missing server is a skip for a person and a failure for CI."""
    message = f"{what} is not installed on this machine"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


@contextmanager
def running(server: type[Server]) -> Iterator[Server]:
    """A server of the test's own, which it may stop and start."""
    try:
        with server() as started:
            yield started
    except Absent as error:
        absent(str(error))


@contextmanager
def fresh_database(server: str) -> Iterator[str]:
    """URL of a new, empty database on a Postgres server; dropped at the end."""
    name = f"test_{time.time_ns()}"
    engine = make_engine(server).execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield make_url(server).set(database=name).render_as_string(hide_password=False)
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    engine.dispose()


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
    """URL of a Redis server."""
    if os.environ.get(REDIS_VARIABLE):
        yield os.environ[REDIS_VARIABLE]
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
