"""Real Postgres and Redis from this machine's packages, on free ports, in a temporary folder."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from reglab.api.stack import bound_socket
from reglab.core.storage.database import make_engine

POSTGRES_VARIABLE = "REGLAB_TEST_POSTGRES_URL"
REDIS_VARIABLE = "REGLAB_TEST_REDIS_URL"


_kept: list[socket.socket] = []


def free_port() -> int:
    """A port that the kernel gives to no other program until this process ends.

    It is bound and never listened on, so whoever is told its number may listen on it (Linux).
    """
    _kept.append(bound_socket("127.0.0.1", 0))
    return int(_kept[-1].getsockname()[1])


class Absent(RuntimeError):
    """The server's program is not installed on this machine."""


def wait_for(attempt: Callable[[], Any], seconds: float = 30.0) -> None:
    """Until it neither raises nor returns False; then its last error is raised."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if attempt() is not False:
                return
            if time.monotonic() > deadline:
                raise TimeoutError(f"not so within {seconds:g} s: {attempt}")
        except TimeoutError:
            raise
        except Exception:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.05)


class Server:
    """A server process with a folder and a port of its own; can be killed and started again."""

    stop_signal = signal.SIGTERM

    def __init__(self) -> None:
        # Not below pytest's own folder, which the user that Postgres runs as may not enter.
        self.folder = Path(tempfile.mkdtemp(prefix=f"reglab-{type(self).__name__.lower()}-"))
        self.port = free_port()
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            self.prepare()
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def prepare(self) -> None:
        """Once, before the first start."""

    def start(self) -> None:
        """Start and wait until it answers."""
        self._child = subprocess.Popen(
            self.command(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            **self.user(),
        )
        wait_for(self.ping)

    def stop(self, how: signal.Signals | None = None) -> None:
        """Stop and wait until it has ended; does nothing if it does not run."""
        child, self._child = self._child, None
        if child is not None:
            child.send_signal(how or self.stop_signal)
            child.wait(30)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Until the block ends all its processes stand still, as if its machine hung."""
        assert self._child is not None
        main = self._child.pid
        children = Path(f"/proc/{main}/task/{main}/children").read_text().split()
        pids = [main, *map(int, children)]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)

    def close(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def command(self) -> list[str]:
        raise NotImplementedError

    def ping(self) -> None:
        raise NotImplementedError

    def user(self) -> dict[str, Any]:
        return {}


class Postgres(Server):
    """Trusts this machine; without fsync, as no test loses power."""

    # Its fast shutdown: ends transactions, does not wait for clients to go.
    stop_signal = signal.SIGINT

    @property
    def url(self) -> str:
        """SQLAlchemy URL of the maintenance database."""
        return f"postgresql+psycopg://reglab@127.0.0.1:{self.port}/postgres"

    def prepare(self) -> None:
        who = self.user()
        self.folder.chmod(0o755)
        if who:
            os.chown(self.folder, who["user"], who["group"])
        initdb = [self._tool("initdb"), "-D", self._data, "-A", "trust", "-U", "reglab", "-N"]
        subprocess.run(
            initdb, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", **who
        )

    def command(self) -> list[str]:
        port, folder = str(self.port), str(self.folder)
        return [self._tool("postgres"), "-D", self._data, "-p", port, "-k", folder, "-F"]

    def ping(self) -> None:
        psycopg.connect(self.url.replace("+psycopg", "")).close()

    def user(self) -> dict[str, Any]:
        """Postgres refuses to run as root."""
        if os.geteuid() != 0:
            return {}
        user = pwd.getpwnam("postgres")
        return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}

    @property
    def _data(self) -> str:
        return str(self.folder / "data")

    @staticmethod
    def _tool(name: str) -> str:
        found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}")) or [shutil.which(name)]
        if not found[-1]:
            raise Absent("Postgres")
        return str(found[-1])


class Redis(Server):
    """Forgets everything when it ends: the hardest case."""

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def command(self) -> list[str]:
        program = shutil.which("redis-server")
        if program is None:
            raise Absent("Redis")
        folder = str(self.folder)
        return [program, "--port", str(self.port), "--save", "", "--dir", folder]

    def ping(self) -> None:
        with socket.create_connection(("127.0.0.1", self.port), 1) as connection:
            connection.settimeout(1)
            connection.sendall(b"PING\r\n")
            if not connection.recv(16).startswith(b"+PONG"):
                raise ConnectionError("not ready")


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
    name = f"test_{uuid.uuid4().hex}"
    engine = make_engine(server).execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield make_url(server).set(database=name).render_as_string(hide_password=False)
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    engine.dispose()
