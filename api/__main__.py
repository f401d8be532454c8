"""``python -m reglab.api``: the server on REGLAB_HOST and REGLAB_PORT."""

from __future__ import annotations

import os

import uvicorn

from reglab.api import limits_protocol, logs
from reglab.api.app import create_app
from reglab.core.limits import Limits


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    logs.configure()
    limits = Limits.from_env()
    uvicorn.run(
        create_app(limits=limits),
        host=os.environ.get("REGLAB_HOST", "127.0.0.1"),
        port=int(os.environ.get("REGLAB_PORT", "8000")),
        # Our own middleware writes the access log, with request ids.
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=5,
        **limits_protocol.options(limits),
    )


if __name__ == "__main__":
    main()
