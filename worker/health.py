"""``reglab health``: ends with 0 if a worker of this host was seen lately."""

from __future__ import annotations

import socket
import sys

from reglab.core.process.commands import run_command
from reglab.core.settings import Settings
from reglab.core.storage import Storage

SILENT_SECONDS = 30.0


def main() -> int:
    """Ask the database, where each worker signs in every few seconds."""
    storage = Storage.of(Settings.from_env())
    try:
        age = storage.maintenance.worker_age(f"{socket.gethostname()}/")
    finally:
        storage.close()
    if age is None or age > SILENT_SECONDS:
        print("no worker of this host" if age is None else f"silent for {age:.0f} s")
        return 1
    print(f"seen {age:.1f} s ago")
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
