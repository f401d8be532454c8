"""A real server in a thread over a database that the test drives itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from reglab.api.access.policy import Policy
from reglab.api.app import create_app
from reglab.api.limits import protocol
from reglab.core.settings import Settings
from reglab.core.settings.limits import Limits
from reglab.core.storage.migrate import upgrade
from tests.harness.servers import free_port


def settings_in(folder: Path) -> Settings:
    """Settings of an embedded, migrated database."""
    settings = Settings.from_env({"REGLAB_HOME": str(folder)})
    upgrade(settings.database_url)
    return settings


@contextmanager
def serving(
    settings: Settings,
    port: int = 0,
    limits: Limits | None = None,
    policy: Policy | None = None,
    grace: int = 3,
) -> Iterator[tuple[str, FastAPI]]:
    """The URL and the app of a server that runs until the block ends.

    Requests under way then have ``grace`` seconds.
    """
    limits = limits or Limits()
    app = create_app(settings, policy, limits)
    port = port or free_port()
    config = uvicorn.Config(
        app,
        port=port,
        log_level="error",
        timeout_graceful_shutdown=grace,
        **protocol.options(limits),
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{port}", app
    finally:
        server.should_exit = True
        thread.join(120)
