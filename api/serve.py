"""``python -m reglab.api.serve``: migrate, then run server and worker until Ctrl-C."""

from __future__ import annotations

import os
import signal
import sys
import time

from reglab.api.access import start
from reglab.api.access.policy import Policy
from reglab.api.stack import Stack, StackError
from reglab.core.errors import ReglabError
from reglab.core.settings import Settings
from reglab.core.storage import Storage
from reglab.core.storage.migrate import upgrade


def main() -> int:
    """Run until SIGINT or SIGTERM; returns the exit code."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    port = int(os.environ.get("REGLAB_PORT", "8000"))
    try:
        settings, policy = Settings.from_env(), Policy.from_env()
        upgrade(settings.database_url)
        start.check(policy, Storage.of(settings))
        with Stack(policy.host, port) as stack:
            print(f"reglab is ready: {stack.url} (API reference at {stack.url}/docs).")
            print("Press Ctrl-C to stop.", flush=True)
            while True:
                stack.check()
                time.sleep(1)
    except KeyboardInterrupt:
        print("Stopped.")
        return 0
    except StackError as error:
        print(error, file=sys.stderr)
        return 1
    except ReglabError as error:
        print(error, file=sys.stderr)
        return start.REFUSED


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
