"""The settings of this worker, read when it starts; what cannot be used ends it with a message."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from reglab.core import logs
from reglab.core.errors import FieldProblem, ReglabError
from reglab.core.settings import Settings, SettingsError, flag

# The exit code of a server or worker that must not start.
REFUSED = 2


def processes(env: Mapping[str, str] | None = None) -> int:
    """How many runs it trains at once: REGLAB_WORKER_PROCESSES, else one per core.

    Raises:
        SettingsError: The variable is no number from 1 to 1024.
    """
    env = os.environ if env is None else env
    text = env.get("REGLAB_WORKER_PROCESSES") or str(os.cpu_count() or 1)
    count = int(text) if text.isascii() and text.isdigit() and len(text) <= 4 else 0
    if not 1 <= count <= 1024:
        remedy = "Set it to a number of processes from 1 to 1024, e.g. 2."
        raise SettingsError(FieldProblem("REGLAB_WORKER_PROCESSES", f"Got {text!r}.", remedy))
    return count


def _read() -> tuple[Settings, int]:
    try:
        logs.choices(os.environ)
        flag(os.environ, "REGLAB_DOWNLOAD", True)
        return Settings.from_env(), processes()
    except ReglabError as error:
        print(error, file=sys.stderr)
        sys.exit(REFUSED)


settings, CONCURRENCY = _read()
