"""``reglab serve``: migrate, then run server and worker until Ctrl-C."""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import ExitStack

from reglab.api.access.policy import Policy
from reglab.core.errors import FieldProblemError
from reglab.core.process.parent import end_with_parent
from reglab.core.settings import (
    REFUSED,
    DataSettings,
    Limits,
    LogSettings,
    Settings,
    WorkerSettings,
    unknown_variables,
)

# What a terminal shows unless the variables say otherwise: what went wrong, in words.
QUIET = {"REGLAB_LOG_LEVEL": "WARNING", "REGLAB_LOG_FORMAT": "text"}
ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main() -> int:
    """Run until SIGINT, SIGTERM, SIGHUP or the parent's end; returns the exit code."""
    for number in ENDS:
        # Ignored on purpose, as by nohup, stays ignored.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _interrupt)
    end_with_parent()
    try:
        settings, policy = Settings.from_env(), Policy.from_env()
        # Server and worker read the others; what is wrong is told before they are started.
        for kind in (Limits, LogSettings, DataSettings, WorkerSettings):
            kind.from_env()
        for told in unknown_variables():
            print(told, file=sys.stderr)
        return _run(settings, policy)
    except KeyboardInterrupt:
        print("Stopped.")
        return 0
    except FieldProblemError as error:
        print(error, file=sys.stderr)
        return REFUSED


def _run(settings: Settings, policy: Policy) -> int:
    # Imported once the settings are known to be right, which is told in a fraction of the time.
    from rich.console import Console

    from reglab.api.access import start
    from reglab.api.stack import Stack, StackError
    from reglab.core.storage import Storage, StorageUnavailableError
    from reglab.core.storage.migrate import upgrade

    try:
        upgrade(settings.database_url)
        start.check(policy, Storage.of(settings))
        stack = Stack(policy.host, policy.port, env={**QUIET, **os.environ})
        with ExitStack() as running:
            with Console().status("Starting the server and a worker ...", spinner="line"):
                running.enter_context(stack)
            print(f"reglab is ready: {stack.url} (API reference at {stack.url}/docs).")
            print("Press Ctrl-C to stop.", flush=True)
            while True:
                stack.check()
                time.sleep(1)
    except (StackError, StorageUnavailableError) as error:
        print(error, file=sys.stderr)
        return 1


def _interrupt(_number: int, _frame: object) -> None:
    # Once is enough: another must not cut short how the children are stopped.
    for each in ENDS:
        signal.signal(each, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
