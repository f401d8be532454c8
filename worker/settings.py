"""The settings of this worker, read when it starts; what cannot be used ends it with a message."""

from __future__ import annotations

import sys

from reglab.core.errors import FieldProblemError
from reglab.core.settings import REFUSED, DataSettings, LogSettings, Settings, WorkerSettings


def _read() -> tuple[Settings, int]:
    try:
        for kind in (LogSettings, DataSettings):
            kind.from_env()
        return Settings.from_env(), WorkerSettings.from_env().worker_processes
    except FieldProblemError as error:
        print(error, file=sys.stderr)
        sys.exit(REFUSED)


settings, CONCURRENCY = _read()
