"""Real Postgres and Redis from this machine's packages, on free ports, in a temporary folder.

``python -m tests.servers COMMAND...`` starts both, runs the command with their addresses in
REGLAB_TEST_POSTGRES_URL and REGLAB_TEST_REDIS_URL, stops them, and ends with its exit code.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import psycopg

from reglab.api.stack import free_port

POSTGRES_VARIABLE = "REGLAB_TEST_POSTGRES_URL"
REDIS_VARIABLE = "REGLAB_TEST_REDIS_URL"


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


def main(command: list[str]) -> int:
    """Run the command beside both servers."""
    if not command:
        print(__doc__, file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.ExitStack() as stack:
        try:
            postgres, redis = stack.enter_context(Postgres()), stack.enter_context(Redis())
        except Absent as error:
            print(f"{error} is not installed; on Debian: apt-get install postgresql redis-server")
            return 2
        print(f"Postgres on port {postgres.port}, Redis on port {redis.port}.", flush=True)
        env = {**os.environ, POSTGRES_VARIABLE: postgres.url, REDIS_VARIABLE: redis.url}
        child = subprocess.Popen(command, env=env)
        try:
            return child.wait()
        except KeyboardInterrupt:
            child.send_signal(signal.SIGINT)
            return child.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
