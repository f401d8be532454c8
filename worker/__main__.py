"""``reglab worker``: a worker with one process per core."""

from __future__ import annotations

import os
import signal
import socket
import sys
import warnings
from collections.abc import Sequence
from typing import Any

from billiard import active_children
from celery.exceptions import SecurityWarning
from celery.signals import (
    setup_logging,
    worker_init,
    worker_process_init,
    worker_process_shutdown,
    worker_ready,
    worker_shutdown,
    worker_shutting_down,
)

from reglab.core.process import logs, tracing
from reglab.core.process.parent import end_with_parent
from reglab.core.storage import Storage, StorageUnavailableError
from reglab.core.storage.db_errors import MIGRATE
from reglab.worker.app import QUEUE, RUN_TASK, app, settings
from reglab.worker.identity import process, process_of
from reglab.worker.reaper import Reaper
from reglab.worker.settings import CONCURRENCY
from reglab.worker.shutdown import ask_to_stop, stopping
from reglab.worker.watchdog import Restart, Watchdog

# Sent to the whole group by terminals, supervisors and ``timeout``: the main process alone hears
# them and ends its pool in order, through the pool's own queue.
FOR_MAIN = {signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT}
NAME = f"{socket.gethostname()}/{os.getpid()}"
_reaper: Reaper | None = None
_worker: Any = None


@worker_init.connect
def _keep_worker(sender: Any, **_: Any) -> None:
    global _worker
    _worker = sender


@setup_logging.connect
def _leave_logging(**_: Any) -> None:
    """Celery sets nothing up itself where someone listens to this."""


@worker_process_init.connect
def _prepare_process(**_: Any) -> None:
    # Blocked, as billiard sets handlers later. One that ends while it takes the lock of the queue
    # leaves that locked, and the end of the pool waits for it for ever.
    signal.pthread_sigmask(signal.SIG_BLOCK, FOR_MAIN)
    if stopping():
        # In place of one that a shutdown ended: there is no run to prepare for.
        return
    # Compiled kernels and libraries load here rather than in the first run's time.
    from reglab.core.engine.warm_up import warm_up

    warm_up()
    tracing.start("worker")


@worker_process_shutdown.connect
def _end_process(**_: Any) -> None:
    tracing.stop()


@worker_ready.connect
def _start_reaper(**_: Any) -> None:
    global _reaper
    # Celery would ask the pool by signals, which it does not hear.
    signal.signal(signal.SIGQUIT, _restart.end)
    watchdog = Watchdog(settings.starving_seconds, _restart)
    _reaper = Reaper(settings, NAME, CONCURRENCY, _send, _busy, watchdog)
    _reaper.start()


@worker_shutting_down.connect
def _hand_back(**_: Any) -> None:
    # Without this a warm shutdown would wait for the longest training.
    ask_to_stop()
    _restart.stop_asked()


@worker_shutdown.connect
def _stop_reaper(**_: Any) -> None:
    if _reaper is not None:
        _reaper.stop()


def _send(run_id: str) -> None:
    # Without retries: the next look is one.
    app.send_task(RUN_TASK, [run_id], queue=QUEUE, retry=False)


def _pool() -> list[int]:
    return [process.pid for process in active_children()]


def _busy(owners: Sequence[str]) -> int:
    mine = {process(pid) for pid in _pool()}
    return sum(process_of(owner) in mine for owner in owners)


# In place of this process: its own arguments, the module in place of its path.
_restart = Restart(_pool, [sys.executable, "-m", "reglab.worker", *sys.argv[1:]])


def _check_tables() -> None:
    """End if the database has no tables yet; one that cannot be reached is tried again later."""
    storage = Storage.of(settings)
    try:
        storage.runs.any_queued()
    except StorageUnavailableError as error:
        if error.remedy.startswith(MIGRATE):
            sys.exit(f"{error} {MIGRATE}.")
    finally:
        storage.close()


def main() -> None:
    """Run a Celery worker in the foreground; SIGTERM ends it, its runs go back to the queue."""
    # Blocked while a worker begins anew.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    end_with_parent()
    logs.configure("worker")
    _restart.watch()
    # Who is root, as in a notebook's container, knows; messages are JSON, which runs nothing.
    warnings.filterwarnings("ignore", category=SecurityWarning)
    _check_tables()
    arguments = [
        # No banner: every line is a record.
        "--quiet",
        "worker",
        "--loglevel=INFO",
        f"--concurrency={CONCURRENCY}",
        f"--hostname=reglab-{os.getpid()}@%h",
        # Workers find work in the database; talking to each other would only cost.
        "--without-gossip",
        "--without-mingle",
        "--without-heartbeat",
    ]
    try:
        app.worker_main([*arguments, *sys.argv[1:]])
    finally:
        _restart.finish()
    # Celery tells of an error that it could not recover from by the worker's code alone.
    if _worker is not None and _worker.exitcode:
        sys.exit(_worker.exitcode)


if __name__ == "__main__":
    main()
