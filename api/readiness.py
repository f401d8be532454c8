"""What the server needs, looked at within a time limit: what hangs is told, not waited for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from dataclasses import dataclass
from typing import Any, TypeVar

from reglab.api.run_queue import RunQueue
from reglab.core.storage import Storage, StorageError
from reglab.core.storage.database import check_writable
from reglab.core.storage.migrate import is_current
from reglab.core.storage.overview import Overview

T = TypeVar("T")
# Below what probes of orchestrators wait by habit.
SECONDS = 2.0
WORKER_SILENT_SECONDS = 30.0
MIGRATE = "behind: run reglab migrate"


@dataclass(frozen=True)
class Found:
    """What a look found, or why it found nothing."""

    value: Any = None
    trouble: str = ""


class Looks:
    """Runs each look in a thread of its own; a look that still hangs is not begun once more."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[str, Future[Any]] = {}

    def within(self, seconds: float, looks: Mapping[str, Callable[[], Any]]) -> dict[str, Found]:
        """All looks at the same time; those that take longer are reported as hanging."""
        begun = {name: self._begin(name, look) for name, look in looks.items()}
        wait(begun.values(), seconds)
        return {name: _found(future, seconds) for name, future in begun.items()}

    def _begin(self, name: str, look: Callable[[], T]) -> Future[T]:
        with self._lock:
            running = self._open.get(name)
            if running is not None and not running.done():
                return running
            future: Future[T] = Future()
            self._open[name] = future
        # A daemon: the process may end while it hangs.
        threading.Thread(target=_fulfil, args=(future, look), name=name, daemon=True).start()
        return future


def look(looks: Looks, storage: Storage, run_queue: RunQueue, seconds: float = SECONDS) -> Any:
    """The readiness document's fields; ``ready`` is whether submissions can be taken."""
    found = looks.within(
        seconds,
        {
            "database": lambda: is_current(storage.engine),
            "writes": lambda: check_writable(storage.engine),
            "queue": storage.overview.read,
            "broker": run_queue.reachable,
        },
    )
    database = _database(found["database"], found["writes"])
    overview = found["queue"].value if database == "ok" else None
    return {
        "ready": database == "ok",
        "database": database,
        "broker": _broker(found["broker"]),
        **_workers(overview),
    }


def _database(found: Found, writes: Found) -> str:
    if found.trouble:
        return f"unreachable: {found.trouble}"
    if not found.value:
        return MIGRATE
    return f"cannot be written: {writes.trouble}" if writes.trouble else "ok"


def _broker(found: Found) -> str:
    if found.trouble or not found.value:
        reason = f"unreachable ({found.trouble})" if found.trouble else "unreachable"
        return f"{reason}; the reaper sends later"
    return "ok"


def _workers(overview: Overview | None) -> dict[str, Any]:
    if overview is None:
        return {"worker": "unknown"}
    age = overview.worker_seconds
    if age is None:
        worker = "none seen yet: start one with reglab worker"
    elif age < WORKER_SILENT_SECONDS:
        worker = "ok"
    else:
        worker = f"none seen for {age:.0f} s"
    return {
        "worker": worker,
        "worker_seconds": None if age is None else round(age, 1),
        "workers": overview.workers,
        "slots": overview.slots,
        "queued": overview.runs["queued"],
        "running": overview.runs["running"],
        "oldest_queued_seconds": round(overview.oldest_queued_seconds, 1),
    }


def _fulfil(future: Future[T], look: Callable[[], T]) -> None:
    try:
        future.set_result(look())
    except Exception as error:
        future.set_exception(error)


def _found(future: Future[Any], seconds: float) -> Found:
    if not future.done():
        return Found(trouble=f"no answer within {seconds:g} s")
    error = future.exception()
    if error is None:
        return Found(future.result())
    # What storage says is for people; of other errors the text may hold an address.
    return Found(trouble=str(error) if isinstance(error, StorageError) else type(error).__name__)
