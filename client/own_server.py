"""A server and a worker of one's own, as a child process."""

from __future__ import annotations

import importlib.util
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reglab.client.clients import Client
from reglab.client.errors import ClientError, MissingPackageError, ServerUnreachableError

START_SECONDS = 120.0
STOP_SECONDS = 60.0


def need_extra(module: str, extra: str, purpose: str) -> None:
    """MissingPackageError that names the extra, if a module of it is not installed."""
    if importlib.util.find_spec(module) is None:
        raise MissingPackageError(
            f"{purpose} needs the extra '{extra}', which is not installed.",
            f"Run `pip install '.[{extra}]'` in a checkout of reglab.",
        )


@contextmanager
def own_server(home: Path, log: Path) -> Iterator[str]:
    """URL of a server on a free port, until the block ends; its worker trains beside it.

    Args:
        home: Folder of its database and broker; what is there is kept.
        log: File that gets what both print.
    """
    need_extra("fastapi", "server", "A server of one's own")
    for folder in (home, log.parent):
        folder.mkdir(parents=True, exist_ok=True)
    kept = _bound_socket()
    port = kept.getsockname()[1]
    if sys.platform != "linux":
        kept.close()
    settings = {"REGLAB_HOME": str(home), "REGLAB_HOST": "127.0.0.1", "REGLAB_PORT": str(port)}
    # It serves this machine alone, whatever is set for another server.
    settings["REGLAB_ACCESS"] = "auto"
    # It watches one end and ends when this process, which holds the other, is gone.
    watched, held = os.pipe()
    settings["REGLAB_PARENT_PIPE"] = str(watched)
    with log.open("ab") as output:
        child = subprocess.Popen(
            [sys.executable, "-m", "reglab.api.serve"],
            env={**os.environ, **settings},
            stdout=output,
            stderr=subprocess.STDOUT,
            # Ctrl-C must reach this process alone, which then stops its child in order.
            start_new_session=True,
            pass_fds=[watched],
        )
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_until_it_answers(child, url, log)
            yield url
        finally:
            _stop(child)
            os.close(watched)
            os.close(held)
            kept.close()


def _wait_until_it_answers(child: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    with Client(url, "", retries=0) as client:
        while True:
            try:
                client.health()
                return
            except ServerUnreachableError:
                pass
            if child.poll() is not None:
                raise ClientError(f"The server ended with code {child.returncode}.", f"See {log}.")
            if time.monotonic() > deadline:
                raise ClientError("The server did not answer in time.", f"See {log}.")
            time.sleep(0.2)


def _stop(child: subprocess.Popen[bytes]) -> None:
    child.terminate()
    try:
        child.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _bound_socket() -> socket.socket:
    """A free port, which Linux gives to no other program while the socket is open."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind(("127.0.0.1", 0))
    return made
