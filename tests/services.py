"""Real Postgres and Redis servers for the suite, started from this machine's packages."""

from __future__ import annotations

import glob
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from reglab.core.storage import Storage
from reglab.core.storage.migrate import upgrade


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def absent(what: str) -> None:
    """A missing server is a skip for a person and a failure for CI."""
    message = f"{what} is not installed on this machine"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


def _as_postgres() -> dict[str, Any]:
    """Postgres refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    user = pwd.getpwnam("postgres")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory) -> Iterator[str]:
    """URL of a Postgres server's maintenance database."""
    if os.environ.get("REGLAB_TEST_POSTGRES_URL"):
        yield os.environ["REGLAB_TEST_POSTGRES_URL"]
        return
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
    if not found:
        absent("Postgres")
    tools = Path(found[-1])
    # Not below pytest's own folder, which other users may not enter.
    folder = Path("/tmp") / f"reglab-postgres-{os.getpid()}"
    folder.mkdir(mode=0o755)
    who = _as_postgres()
    if who:
        os.chown(folder, who["user"], who["group"])
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": "/", **who}
    data = str(folder / "data")
    initdb = [str(tools / "initdb"), "-D", data, "-A", "trust", "-U", "reglab", "-N"]
    subprocess.run(initdb, check=True, **quiet)
    port = free_port()
    server = subprocess.Popen(
        [str(tools / "postgres"), "-D", data, "-p", str(port), "-k", str(folder), "-F"], **quiet
    )
    url = f"postgresql+psycopg://reglab@127.0.0.1:{port}/postgres"
    _wait_for(lambda: create_engine(url).connect().close())
    yield url
    # SIGINT is Postgres's fast shutdown: it does not wait for forgotten connections.
    server.send_signal(signal.SIGINT)
    server.wait(20)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory) -> Iterator[str]:
    """URL of a fresh Redis server."""
    if shutil.which("redis-server") is None:
        absent("Redis")
    port = free_port()
    folder = tmp_path_factory.mktemp("redis")
    server = subprocess.Popen(
        ["redis-server", "--port", str(port), "--save", "", "--dir", str(folder)],
        stdout=subprocess.DEVNULL,
    )
    _wait_for(lambda: socket.create_connection(("127.0.0.1", port), 1).close())
    yield f"redis://127.0.0.1:{port}/0"
    server.terminate()
    server.wait(20)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.services)])
def database_url(request, tmp_path) -> str:
    """A fresh, migrated database of each kind."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'reglab.db'}"
    else:
        server = request.getfixturevalue("postgres_server")
        name = f"test_{time.time_ns()}"
        with create_engine(server, isolation_level="AUTOCOMMIT").connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        url = server.rsplit("/", 1)[0] + f"/{name}"
    upgrade(url)
    return url


@pytest.fixture
def storage(database_url) -> Iterator[Storage]:
    """Storage over a fresh database of each kind."""
    made = Storage(database_url, lease_seconds=30.0, max_attempts=2)
    yield made
    made.close()


def _wait_for(attempt: Callable[[], None], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            attempt()
            return
        except Exception:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
