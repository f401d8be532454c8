"""The server and a worker as child processes: started together, stopped together."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import httpx

from reglab.core.errors import ReglabError
from reglab.core.process.parent import VARIABLE as PARENT_PIPE
from reglab.core.settings import REFUSED

START_SECONDS = 90.0
STOP_SECONDS = 20.0


class StackError(ReglabError):
    """A part did not start or died; the message says which and where its log is."""


class Stack:
    """Runs ``reglab server`` and ``reglab worker`` until closed.

    Args:
        host: Address to bind.
        port: Port to bind; 0 takes a free one.
        env: Variables laid over this process's environment.
        logs: Folder for api.log and worker.log; None lets both write to this terminal.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        env: Mapping[str, str] | None = None,
        logs: Path | None = None,
    ) -> None:
        self.host = host
        # Kept as long as this lives: Linux gives the port to no other program, and lets the server
        # listen on it.
        self._kept = bound_socket(host, 0) if port == 0 else None
        self.port = port if self._kept is None else int(self._kept.getsockname()[1])
        self.url = f"http://{f'[{host}]' if ':' in host else host}:{self.port}"
        self._env = {**os.environ, **(env or {})}
        self._env |= {"REGLAB_HOST": host, "REGLAB_PORT": str(self.port)}
        self.logs = logs
        self._files: list[IO[bytes]] = []
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        # The children hold one end and end when this process, which holds the other, is gone.
        self._pipe: tuple[int, ...] = ()

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def check(self) -> None:
        """Restart a dead worker; raise StackError if the server died or a worker refuses."""
        for name, child in list(self._children.items()):
            code = child.poll()
            if code is None:
                continue
            if name == "api":
                raise StackError(f"The server ended with code {code}.{self._log_hint('api')}")
            if code == REFUSED:
                raise StackError(f"The worker cannot start.{self._log_hint('worker')}")
            print(f"The worker ended with code {code}; starting another.", file=sys.stderr)
            self._spawn("worker")

    def close(self) -> None:
        """Ask the worker, then the server, to end; kill what does not within STOP_SECONDS."""
        for name in ("worker", "api"):
            child = self._children.pop(name, None)
            if child is not None:
                _stop(child)
        for end in self._pipe:
            os.close(end)
        self._pipe = ()
        if self._kept is not None:
            self._kept.close()
        for file in self._files:
            file.close()
        self._files.clear()

    def _start(self) -> None:
        check_address(self.host, self.port)
        self._pipe = os.pipe()
        self._env[PARENT_PIPE] = str(self._pipe[0])
        self._spawn("api")
        self._spawn("worker")
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            self.check()
            if time.monotonic() > deadline:
                raise StackError(f"The server did not answer in time.{self._log_hint('api')}")
            time.sleep(0.1)

    def _answers(self) -> bool:
        try:
            # It talks to itself: whatever proxy is set is for other servers.
            answer = httpx.get(f"{self.url}/healthz", timeout=2, trust_env=False)
            return answer.status_code == 200
        except httpx.HTTPError:
            return False

    def _spawn(self, name: str) -> None:
        output: IO[bytes] | None = None
        if self.logs is not None:
            self.logs.mkdir(parents=True, exist_ok=True)
            output = (self.logs / f"{name}.log").open("ab")
            self._files.append(output)
        self._children[name] = subprocess.Popen(  # noqa: S603 # this interpreter, arguments of our own
            [sys.executable, "-m", f"reglab.{name}"],
            env=self._env,
            stdout=output,
            stderr=subprocess.STDOUT if output else None,
            pass_fds=self._pipe[:1],
            # Ctrl-C must reach this process alone, which then stops its children in order.
            start_new_session=True,
        )

    def _log_hint(self, name: str) -> str:
        return f" See {self.logs / f'{name}.log'}." if self.logs else ""


def check_address(host: str, port: int) -> None:
    """StackError unless a server can listen there."""
    try:
        bound_socket(host, port).close()
    except OSError as error:
        raise StackError(
            f"Cannot listen on {host}:{port} ({error.strerror}). "
            "Choose another port with REGLAB_PORT, or another address with REGLAB_HOST."
        ) from error


def bound_socket(host: str, port: int) -> socket.socket:
    """A socket on this address, of whichever family the host is; OSError if it is taken."""
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    made = socket.socket(family, kind, protocol)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
    except OSError:
        made.close()
        raise
    return made


def _stop(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        child.send_signal(signal.SIGTERM)
    try:
        child.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
