"""``python -m reglab.api``: the server on REGLAB_HOST and REGLAB_PORT."""

from __future__ import annotations

import os

import uvicorn

from reglab.api import logs
from reglab.api.app import create_app


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    logs.configure()
    uvicorn.run(
        create_app(),
        host=os.environ.get("REGLAB_HOST", "127.0.0.1"),
        port=int(os.environ.get("REGLAB_PORT", "8000")),
        # Our own middleware writes the access log, with request ids.
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=5,
    )


if __name__ == "__main__":
    main()
